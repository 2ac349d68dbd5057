import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { engineOnPool } from '../../../src/db/server/application-pool.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { type TestCalls, testKeysOn } from '../../helpers/named-caller.js';
import { openKeys, TIMEOUTS } from '../db/opened.js';
import { type MadeKey, makeKey, unique, verifierOn } from './verifiers.js';

const CLIENTS = 3;

let database: TestDatabase;
let service: TestCalls;
let pool: pg.Pool;
let engine: Engine;
let key: MadeKey;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE public.notes (text text)');
  service = openKeys(database.url);
});
afterAll(async () => {
  await service.close();
  await database.drop();
});
beforeEach(async () => {
  key = await makeKey({ service });
  pool = new pg.Pool({ connectionString: database.url, max: CLIENTS });
  pool.on('error', () => undefined);
  engine = engineOnPool(pool, { ...TIMEOUTS, answer: 1_500 });
});
afterEach(async () => {
  await engine.close();
  await pool.end();
  await database.query('TRUNCATE public.notes');
});

/** Has the application run these on every client of its pool, and give them back as they are. */
async function leaveAll(...statements: string[]): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => pool.connect()));
  for (const client of clients)
    for (const text of statements) await client.query(text).catch(() => undefined);
  for (const client of clients) client.release();
}
const revoke = () => service.revoke({ keys: [key.id], actor: 'test' });
const notes = () => database.query('SELECT text FROM public.notes');

test.each([
  ['REPEATABLE READ', ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 FROM apikeys.keys']],
  ['SERIALIZABLE', ['BEGIN ISOLATION LEVEL SERIALIZABLE', 'SELECT 1 FROM apikeys.keys']],
  ['READ COMMITTED', ['BEGIN', 'SELECT 1 FROM apikeys.keys']],
  ['a failed transaction', ['BEGIN', 'SELECT 1 / 0']],
])('a key that was revoked is REVOKED, where every client was left in %s', async (_what, statements) => {
  const verifier = verifierOn(engine);
  expect(await verifier.verify(key.raw)).toMatchObject({ code: 'VALID' });
  await leaveAll(...statements);
  await revoke();
  const answers = await Promise.all(Array.from({ length: 8 }, () => verifier.verify(key.raw)));
  expect(answers.map(({ code }) => code)).toEqual(Array(8).fill('REVOKED'));
});

test('what an application left uncommitted is not committed by our work, and that is done', async () => {
  await leaveAll('BEGIN', "INSERT INTO public.notes VALUES ('not yet')");
  const keys = testKeysOn(engine);
  const { key: made } = await keys.create({ name: 'ci', owner: unique('owner'), actor: 'test' });
  expect(await database.query('SELECT id FROM apikeys.keys WHERE id = $1', [made.id])).toHaveLength(1);
  expect(await notes()).toEqual([]);
  expect((await pool.query('SELECT pg_catalog.pg_current_xact_id_if_assigned() AS id')).rows).toEqual([
    { id: null },
  ]);
});

describe('queries that nobody waits for', () => {
  /** Gives a client back with queries still under way. */
  async function leaveQueued(...statements: string[]): Promise<Promise<unknown>[]> {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => pool.connect()));
    return clients.flatMap((client) => {
      const queued = statements.map((text) => client.query(text).catch((error: unknown) => error));
      client.release();
      return queued;
    });
  }

  test('get their answers, and ours is right', async () => {
    const verifier = verifierOn(engine);
    await revoke();
    const queued = await leaveQueued('SELECT pg_sleep(0.05)', "INSERT INTO public.notes VALUES ('done')");
    expect(await verifier.verify(key.raw)).toMatchObject({ code: 'REVOKED' });
    for (const answer of await Promise.all(queued)) expect(answer).not.toBeInstanceOf(Error);
    expect(await notes()).toHaveLength(CLIENTS);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('and begin a transaction, are not of ours', async () => {
    const verifier = verifierOn(engine);
    expect(await verifier.verify(key.raw)).toMatchObject({ code: 'VALID' });
    await leaveQueued('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 FROM apikeys.keys');
    await revoke();
    expect(await verifier.verify(key.raw)).toMatchObject({ code: 'REVOKED' });
  });

  test('and take long, end in a time-out of ours', async () => {
    await leaveQueued('SELECT pg_sleep(30)');
    const began = performance.now();
    await expect(verifierOn(engine).verify(key.raw)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

test('a pool whose every new client begins a transaction is an error, not a wait for ever', async () => {
  const odd = new pg.Pool({ connectionString: database.url, max: 1 });
  odd.on('error', () => undefined);
  odd.on('connect', (client) => void client.query('BEGIN').catch(() => undefined));
  const verifier = verifierOn(engineOnPool(odd, { ...TIMEOUTS, answer: 500 }));
  await expect(verifier.verify(key.raw)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
  await odd.end();
});
