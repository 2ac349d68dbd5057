import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/folders.js';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();

/** Each command that changes something, what it says it has done, and how to see that it is so. */
const CHANGES: readonly (readonly [command: string, done: string])[] = [
  ['revoke ID --yes', '1 key was revoked'],
  ['revoke ID --yes -q', '1 key was revoked'],
  ['revoke ID OTHER --yes -o csv', '2 keys were revoked'],
  ['revoke --owner OWNER --yes --json', '1 key was revoked'],
  ['freeze ID', '1 key was frozen'],
  ['freeze --owner OWNER', 'owner "OWNER" was frozen'],
  ['freeze ID && apikeys unfreeze ID', '1 key was unfrozen'],
  ['freeze --owner OWNER && apikeys unfreeze --owner OWNER', 'owner "OWNER" was unfrozen'],
  ['update ID --description other', '1 key was updated'],
  ['scopes ID --add read', 'the scopes were changed'],
  ['rotate ID -q && apikeys rotate ID --end-grace', 'the older secrets have ended'],
  ['usage record ID --requests 2', 'the usage was recorded'],
  ['create out --owner OWNER --out-file FILE', 'the key was made, and its secret is in "FILE"'],
  ['rotate ID --out-file FILE', 'the key was made, and its secret is in "FILE"'],
];

/** The last command of the line writes to where nothing can be written. */
async function run(command: string, wrap: (last: string) => string) {
  const { id, owner_id } = await cli.create();
  const other = await cli.create();
  const file = join(temporaryFolder('out'), 'key');
  const filled = (text: string) =>
    text
      .replaceAll('OWNER', owner_id)
      .replaceAll('OTHER', other.id)
      .replaceAll('ID', id)
      .replaceAll('FILE', file);
  const words = filled(command).split(' && apikeys ');
  const last = words.pop() ?? '';
  const before = words.map((one) => `apikeys ${one} > /dev/null && `).join('');
  const { stderr } = await cli.shell(`${before}${wrap(`apikeys ${last}`)}`);
  return { stderr, filled };
}

const errorText = (stderr: string): string =>
  stderr.startsWith('{') ? JSON.parse(stderr.replace(/exit \d+\n$/, '')).error.message : stderr;

describe.runIf(existsSync('/dev/full'))('on a full disk', () => {
  test.each(CHANGES)('%s says that %s', async (command, done) => {
    const { stderr, filled } = await run(command, (last) => `${last} > /dev/full; echo "exit $?" >&2`);
    expect(errorText(stderr)).toContain(
      `${filled(done)}, but the output could not be written: no space is left on the device`,
    );
    expect(stderr).toMatch(/exit 1\n$/);
  });

  test('what changed nothing claims nothing', async () => {
    const { id } = await cli.create();
    for (const command of [`freeze ${id} --dry-run`, `unfreeze ${id}`, `update ${id} --name ci`]) {
      const { stderr } = await cli.shell(`apikeys ${command} > /dev/full`);
      expect(stderr).toMatch(/^apikeys: the output could not be written/);
    }
  });

  test('cleanup and migrate say it as well', async () => {
    const { id } = await cli.create('dead', ['--owner', newOwner()]);
    await cli.json(['revoke', id, '--yes']);
    const { stderr } = await cli.shell('apikeys cleanup --older-than 0 > /dev/full');
    expect(stderr).toContain('cleanup has deleted what was due, but the output could not be written');
  });
});

describe('when the reader has gone', () => {
  test.each(CHANGES.slice(0, 6))('%s says that %s', async (command, done) => {
    const { stderr, filled } = await run(
      command,
      (last) => `{ sleep 0.4; ${last}; echo "exit $?" >&2; } | true`,
    );
    expect(errorText(stderr)).toContain(
      `${filled(done)}, but the output could not be written: its reader has closed it`,
    );
    expect(stderr).toMatch(/exit 1\n$/);
  });
});
