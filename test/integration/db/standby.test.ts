import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../helpers/cluster.js';
import { runApikeys } from '../../helpers/program.js';

/** A server that follows another one: here, one that was told so after the keys were made. */
let cluster: Cluster;
const run = (...args: readonly string[]) =>
  runApikeys([...args, '--json'], { env: { APIKEYS_DATABASE_URL: cluster.url('postgres') } });

let secret: string;
beforeAll(async () => {
  cluster = await startCluster({ settings: { wal_level: 'replica' } });
  expect(await run('migrate')).toMatchObject({ exitCode: 0 });
  secret = JSON.parse((await run('create', 'a', '--owner', 'o')).stdout).api_key;
  const admin = new pg.Client({ connectionString: cluster.adminUrl });
  await admin.connect();
  await admin.query("CREATE ROLE app; CREATE ROLE strict LOGIN PASSWORD 's'");
  await admin.query('ALTER ROLE strict SET default_transaction_isolation = serializable');
  await admin.end();
  expect(await run('grants', '--role', 'strict', '--as', 'admin', '--apply')).toMatchObject({ exitCode: 0 });
  await writeFile(join(cluster.socketFolder, 'data', 'standby.signal'), '');
  await cluster.restart();
});
afterAll(() => cluster.stop());

test.each([
  ['create', 'b', '--owner', 'o'],
  ['revoke', 'a', '--yes'],
  ['freeze', 'a'],
  ['rotate', 'a'],
  ['usage', 'record', 'a', '--requests', '1'],
  ['update', 'a', '--description', 'x'],
  ['scopes', 'a', '--add', 'x'],
  ['grants', '--role', 'app', '--as', 'admin', '--apply'],
])('%s is refused: read-only', async (...args) => {
  const { exitCode, stderr, durationMs } = await run(...args);
  expect({ exitCode, code: JSON.parse(stderr || '{}').error?.code }).toEqual({
    exitCode: 6,
    code: 'DATABASE_READ_ONLY',
  });
  // At once: not taken for a statement that has to be prepared anew.
  expect(durationMs).toBeLessThan(10_000);
});

test('what only reads works, and doctor fails there', async () => {
  expect(await run('list')).toMatchObject({ exitCode: 0 });
  const { exitCode, stdout } = await run('doctor');
  expect(exitCode).toBe(6);
  expect(JSON.parse(stdout).checks).toContainEqual(
    expect.objectContaining({
      name: 'changes',
      status: 'fail',
      code: 'DATABASE_READ_ONLY',
      message: expect.stringContaining('standby'),
    }),
  );
});

test('verify answers, and says that the answer may be old', async () => {
  const env = { APIKEYS_DATABASE_URL: cluster.url('postgres') };
  const { exitCode, stdout, stderr } = await runApikeys(['verify'], { env, input: secret });
  expect({ exitCode, stdout: stdout.slice(0, 4) }).toEqual({ exitCode: 0, stdout: 'true' });
  expect(stderr).toMatch(/^warning: .*standby/);
  expect(await runApikeys(['verify', '--json'], { env, input: secret })).toMatchObject({ stderr: '' });
});

test('a role whose default is serializable, which a standby refuses, is told so by verify', async () => {
  const env = { APIKEYS_DATABASE_URL: cluster.url('postgres', { user: 'strict', password: 's' }) };
  expect(await runApikeys(['list'], { env })).toMatchObject({ exitCode: 0 });
  const { exitCode, stderr } = await runApikeys(['verify', '--json'], { env, input: secret });
  expect({ exitCode, code: JSON.parse(stderr).error.code }).toEqual({
    exitCode: 6,
    code: 'DATABASE_READ_ONLY',
  });
});
