import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();

const FORMS = ['', '--json', '-q', '-o csv', '-o ndjson', '-o table'];

describe.runIf(existsSync('/dev/full'))('on a full disk', () => {
  test.each(FORMS)('create %s makes no key, and the error says why', async (form) => {
    const before = await cli.keyCount();
    const { exitCode, stderr } = await cli.shell(
      `apikeys create ci --owner ${newOwner()} ${form} > /dev/full`,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the output could not be written: no space is left on the device/);
    expect(await cli.keyCount()).toBe(before);
    if (form === '--json') expect(JSON.parse(stderr).error.code).toBe('OUTPUT_FAILED');
  });

  test.each([
    'list --json',
    'list --all',
    'list --count',
    'schema list',
    '--help',
    '--version',
    'migrate --status',
  ])('%s fails with exit 1', async (command) => {
    await cli.create();
    const { exitCode, stderr } = await cli.shell(`apikeys ${command} > /dev/full`);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/no space is left/),
    });
  });

  test('revoke has done its work and says that it could not print', async () => {
    const { id } = await cli.create();
    const { exitCode, stderr } = await cli.shell(`apikeys revoke ${id} --yes > /dev/full`);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/could not be written/);
    expect(await cli.json(['show', id])).toMatchObject({ status: 'revoked' });
  });
});

describe('when the reader has gone', () => {
  test('create ends with exit 1 and makes no key, or the key was read', async () => {
    // `exec 1>&-` alone would give the program no stdout; this one gives it a pipe that nobody reads.
    const runs = Array.from({ length: 8 }, async () => {
      const owner = newOwner();
      const line = `{ sleep 0.4; apikeys create ci --owner ${owner} -q; echo "exit $?" >&2; } | true`;
      const { stderr } = await cli.shell(line);
      return { owner, stderr };
    });
    for (const { owner, stderr } of await Promise.all(runs)) {
      expect(stderr).toMatch(/^apikeys: the output could not be written.*\nexit 1\n$/s);
      expect(await cli.json(['list', '--owner', owner, '--count'])).toEqual({ count: 0 });
    }
  });

  test.each(['', '--json', '--all', '--all -o ndjson', '--all --json'])(
    'list %s ends quietly with exit 0',
    async (form) => {
      await cli.create();
      const { stderr } = await cli.shell(`{ sleep 0.2; apikeys list ${form}; echo "exit $?" >&2; } | true`);
      expect(stderr).toBe('exit 0\n');
    },
  );

  test('list | head -1 prints its line and ends quietly with exit 0', async () => {
    const owner = newOwner();
    await cli.create('ci', ['--owner', owner]);
    await cli.database.query(
      `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, audit_seq, audit_hash)
       SELECT gen_random_uuid(), tenant_id, owner_id, repeat('n', 200), key_prefix, sha256(gen_random_uuid()::text::bytea), created_at, created_by, audit_seq, audit_hash
         FROM apikeys.keys, generate_series(1, 5000) WHERE owner_id = $1`,
      [owner],
    );
    const { stdout, stderr } = await cli.shell(`{ apikeys list --all; echo "exit $?" >&2; } | head -1`);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(stderr).toBe('exit 0\n');
  });

  test('a long output into a pipe arrives whole', async () => {
    const { stdout } = await cli.shell('apikeys list --all -o ndjson | (sleep 0.3; cat)');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(await cli.keyCount());
    expect(() => lines.map((line) => JSON.parse(line))).not.toThrow();
  });
});
