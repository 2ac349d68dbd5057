import { execFile } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { PROGRAM, startApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { startProxy, type WireProxy } from '../helpers/wire-proxy.js';
import { serverIdle } from '../integration/db/stored.js';
import { inLanes, patience, scale } from './scale.js';
import { blockedPipe, hashOf, runInto } from './stdout.js';

const ROUNDS = scale('REVEAL_ROUNDS', { short: 18, long: 1_000 });
const LANES = scale('REVEAL_LANES', { short: 3, long: 3 });
const HAS_FULL = existsSync('/dev/full');

let database: TestDatabase;
let proxy: WireProxy;
let folder: string;
beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
  folder = await mkdtemp(join(tmpdir(), 'apikeys-reveal-'));
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
  await rm(folder, { recursive: true });
});
beforeEach(() => proxy.reset());

const NAME = 'reveal';
const env = (more = {}) => ({
  APIKEYS_DATABASE_URL: database.url,
  PGAPPNAME: NAME,
  APIKEYS_TIMEOUT: '3s',
  ...more,
});
const create = (owner: string) => ['create', 'a', '--owner', owner, '-q'];

/** The hashes of this owner's secrets, once nobody is at work any more. */
async function storedFor(owner: string): Promise<string[]> {
  await serverIdle(database, NAME);
  const rows = await database.query<{ hash: string }>(
    `SELECT encode(s.hash, 'hex') AS hash FROM apikeys.secrets s JOIN apikeys.keys k ON k.id = s.key_id WHERE k.owner_id = $1`,
    [owner],
  );
  return rows.map(({ hash }) => hash);
}

/** The whole keys in what was written. */
const shownIn = (text: string): string[] => (text.match(/^rv_[0-9a-f]{64}$/gm) ?? []).map(hashOf);

describe('a key that cannot be shown is not made', () => {
  test.skipIf(!HAS_FULL)('on a full device', async () => {
    const full = openSync('/dev/full', 'w');
    const { exitCode, stderr } = await runInto(full, create('full'), env());
    closeSync(full);
    expect({ exitCode, stored: await storedFor('full') }).toEqual({ exitCode: 1, stored: [] });
    expect(stderr).toContain('no space is left');
  });

  test('on a pipe that its reader has closed', async () => {
    const { exitCode, stderr } = await runInto('pipe', create('closed'), env());
    expect({ exitCode, stored: await storedFor('closed') }).toEqual({ exitCode: 1, stored: [] });
    expect(stderr).toContain('its reader has closed it');
  });

  test('on a closed descriptor', async () => {
    const closed = promisify(execFile)(
      'sh',
      ['-c', 'exec "$0" "$@" >&-', process.execPath, PROGRAM, ...create('none')],
      {
        cwd: folder,
        env: env({ PATH: process.env.PATH, HOME: folder }),
      },
    );
    await expect(closed).rejects.toMatchObject({ code: 1 });
    expect(await storedFor('none')).toEqual([]);
  });

  test('on a disk that takes only a part of it', async () => {
    // The shell's limit stands in for the disk: 1,024 bytes in bash and dash alike, or 512.
    const file = join(folder, 'part');
    writeFileSync(file, 'x'.repeat(512 - 30));
    const limited = promisify(execFile)(
      'sh',
      ['-c', 'ulimit -f 1; exec "$0" "$@" >> part', process.execPath, PROGRAM, ...create('part')],
      { cwd: folder, env: env({ PATH: process.env.PATH, HOME: folder }) },
    );
    const code = await limited.then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    const shown = shownIn(readFileSync(file, 'utf8').replace(/^x+/, ''));
    expect({ code, stored: await storedFor('part') }).toEqual(
      shown.length === 1 ? { code: 0, stored: shown } : { code: 1, stored: [] },
    );
  });

  test('on a pipe that nobody reads, and the program ends all the same', async () => {
    const pipe = blockedPipe(folder);
    try {
      const { exitCode, stderr, durationMs } = await runInto(pipe.descriptor, create('unread'), env());
      expect({ exitCode, stored: await storedFor('unread') }).toEqual({ exitCode: 1, stored: [] });
      expect(stderr).toContain('nobody read it');
      expect(durationMs).toBeLessThan(15_000);
    } finally {
      pipe.close();
    }
  });
});

