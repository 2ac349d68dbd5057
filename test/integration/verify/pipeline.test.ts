import type { Duplex } from 'node:stream';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pipelineOn } from '../../../src/db/pipeline/pipeline.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';

let database: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  database = await testDatabase({ migrated: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const COLUMNS = ['uuid', 'text', 'text[]', 'jsonb', 'timestamptz', 'boolean', 'integer', 'text'] as const;
const EVERY_TYPE = {
  name: 'every_type',
  text: `SELECT '0195c1f0-7a3e-7c41-9b1d-000000000001'::uuid, 'schlüssel 🔑', ARRAY['read', 'a,"b"', 'ü'], '{"a": "ü"}'::jsonb,
                '2026-11-25 10:00:00.123999+05:45'::timestamptz, true, 42, NULL::text WHERE length($1::bytea) > 0`,
  columns: COLUMNS,
};
const ROW = [
  '0195c1f0-7a3e-7c41-9b1d-000000000001',
  'schlüssel 🔑',
  ['read', 'a,"b"', 'ü'],
  { a: 'ü' },
  new Date('2026-11-25T04:15:00.123Z'),
  true,
  42,
  null,
];
const YES = Buffer.from('yes');
const NO = Buffer.alloc(0);

/** Lets everything that the server sends arrive one byte at a time. */
function drip(stream: Duplex): void {
  const { emit } = stream;
  Object.assign(stream, {
    emit(event: string, ...args: unknown[]) {
      const [chunk] = args;
      if (event !== 'data' || !Buffer.isBuffer(chunk)) return emit.call(stream, event, ...args);
      for (let at = 0; at < chunk.length; at++) emit.call(stream, event, chunk.subarray(at, at + 1));
      return true;
    },
  });
}

test.each(['as it comes', 'byte by byte'])('rows of every type are read, %s', async (way) => {
  if (way === 'byte by byte') drip(client.connection.stream);
  const pipeline = pipelineOn(client);
  for (let n = 0; n < 3; n++) {
    expect(await pipeline.run(EVERY_TYPE, [YES, NO, YES], 5_000)).toEqual([[ROW], [], [ROW]]);
  }
  pipeline.end();
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('what a session has set changes no value', async () => {
  await client.query(
    "SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kathmandu'; SET bytea_output = 'escape'",
  );
  const pipeline = pipelineOn(client);
  expect(await pipeline.run(EVERY_TYPE, [YES], 5_000)).toEqual([[ROW]]);
  pipeline.end();
});

test('the client is its owner’s again afterwards, with its listeners and its notices', async () => {
  const { stream } = client.connection;
  const before = stream.rawListeners('data');
  const notices: string[] = [];
  client.on('notice', ({ message }) => notices.push(message ?? ''));
  await client.query(`CREATE FUNCTION pg_temp.warn(text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE WARNING '%', $1; RETURN $1; END $$`);
  const pipeline = pipelineOn(client);
  const warn = {
    name: 'warn',
    text: `SELECT pg_temp.warn('careful') WHERE length($1::bytea) > 0`,
    columns: ['text'],
  } as const;
  expect(await pipeline.run(warn, [YES], 5_000)).toEqual([[['careful']]]);
  expect(notices).toEqual(['careful']);
  pipeline.end();
  pipeline.end();
  expect(stream.rawListeners('data')).toEqual(before);
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('an error of the server is told, and costs neither the next batch nor the client', async () => {
  const pipeline = pipelineOn(client);
  const divide = {
    name: 'divide',
    text: 'SELECT 1 / length($1::bytea)',
    columns: ['integer'],
  } as const;
  expect(await pipeline.run(divide, [YES], 5_000)).toEqual([[[0]]]);
  for (let n = 0; n < 3; n++) {
    await expect(pipeline.run(divide, [YES, NO, YES], 5_000)).rejects.toMatchObject({ code: '22012' });
    expect(await pipeline.run(divide, [Buffer.alloc(1)], 5_000)).toEqual([[[1]]]);
  }
  pipeline.end();
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a query timeout of the client’s is for each of its own queries', async () => {
  const impatient = new pg.Client({ connectionString: database.url, query_timeout: 150 });
  await impatient.connect();
  const pipeline = pipelineOn(impatient);
  const wait = {
    name: 'wait',
    text: 'SELECT 1 FROM pg_sleep(0.05) WHERE length($1::bytea) > 0',
    columns: ['integer'],
  } as const;
  for (let n = 0; n < 6; n++) expect(await pipeline.run(wait, [YES], 5_000)).toEqual([[[1]]]);
  pipeline.end();
  await expect(impatient.query('SELECT pg_sleep(1)')).rejects.toThrow('timeout');
  await impatient.end();
});
