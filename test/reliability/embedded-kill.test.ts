import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded/engine.js';
import { embeddedDatabase } from '../helpers/embedded.js';
import { runApikeys, startApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { overEngine, type RunSql, texts } from '../helpers/run-sql.js';
import { Acknowledged } from './acknowledged.js';
import { bundleFixture, startChild } from './children.js';
import { faultsIn } from './consistency.js';
import { inLanes, patience, scale } from './scale.js';

const KILLS = scale('EMBEDDED_KILLS', { short: 10, long: 900 });
const PROGRAM_KILLS = scale('EMBEDDED_PROGRAM_KILLS', { short: 4, long: 100 });
/** Folders, each with its own writers. */
const LANES = scale('EMBEDDED_LANES', { short: 2, long: 2 });

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'apikeys-home-'));
  // The first lane makes its database while it is killed; the others are given theirs.
  const made = await embeddedDatabase();
  for (let lane = 1; lane <= LANES; lane++) await cp(made, folderOf(lane), { recursive: true });
});
afterAll(() => rm(home, { recursive: true }));

const folderOf = (lane: number) => join(home, `database-${lane}`);
const env = (lane: number) => ({ APIKEYS_DATABASE_URL: `embedded:${folderOf(lane)}`, APIKEYS_TIMEOUT: '1m' });
const list = (lane: number) => runApikeys(['list', '--all', '-q'], { env: env(lane) });

async function look<T>(lane: number, work: (run: RunSql) => Promise<T>): Promise<T> {
  const timeouts = { connect: 10_000, lock: 10_000, statement: 60_000, answer: 60_000 };
  const engine = await openEmbedded({ folder: folderOf(lane), timeouts });
  try {
    return await work(overEngine(engine));
  } finally {
    await engine.close();
  }
}

test('kill -9 during writes loses no acknowledged key and leaves nothing half-done', {
  timeout: patience(KILLS, 10_000),
}, async () => {
  const script = await bundleFixture('make-keys');
  const said = Array.from({ length: LANES }, () => new Acknowledged());
  await inLanes(LANES, KILLS, async (round, lane) => {
    const child = startChild(script, [folderOf(lane)]);
    // Some while they open (or make) the database, most while they write.
    if (round % 5 === 4) await sleep(random(800));
    else await child.next('made').then(() => sleep(random(120)));
    child.process.kill('SIGKILL');
    expect((await child.ended).stderr).toBe('');
    said[lane]?.read(child.lines());
  });
  for (const [lane, acknowledged] of said.entries()) {
    const { exitCode, stdout, stderr } = await list(lane);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').length).toBeGreaterThan(acknowledged.made);
    expect(await look(lane, (run) => acknowledged.contradictions(run))).toEqual([]);
    expect(await look(lane, faultsIn)).toEqual([]);
    expect(acknowledged.made).toBeGreaterThan(KILLS / LANES / 4);
  }
});

test('of a program that is killed every key that it made is there, and none that it did not show', {
  timeout: patience(PROGRAM_KILLS, 10_000),
}, async () => {
  const lane = LANES;
  const shown: string[] = [];
  const create = (owner: string) => runApikeys(['create', 'a', '--owner', owner, '-q'], { env: env(lane) });
  const { stdout, durationMs } = await create('first');
  shown.push(stdout.trim());
  let killed = 0;
  let done = 0;
  for (let round = 0; round < PROGRAM_KILLS; round++) {
    const program = await startApikeys(['create', 'a', '--owner', `round ${round}`, '-q'], {
      env: env(lane),
    });
    const timer = setTimeout(() => program.kill('SIGKILL'), random(durationMs));
    const result = await program.result;
    clearTimeout(timer);
    if (result.exitCode === 0) {
      done++;
      shown.push(result.stdout.trim());
      expect(result.stdout).toMatch(/^rv_[0-9a-f]{64}\n$/);
    } else {
      killed++;
      expect(result.signal).toBe('SIGKILL');
    }
    // What was shown before it was killed may be live; it must not be counted as acknowledged.
    if (result.exitCode === null && result.stdout !== '') {
      const [stored] = await look(lane, (run) => texts(run, hashesOf(`round ${round}`)));
      if (stored !== undefined) expect(stored).toBe(hashOf(result.stdout.trim()));
    }
  }
  expect(killed).toBeGreaterThan(0);
  const stored = new Set(await look(lane, (run) => texts(run, ALL_HASHES)));
  expect(shown.filter((key) => !stored.has(hashOf(key)))).toEqual([]);
  expect(stored.size).toBeGreaterThanOrEqual(done + 1);
  expect(await look(lane, faultsIn)).toEqual([]);
  expect((await list(lane)).exitCode).toBe(0);
});

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const ALL_HASHES = `SELECT encode(hash, 'hex') FROM apikeys.secrets`;
const hashesOf = (owner: string): string =>
  `SELECT encode(s.hash, 'hex') FROM apikeys.secrets s JOIN apikeys.keys k ON k.id = s.key_id WHERE k.owner_id = '${owner}'`;
