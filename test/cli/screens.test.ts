import { beforeAll, describe, expect, test } from 'vitest';
import type { CreateJson } from '../../src/representation/schemas/key-secrets.js';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();

const screen = (columns: number, args: readonly string[]) =>
  cli.apikeys([...args, '-o', 'table'], {
    terminal: true,
    env: { NO_COLOR: '1', COLUMNS: String(columns) },
  });
const coloured = (args: readonly string[]) => cli.apikeys([...args, '-o', 'table', '--color', 'always']);

describe.each([80, 120])('in %i columns', (columns) => {
  test('a list leaves out what every row would say, and cuts neither name nor owner', async () => {
    const owner = `customer-${'0123456789'.repeat(columns === 80 ? 1 : 3)}-${columns}`;
    const name = `n${columns} rather long name of a key that does the nightly export of invoices`;
    const { key_prefix } = await cli.create(name, ['--owner', owner]);
    await cli.create(`n${columns} short`, ['--owner', `${owner}-b`]);
    const { stdout } = await screen(columns, ['list', '--name', `n${columns} *`]);
    expect(stdout).not.toMatch(/TENANT|REQUESTS|SCOPES|…/);
    expect(stdout).toMatch(/KEY .*NAME .*OWNER .*STATUS .*EXPIRES/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    const from = stdout.slice(stdout.indexOf(key_prefix));
    for (const word of [...name.split(' '), owner]) expect(from).toContain(word);
    const ofOne = await screen(columns, ['list', '--owner', owner]);
    expect(ofOne.stdout).not.toContain('OWNER');
  });

  test('a tenant is told where there is one to tell', async () => {
    const owner = newOwner();
    await cli.create('walled', ['--owner', owner, '--tenant', 'acme']);
    expect((await screen(120, ['list', '--owner', owner])).stdout).toContain('TENANT');
    expect((await screen(120, ['list', '--tenant', 'acme'])).stdout).not.toContain('TENANT');
  });
});

describe('a key that ends soon', () => {
  test.each([
    ['2h', '\u001b[31m'],
    ['9d', '\u001b[33m'],
  ])('within %s is coloured', async (expires, colour) => {
    const owner = newOwner();
    await cli.create('ending', ['--owner', owner, '--expires', expires]);
    const { stdout } = await coloured(['list', '--owner', owner]);
    expect(stdout).toContain(`${colour}in `);
  });
});

describe('a freeze', () => {
  let key: CreateJson;
  beforeAll(async () => {
    key = await cli.create('freezing');
  });

  test('says until when, in its answer and in the list', async () => {
    const { stderr } = await screen(120, ['freeze', key.id, '--until', '3h']);
    expect(stderr).toMatch(/^Froze 1 key until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in 3 hours\)\.$/m);
    expect((await screen(120, ['list', '--owner', key.owner_id])).stdout).toContain(
      'frozen, thaws in 3 hours',
    );
    const ever = await screen(120, ['freeze', key.id]);
    expect(ever.stderr).toBe('Froze 1 key until unfrozen.\n');
  });

  test('of the owner is told by show, with who and why', async () => {
    const { id, owner_id } = await cli.create('stopped');
    await cli.json(['freeze', '--owner', owner_id, '--reason', 'incident 42', '--actor', 'alice']);
    const { stdout } = await screen(120, ['show', id]);
    expect(stdout).toMatch(/Frozen +with its owner since .*, until it is unfrozen, by alice: incident 42/);
    expect(stdout).toMatch(/owner frozen until it is unfrozen, by alice: incident 42/);
    await cli.json(['unfreeze', '--owner', owner_id]);
    expect((await screen(120, ['show', id])).stdout).not.toContain('owner frozen');
  });
});

test('update shows each change, before and after', async () => {
  const { id } = await cli.create('before', ['--metadata', 'team=core', '--metadata', 'tier=1']);
  const { stdout, stderr } = await screen(120, [
    ...['update', id, '--name', 'after', '--description', 'nightly', '--metadata', 'team=data'],
    ...['--metadata', 'tier='],
  ]);
  expect(stdout).toMatch(/Name +before → after/);
  expect(stdout).toMatch(/Description +\(none\) → nightly/);
  expect(stdout).toMatch(/Metadata team +core → data/);
  expect(stdout).toMatch(/Metadata tier +1 → \(none\)/);
  expect(stdout).not.toContain('Expires');
  expect(stderr).toBe('Updated.\n');
});

test('scopes say what changed, or that nothing did', async () => {
  const { id } = await cli.create('scoped', ['--scope', 'read']);
  const said = async (...args: string[]) => (await screen(80, ['scopes', id, ...args])).stderr;
  expect(await said('--add', 'write', '--remove', 'read')).toBe('Added write; removed read.\n');
  expect(await said('--remove', 'nope')).toBe('It was so before; nothing was changed.\n');
  expect(await said()).toBe('');
});

describe('times', () => {
  test('are absolute on request, in every table', async () => {
    const owner = newOwner();
    const { id } = await cli.create('timed', ['--owner', owner]);
    const absolute = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/;
    for (const args of [
      ['list', '--owner', owner],
      ['show', id],
      ['audit', id],
    ]) {
      const { stdout } = await screen(120, [...args, '--time', 'absolute']);
      expect(stdout).toMatch(absolute);
      expect(stdout).not.toMatch(/in \d+ days|just now|ago/);
      expect((await screen(120, args)).stdout).toMatch(/in \d+ days|just now|ago/);
    }
  });
});

test('the trail names keys, and what ended access stands out', async () => {
  const { id, key_prefix, owner_id } = await cli.create('named key');
  await cli.json(['revoke', id, '--yes', '--reason', 'left']);
  const { stdout } = await screen(120, ['audit', id]);
  expect(stdout).toMatch(new RegExp(`${key_prefix}  named key of ${owner_id}: revoked, by .*: left`));
  expect((await coloured(['audit', id])).stdout).toContain('\u001b[31mnamed key of');
});

test('whoever only reads is not told that nothing was changed', async () => {
  for (const args of [['show'], ['usage'], ['scopes'], ['scopes', '--has', 'read'], ['audit']]) {
    const [command = '', ...more] = args;
    const { stderr, exitCode } = await cli.apikeys([command, 'nobody', ...more]);
    expect(exitCode).toBe(3);
    expect(stderr).not.toContain('nothing was changed');
  }
  expect((await cli.apikeys(['freeze', 'nobody'])).stderr).toContain('nothing was changed');
});

test('the end of a grace is told in plain words', async () => {
  const { id } = await cli.create('gha');
  await cli.json(['rotate', id]);
  const { stdout } = await screen(80, ['rotate', id, '--end-grace']);
  expect(stdout).toMatch(/^Ended the grace of gha, owner /);
});

test('a number that is too large is called so', async () => {
  const { id } = await cli.create('large');
  for (const number of ['9007199254740991', '1000000000']) {
    const { stderr, exitCode } = await cli.apikeys(['usage', 'record', id, '--requests', number]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`"${number}" is too large`);
  }
});