describe('between the reveal and the commit', () => {
  const hold = () =>
    proxy.arm({ direction: 'frontend', match: { type: 'Q', text: /^COMMIT$/ }, action: 'hold-before' });
  const start = (owner: string, wait = '8s') =>
    startApikeys(create(owner), {
      env: env({ APIKEYS_DATABASE_URL: proxy.url(database.url), APIKEYS_TIMEOUT: wait }),
    });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s waits for a COMMIT that comes through', async (signal) => {
    const rule = hold();
    const program = await start(signal);
    await rule.fired;
    program.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    rule.release();
    const { exitCode, stdout } = await program.result;
    expect({ exitCode, stored: await storedFor(signal) }).toEqual({ exitCode: 0, stored: shownIn(stdout) });
    expect(shownIn(stdout)).toHaveLength(1);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s, and the COMMIT is lost: the key that was shown is dead',
    async (signal) => {
      const rule = hold();
      const owner = `${signal} lost`;
      const program = await start(owner);
      await rule.fired;
      program.kill(signal);
      proxy.cutAll();
      const { exitCode, stdout, stderr } = await program.result;
      expect({ exitCode, stored: await storedFor(owner) }).toEqual({ exitCode: 6, stored: [] });
      expect(shownIn(stdout)).toHaveLength(1);
      expect(stderr).toContain('the key that was shown is dead');
    },
  );

  test('a COMMIT that is swallowed with the database: whether the shown key works is not known', async () => {
    const rule = hold();
    const program = await start('swallowed', '2s');
    await rule.fired;
    proxy.blackhole();
    const { exitCode, stdout, stderr } = await program.result;
    expect(exitCode).toBe(8);
    expect(shownIn(stdout)).toHaveLength(1);
    expect(stderr).toContain('may or may not work');
  });

  test('SIGKILL leaves nothing, or what was shown', async () => {
    const rule = hold();
    const program = await start('SIGKILL');
    await rule.fired;
    program.kill('SIGKILL');
    const { stdout } = await program.result;
    proxy.cutAll();
    expect(shownIn(stdout)).toHaveLength(1);
    expect(await storedFor('SIGKILL')).toEqual([]);
  });
});

test('an interruption before the reveal shows nothing and makes nothing', async () => {
  const rule = proxy.arm({
    direction: 'backend',
    match: { type: 'C', text: 'INSERT' },
    action: 'hold-before',
  });
  const program = await startApikeys(create('early'), {
    env: env({ APIKEYS_DATABASE_URL: proxy.url(database.url) }),
  });
  await rule.fired;
  program.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await program.result;
  proxy.cutAll();
  expect({ exitCode, stdout, stored: await storedFor('early') }).toEqual({
    exitCode: 143,
    stdout: '',
    stored: [],
  });
  expect(stderr).toContain('nothing was changed');
});

test(`of ${ROUNDS} creates that end in every way, none is done unseen and none seen as done is missing`, {
  timeout: patience(ROUNDS, 3_000),
}, async () => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;
  const wrong: string[] = [];
  const exits = new Set<number | null>();
  await inLanes(LANES, ROUNDS, async (round) => {
    const owner = `round ${round}`;
    const way =
      ([HAS_FULL ? 'full' : 'closed', 'closed', 'file', 'file', 'file'] as const)[random(5)] ?? 'file';
    const file = join(folder, owner);
    const stdout = way === 'closed' ? 'pipe' : openSync(way === 'full' ? '/dev/full' : file, 'w');
    // A run takes about a quarter of a second.
    const kill =
      random(3) > 0 ? { signal: signals[random(3)] ?? 'SIGKILL', after: 50 + random(250) } : undefined;
    const { exitCode } = await runInto(stdout, create(owner), env(), kill);
    if (typeof stdout === 'number') closeSync(stdout);
    exits.add(exitCode);
    const shown = way === 'file' ? shownIn(readFileSync(file, 'utf8')) : [];
    const stored = await storedFor(owner);
    const label = `${owner}, ${way}, ${kill?.signal} after ${kill?.after}: exit ${exitCode}`;
    if (exitCode === 0 && shown.length !== 1) wrong.push(`${label}, and nothing was shown`);
    if (exitCode === 0 && stored.length !== 1) wrong.push(`${label}, and nothing is stored`);
    if (stored.some((hash) => !shown.includes(hash))) wrong.push(`${label}, and a live key that nobody saw`);
  });
  expect(wrong).toEqual([]);
  expect(exits.size).toBeGreaterThan(2);
});
