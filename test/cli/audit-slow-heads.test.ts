import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { runApikeys, startApikeys } from '../helpers/program.js';
import { seedChains } from '../integration/audit/seed-chains.js';

/** More than a transaction may stand idle, and less than a pipe may be silent. */
const SILENCE = 7_000;

let database: TestDatabase;
let folder: string;
let env: Readonly<Record<string, string>>;
let heads: readonly string[];

beforeAll(async () => {
  database = await testDatabase();
  await seedChains(database.query, { keys: 1_300, owners: 1, length: 1 });
  folder = await mkdtemp(join(tmpdir(), 'apikeys-heads-'));
  env = { APIKEYS_DATABASE_URL: database.url };
  heads = (await runApikeys(['audit', 'head'], { env })).stdout.split(/(?<=\n)/);
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

/** Verifies with lines that come through a pipe, those after `count` of them later. */
async function verify(count: number, lines = heads) {
  const path = join(folder, `pipe-${Math.random()}`);
  execFileSync('mkfifo', [path]);
  const running = await startApikeys(['audit', 'verify', '--json', '--head', path], { env });
  const pipe = await open(path, 'w');
  await pipe.write(lines.slice(0, count).join(''));
  await sleep(SILENCE);
  await pipe.write(lines.slice(count).join(''));
  await pipe.close();
  const { exitCode, stdout, stderr } = await running.result;
  return { count, exitCode, stderr, stdout };
}

test('heads that come slowly through a pipe are waited for, however far the database has been read', async () => {
  // None; some that are read before the database is; and one more batch, in the middle of which it stops.
  const counts = [0, 10, 1_200];
  const cutOff = verify(1_200, heads.slice(0, -1));
  const results = await Promise.all(counts.map((count) => verify(count)));
  expect(results).toMatchObject(counts.map((count) => ({ count, exitCode: 0, stderr: '' })));
  for (const { stdout } of results) expect(JSON.parse(stdout)).toMatchObject({ valid: true, chains: 1_301 });
  const { exitCode, stderr } = await cutOff;
  expect(exitCode).toBe(2);
  expect(JSON.parse(stderr).error.message).toContain('its end is missing');
}, 60_000);
