import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../helpers/cluster.js';
import { runApikeys } from '../../helpers/program.js';

/** A server that follows another one: here, one that was told so after the keys were made. */
let cluster: Cluster;
const run = (...args: readonly string[]) =>
  runApikeys([...args, '--json'], { env: { APIKEYS_DATABASE_URL: cluster.url('postgres') } });

beforeAll(async () => {
  cluster = await startCluster({ settings: { wal_level: 'replica' } });
  expect(await run('migrate')).toMatchObject({ exitCode: 0 });
  expect(await run('create', 'a', '--owner', 'o')).toMatchObject({ exitCode: 0 });
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
])('%s is refused: read-only', async (...args) => {
  const { exitCode, stderr, durationMs } = await run(...args);
  expect({ exitCode, code: JSON.parse(stderr || '{}').error?.code }).toEqual({
    exitCode: 6,
    code: 'DATABASE_READ_ONLY',
  });
  // At once: not taken for a statement that has to be prepared anew.
  expect(durationMs).toBeLessThan(10_000);
});

test('what only reads works, and doctor says where it reads', async () => {
  expect(await run('list')).toMatchObject({ exitCode: 0 });
  const { exitCode, stdout } = await run('doctor');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).checks).toContainEqual(
    expect.objectContaining({
      name: 'changes',
      status: 'warn',
      message: expect.stringContaining('standby'),
    }),
  );
});
