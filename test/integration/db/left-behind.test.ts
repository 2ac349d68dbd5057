import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { migrate } from '../../../src/db/schema/migrate.js';
import { loadMigrations } from '../../../src/db/schema/migrations.js';
import { engineOnPool } from '../../../src/db/server/application-pool.js';
import { read, transaction } from '../../../src/db/transaction.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { testKeysOn } from '../../helpers/named-caller.js';
import { startApikeys } from '../../helpers/program.js';
import { type EngineOptions, openEngine, TIMEOUTS } from './opened.js';

/**
 * What a server goes on doing after nobody waits for it any more. The time-outs are set so that only this side gives up:
 * the server would wait for ten minutes.
 */
const PATIENT_SERVER = { lock: 600_000, statement: 600_000, answer: 700, connect: 700 };
const NAME = 'left-behind';

let database: TestDatabase;
let holder: pg.Client;
const opened: Engine[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE apikeys.keys, apikeys.owners IN ACCESS EXCLUSIVE MODE');
});
afterEach(async () => {
  await holder.end();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

function open(options: EngineOptions = {}): Engine {
  const engine = openEngine(database.url, { name: NAME, ...options });
  opened.push(engine);
  return engine;
}

async function processes(condition = 'true'): Promise<number> {
  const [row] = await database.query<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`,
    [NAME],
  );
  return Number(row?.count);
}

/** Asks the server until it says so. */
async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await sleep(20)) {
    if (await condition()) return;
  }
  throw new Error(`not within 5 s: ${what}`);
}

const blocked = (): Promise<boolean> => processes("wait_event_type = 'Lock'").then((count) => count > 0);
const nobodyLeft = (): Promise<void> => until(async () => (await processes()) === 0, 'nobody is left');

const never = { wasCommitted: () => Promise.reject(new Error('there is nothing to settle')) };

test('a query whose answer does not come is stopped on the server', async () => {
  const engine = open({ timeouts: PATIENT_SERVER });
  const look = read(engine, (session) => session.rows(sql`SELECT FROM apikeys.keys`));
  await expect(look).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
  const change = transaction(engine, (session) => session.rows(sql`DELETE FROM apikeys.keys`), never);
  await expect(change).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
  await nobodyLeft();
});

test('so is one on a pool of the application, which ends in its turn', async () => {
  const pool = new pg.Pool({ connectionString: database.url, application_name: NAME });
  const engine = engineOnPool(pool, { ...TIMEOUTS, ...PATIENT_SERVER });
  const keys = testKeysOn(engine, DEFAULT_SETTINGS);
  await expect(keys.list({})).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
  await nobodyLeft();
  await pool.end();
});

test('however many give up one after another, none is left, and closing waits for none', async () => {
  const engine = open({ timeouts: PATIENT_SERVER, max: 8 });
  const keys = testKeysOn(engine, DEFAULT_SETTINGS);
  for (let round = 0; round < 2; round++) {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => keys.list({})));
    expect(asked.map(({ status }) => status)).not.toContain('fulfilled');
  }
  await nobodyLeft();
  await engine.close();
});

test.each(['own', 'borrowed'])(
  '64 that verify at once keep to an %s pool, and none is left',
  async (whose) => {
    const pool = new pg.Pool({ connectionString: database.url, application_name: NAME, max: 4 });
    const timeouts = { ...TIMEOUTS, ...PATIENT_SERVER };
    const engine = whose === 'our' ? open({ timeouts, max: 4 }) : engineOnPool(pool, timeouts);
    const keys = testKeysOn(engine);
    let most = 0;
    let asking = true;
    const watch = (async () => {
      for (; asking; await sleep(20)) most = Math.max(most, await processes());
    })();
    for (let round = 0; round < 3; round++) {
      const raws = Array.from({ length: 64 }, (_, n) => `rv_${String(n).padStart(40, 'a')}`);
      const asked = await Promise.allSettled(raws.map((raw) => keys.verify(raw)));
      expect(asked.map(({ status }) => status)).not.toContain('fulfilled');
    }
    asking = false;
    await watch;
    await nobodyLeft();
    // Those of a round that was given up may still be going when the next one begins.
    expect(most).toBeLessThanOrEqual(2 * 4);
    await holder.query('ROLLBACK');
    expect(await keys.verify(`rv_${'a'.repeat(40)}`)).toMatchObject({ valid: false });
    await pool.end();
  },
);

test('what is interrupted is stopped on the server, whatever it waits for', async () => {
  for (const work of [
    (engine: Engine) => testKeysOn(engine, DEFAULT_SETTINGS).cleanup({ actor: 'test' }),
    (engine: Engine) => testKeysOn(engine, DEFAULT_SETTINGS).verify(`rv_${'a'.repeat(32)}`),
    (engine: Engine) => read(engine, (session) => session.rows(sql`SELECT pg_sleep(600)`)),
    (engine: Engine) => transaction(engine, (session) => session.rows(sql`SELECT pg_sleep(600)`), never),
  ]) {
    const interruption = new AbortController();
    const patient = { lock: 600_000, statement: 600_000, answer: 600_000 };
    const engine = open({ timeouts: patient, signal: interruption.signal });
    const done = work(engine).then(
      () => 'done',
      ({ code }: { code: string }) => code,
    );
    await until(
      () => processes("state = 'active' AND wait_event IS NOT NULL").then((n) => n > 0),
      'it waits',
    );
    interruption.abort();
    // The verify is not a change, and says only that it had no answer.
    expect(['INTERRUPTED', 'DATABASE_TIMEOUT']).toContain(await done);
    await nobodyLeft();
  }
});

test('a program that is told to end leaves nothing, patient as its statements may be', async () => {
  for (const args of [['cleanup'], ['list', '--all'], ['create', 'a', '--owner', 'o'], ['audit', 'verify']]) {
    const program = await startApikeys(args, {
      env: { APIKEYS_DATABASE_URL: database.url, PGAPPNAME: NAME, APIKEYS_TIMEOUT: '60s' },
    });
    await until(blocked, `${args.join(' ')} waits for the lock`);
    program.kill('SIGTERM');
    expect((await program.result).exitCode).toBe(143);
    await nobodyLeft();
  }
});

test('a migration that waits for a lock, and is told to end, leaves nothing', async () => {
  const interruption = new AbortController();
  const engine = open({
    timeouts: { lock: 600_000, statement: 600_000, answer: 600_000 },
    signal: interruption.signal,
  });
  const alter = 'ALTER TABLE apikeys.keys ADD COLUMN more integer';
  const shipped = loadMigrations();
  const more = { version: shipped.length + 1, name: 'more', sql: alter, checksum: Buffer.alloc(32) };
  const migrated = migrate(engine, { migrations: [...shipped, more] }).catch(
    ({ code }: { code: string }) => code,
  );
  await until(blocked, 'the migration waits');
  interruption.abort();
  expect(await migrated).toBe('INTERRUPTED');
  await nobodyLeft();
});
