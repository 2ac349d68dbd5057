import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/db/engine.js';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { type TestCalls, testKeysOn } from '../helpers/named-caller.js';
import { runApikeys } from '../helpers/program.js';
import { blockedPipe, runInto } from './stdout.js';

// A key may expire while the secret of its rotation is being shown. Its place must not be given away meanwhile.

const LIMIT = 10;

let database: TestDatabase;
let engine: Engine;
let service: TestCalls;
let folder: string;
beforeAll(async () => {
  database = await testDatabase();
  const timeouts = { connect: 20_000, lock: 20_000, statement: 20_000, answer: 40_000 };
  engine = openServer({ settings: serverSettings(database.url, {}), timeouts, max: 24 });
  service = testKeysOn(engine, DEFAULT_SETTINGS);
  folder = await mkdtemp(join(tmpdir(), 'apikeys-expiry-'));
});
afterAll(async () => {
  await engine.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

let serial = 0;
/** An owner with as many keys as it may have, and their ids. */
async function fullOwner(expires = 'never'): Promise<{ owner: string; ids: string[] }> {
  const owner = `owner ${++serial}`;
  const ids: string[] = [];
  for (let i = 0; i < LIMIT; i++) {
    ids.push((await service.create({ name: `k${i}`, owner, expires, actor: 'test' })).key.id);
  }
  return { owner, ids };
}

/** Lets these keys end so many milliseconds from now. */
const endSoon = (ids: readonly string[], ms: number) =>
  database.query(
    `UPDATE apikeys.keys SET expires_at = date_trunc('milliseconds', clock_timestamp()) + $2 * interval '1 ms',
            lifetime_ms = 3600000 WHERE id = ANY($1)`,
    [ids, ms],
  );

async function liveKeys(owner: string): Promise<number> {
  const [row] = await database.query<{ live: number }>(
    `SELECT count(*)::int AS live FROM apikeys.keys
      WHERE owner_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())`,
    [owner],
  );
  return row?.live ?? Number.NaN;
}

/** Resolves once all these keys have ended by the database's clock. */
const haveEnded = (ids: readonly string[]) =>
  expect
    .poll(
      () =>
        database.query('SELECT FROM apikeys.keys WHERE id = ANY($1) AND expires_at > clock_timestamp()', [
          ids,
        ]),
      { timeout: 20_000 },
    )
    .toEqual([]);

/** Resolves once so many sessions wait for a lock. */
const waiting = (count: number) =>
  expect
    .poll(
      async () =>
        (
          await database.query(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          )
        ).length,
      { timeout: 20_000 },
    )
    .toBeGreaterThanOrEqual(count);

const outcomeOf = (change: Promise<unknown>): Promise<string> =>
  change.then(
    () => 'done',
    ({ code }) => code,
  );

/** A reveal that lasts until it is let go on. */
function slowReveal() {
  let reach = (): void => undefined;
  let goOn = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const over = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const reveal = async (): Promise<void> => {
    reach();
    await over;
  };
  return { reached, reveal, goOn: () => goOn() };
}

test('a key that expires while its new secret is shown keeps its place', async () => {
  const { owner, ids } = await fullOwner();
  const [key = ''] = ids;
  await endSoon([key], 1_500);
  const shown = slowReveal();
  const rotated = outcomeOf(service.rotate({ key, actor: 'bob' }, shown.reveal));
  await shown.reached;
  await haveEnded([key]);
  expect(await liveKeys(owner)).toBe(LIMIT - 1);
  const created = outcomeOf(service.create({ name: 'eleventh', owner, actor: 'carol' }));
  await waiting(1);
  shown.goOn();
  expect([await rotated, await created]).toEqual(['done', 'LIMIT_REACHED']);
  expect(await liveKeys(owner)).toBe(LIMIT);
});

test('the same owner in another tenant, and other owners, do not wait for it', async () => {
  const { owner, ids } = await fullOwner();
  const [key = ''] = ids;
  await endSoon([key], 60_000);
  const shown = slowReveal();
  const rotated = service.rotate({ key, actor: 'bob' }, shown.reveal);
  await shown.reached;
  const elsewhere = await service.create({
    name: 'k',
    owner,
    tenant: 'other',
    expires: '1d',
    actor: 'carol',
  });
  await service.rotate({ key: elsewhere.key.id, actor: 'carol' });
  shown.goOn();
  await rotated;
});

test('ten keys that expire while all are rotated, and ten that are made meanwhile, are ten', async () => {
  const { owner, ids } = await fullOwner();
  await endSoon(ids, 1_500);
  const shown = slowReveal();
  const rotations = ids.map((key) => outcomeOf(service.rotate({ key, actor: 'bob' }, shown.reveal)));
  await shown.reached;
  await haveEnded(ids);
  const creations = ids.map((_, n) => outcomeOf(service.create({ name: `n${n}`, owner, actor: 'carol' })));
  await waiting(19);
  shown.goOn();
  const outcomes = await Promise.all([...rotations, ...creations]);
  expect(outcomes.filter((one) => one === 'done')).toHaveLength(LIMIT);
  expect(outcomes.filter((one) => one === 'LIMIT_REACHED')).toHaveLength(LIMIT);
  expect(await liveKeys(owner)).toBe(LIMIT);
});

test('the owner’s version rises with it, so that a compare-and-swap that counted before fails', async () => {
  const { owner, ids } = await fullOwner();
  const [key = ''] = ids;
  await endSoon([key], 60_000);
  const version = async () =>
    (
      await database.query<{ version: string }>('SELECT version FROM apikeys.owners WHERE owner_id = $1', [
        owner,
      ])
    )[0]?.version;
  const before = Number(await version());
  await service.rotate({ key, actor: 'bob' });
  await service.update({ key, expires: '2d', actor: 'bob' });
  expect(Number(await version())).toBe(before + 2);
});

const env = (more = {}) => ({ APIKEYS_DATABASE_URL: database.url, ...more });

test('the program: a rotation whose reader is slow, and a creation meanwhile', async () => {
  const { owner, ids } = await fullOwner();
  const [key = ''] = ids;
  await endSoon([key], 3_000);
  const pipe = blockedPipe(folder);
  try {
    const rotated = runInto(pipe.descriptor, ['rotate', key, '-q'], env());
    await expect
      .poll(
        () =>
          database.query(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1);
    await haveEnded([key]);
    const impatient = await runApikeys(['create', 'no', '--owner', owner, '--json'], {
      env: env({ APIKEYS_TIMEOUT: '1s' }),
    });
    expect([impatient.exitCode, JSON.parse(impatient.stderr).error.code]).toEqual([6, 'DATABASE_BUSY']);
    expect(impatient.stderr).toMatch(/nothing was changed/i);
    const created = runApikeys(['create', 'no', '--owner', owner, '--json'], {
      env: env({ APIKEYS_TIMEOUT: '30s' }),
    });
    await waiting(1);
    pipe.drain();
    const [first, second] = await Promise.all([rotated, created]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 4]);
    expect(JSON.parse(second.stderr).error.code).toBe('LIMIT_REACHED');
    expect(await liveKeys(owner)).toBe(LIMIT);
  } finally {
    pipe.close();
  }
});

test('an unfreeze, of a key or of its owner, makes none: what is frozen counts', async () => {
  const { owner, ids } = await fullOwner();
  await service.freeze({ keys: ids, actor: 'eve' });
  await service.freezeOwner({ owner, actor: 'eve' });
  await service.unfreezeOwner({ owner, actor: 'eve' });
  expect(await outcomeOf(service.create({ name: 'x', owner, actor: 'carol' }))).toBe('LIMIT_REACHED');
  await service.unfreeze({ keys: ids, actor: 'eve' });
  expect(await liveKeys(owner)).toBe(LIMIT);
});

// As it is after the server's clock has stepped back: the count that gave the place away is later than now.
test.each([
  ['rotated', (key: string) => service.rotate({ key, actor: 'bob' })],
  ['given a later end', (key: string) => service.update({ key, expires: '1d', actor: 'bob' })],
])('a key whose place was given away by a clock that was ahead is not %s', async (_what, prolong) => {
  const { owner, ids } = await fullOwner();
  const [key = '', other = ''] = ids;
  await endSoon([key], -1_000);
  await service.create({ name: 'in its place', owner, actor: 'carol' });
  // An hour goes back: for the clock, both the end of the key and the creation are still to come.
  await endSoon([key], 3_600_000 - 1_000);
  await database.query(
    `UPDATE apikeys.owners SET counted_at = counted_at + interval '1 h' WHERE owner_id = $1`,
    [owner],
  );
  expect(await outcomeOf(prolong(key))).toBe('LIMIT_REACHED');
  expect(await outcomeOf(service.create({ name: 'x', owner, actor: 'carol' }))).toBe('LIMIT_REACHED');
  expect(await outcomeOf(prolong(other))).toBe('done');
  await service.revoke({ keys: [other], actor: 'bob' });
  expect(await outcomeOf(prolong(key))).toBe('done');
});
