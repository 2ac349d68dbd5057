import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, prepared, type Session } from '../../../src/db/engine.js';
import { engineOnPool } from '../../../src/db/server/application-pool.js';
import { transaction } from '../../../src/db/transaction.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { openEngine, TIMEOUTS } from './opened.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ migrated: false });
  await database.query('CREATE TABLE notes (body text)');
});
afterAll(() => database.drop());

const add = (engine: Engine, body: string) =>
  transaction(
    engine,
    async (session) => {
      await session.rows(prepared('apikeys_add_note_1', sql`INSERT INTO public.notes VALUES (${body})`));
      return names(session);
    },
    { wasCommitted: () => Promise.reject(new Error('there is nothing to settle')) },
  );
const names = async (session: Session) =>
  (await session.rows(sql<{ name: string }>`SELECT name FROM pg_prepared_statements`)).map(
    ({ name }) => name,
  );
const bodies = async () =>
  (await database.query<{ body: string }>('TABLE notes')).map(({ body }) => body).sort();

async function withPool<T>(work: (engine: Engine, pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  try {
    return await work(engineOnPool(pool, TIMEOUTS), pool);
  } finally {
    await pool.end();
    await database.query('TRUNCATE notes');
  }
}

test('a statement is prepared once on a direct connection, and found again by the next transaction', async () => {
  const engine = openEngine(database.url);
  expect(await add(engine, 'one')).toEqual(['apikeys_add_note_1']);
  expect(await add(engine, 'two')).toEqual(['apikeys_add_note_1']);
  await engine.close();
  expect(await bodies()).toEqual(['one', 'two']);
  await database.query('TRUNCATE notes');
});

test('nothing is kept where the login named another process, as a pooler does', async () => {
  await withPool(async (engine, pool) => {
    const client = await pool.connect();
    Object.assign(client, { processID: 1 });
    client.release();
    expect(await add(engine, 'one')).toEqual([]);
    expect(await bodies()).toEqual(['one']);
  });
});

test('one that the owner of the pool took away is sent whole from then on, and done once', async () => {
  await withPool(async (engine, pool) => {
    await add(engine, 'one');
    await pool.query('DEALLOCATE ALL');
    expect(await add(engine, 'two')).toEqual([]);
    expect(await bodies()).toEqual(['one', 'two']);
  });
});

test('one whose name is taken likewise', async () => {
  await withPool(async (engine, pool) => {
    await pool.query(`PREPARE apikeys_add_note_1 AS SELECT 'someone else''s'`);
    expect(await add(engine, 'one')).toEqual([]);
    expect(await bodies()).toEqual(['one']);
  });
});
