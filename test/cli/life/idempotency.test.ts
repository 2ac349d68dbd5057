import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CreateJson } from '../../../src/representation/schemas/key-secrets.js';
import { runTogether } from '../../helpers/program.js';
import { hashOf } from '../../integration/life/stored.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

const cli = useCli();

const command = (owner = newOwner()) => ['create', 'ci', '--owner', owner, '--idempotency-key', 'deploy-42'];

test('of eight processes at once one makes the key and prints its secret', async () => {
  const args = [...command(), '--json'];
  const env = { APIKEYS_DATABASE_URL: cli.database.url };
  const results = await runTogether(8, () => ({ args, options: { env } }));
  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(Array(8).fill([0, '']));
  const documents = results.map(({ stdout }) => JSON.parse(stdout) as CreateJson);
  expect(new Set(documents.map(({ id }) => id)).size).toBe(1);
  const [winner, ...more] = documents.filter(({ api_key }) => api_key !== null);
  expect(more).toEqual([]);
  expect(documents.map(({ changed }) => changed).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  expect(winner).toMatchObject({ changed: 1, first_key: true });
  const stored = await cli.database.query<{ hash: string }>(
    `SELECT encode(hash, 'hex') AS hash FROM apikeys.secrets WHERE key_id = $1`,
    [winner?.id],
  );
  expect(stored).toEqual([{ hash: hashOf(winner?.api_key ?? '') }]);
});

test('of eight processes with -q at once one prints the secret, and the others exit 4', async () => {
  const args = [...command(), '-q'];
  const env = { APIKEYS_DATABASE_URL: cli.database.url };
  const results = await runTogether(8, () => ({ args, options: { env } }));
  const printed = results.filter(({ stdout }) => stdout !== '');
  expect(printed).toMatchObject([{ exitCode: 0, stdout: expect.stringMatching(/^rv_[0-9a-f]{64}\n$/) }]);
  expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 4, 4, 4, 4, 4, 4, 4]);
});

test('a repetition is the same key without its secret, and says so', async () => {
  const args = command();
  const first = await cli.json<CreateJson>(args);
  const again = await cli.json<CreateJson>(args);
  const { message, ...rest } = again;
  const { message: _first, ...before } = first;
  expect(rest).toEqual({ ...before, api_key: null, changed: 0, first_key: false });
  expect(message).toMatch(/earlier run/);
});

test('with -q or --out-file a repetition is exit 4: there is no secret to give', async () => {
  const args = command();
  await cli.json(args);
  const folder = await mkdtemp(join(tmpdir(), 'apikeys-once-'));
  try {
    for (const form of [['-q'], ['--out-file', join(folder, 'key')]]) {
      const { exitCode, stdout, stderr } = await cli.apikeys([...args, ...form]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
      expect(stderr).toMatch(/its secret was shown then/);
      const failed = await cli.apikeys([...args, ...form, '--json']);
      expect(failed.exitCode).toBe(4);
      expect(errorOf(failed).code).toBe('SECRET_NOT_AVAILABLE');
    }
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('with other arguments it is exit 4 IDEMPOTENCY_CONFLICT', async () => {
  const args = command();
  const { id } = await cli.json<CreateJson>(args);
  const before = await cli.keyCount();
  const conflict = await cli.apikeys([...args, '--scope', 'read', '--json']);
  expect(conflict.exitCode).toBe(4);
  expect(errorOf(conflict)).toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
    hint: expect.stringContaining(id),
  });
  expect(await cli.keyCount()).toBe(before);
});

test('it is known before the limit and the freeze, and under other settings', async () => {
  const owner = newOwner();
  const { id } = await cli.json<CreateJson>(command(owner));
  await cli.json(['freeze', '--owner', owner]);
  const env = { APIKEYS_MAX_PER_USER: '1', APIKEYS_DEFAULT_EXPIRY: '0' };
  expect(await cli.json(command(owner), { env })).toMatchObject({
    id,
    status: 'frozen',
    frozen_by_owner: true,
    api_key: null,
    changed: 0,
  });
});

test('after a rotation and a revocation it gives the key as it is by now', async () => {
  const args = command();
  const { id } = await cli.json<CreateJson>(args);
  const { key_prefix } = await cli.json<CreateJson>(['rotate', id]);
  expect(await cli.json(args)).toMatchObject({ id, key_prefix, changed: 0 });
  await cli.json(['revoke', id, '--yes']);
  expect(await cli.json(args)).toMatchObject({ id, status: 'revoked', changed: 0, api_key: null });
});
