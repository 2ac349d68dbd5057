import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadMigrations } from '../../../src/db/schema/migrations.js';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { type TestDatabase, testDatabase, testRole } from '../../helpers/database.js';
import { describeSchema } from '../../helpers/describe-schema.js';
import { dumpEverything } from '../../helpers/dump.js';
import { overEngine, type RunSql } from '../../helpers/run-sql.js';

test('copies of the template can be made many at once', async () => {
  const databases = await Promise.all(Array.from({ length: 8 }, () => testDatabase()));
  expect(new Set(databases.map(({ name }) => name)).size).toBe(8);
  for (const database of databases) {
    expect(await database.query('SELECT version FROM apikeys.schema_migrations')).not.toEqual([]);
  }
  await Promise.all(databases.map((database) => database.drop()));
});

test('an unmigrated database has no schema, and a drop ends whoever is connected', async () => {
  const database = await testDatabase({ migrated: false });
  expect(await database.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'apikeys'`)).toEqual([]);
  const client = new pg.Client({ connectionString: database.url });
  const lost = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await database.drop();
  await database.drop();
  await lost;
});

test.each(['role first', 'database first'])(
  'a role may do what it was granted; dropped with the %s',
  async (order) => {
    const database = await testDatabase();
    const role = await testRole(database, {
      grants: ['USAGE ON SCHEMA apikeys', 'SELECT ON apikeys.schema_migrations'],
    });
    const client = new pg.Client({ connectionString: role.url });
    await client.connect();
    await client.query('SELECT 1 FROM apikeys.schema_migrations');
    await expect(client.query('DELETE FROM apikeys.schema_migrations')).rejects.toMatchObject({
      code: '42501',
    });
    await client.end();
    const drops = [() => role.drop(), () => database.drop()];
    if (order === 'database first') drops.reverse();
    for (const drop of drops) await drop();
  },
);

describe('what is in a database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ migrated: false });
    await database.query('CREATE SCHEMA apikeys');
    await database.query(`CREATE TABLE apikeys.parents (
      id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL DEFAULT 'x', at timestamptz(3), raw bytea,
      total bigint GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (length(name) * 2) STORED,
      CONSTRAINT name_ok CHECK (char_length(name) > 0)) WITH (fillfactor = 80)`);
    await database.query(`CREATE TABLE apikeys."Children" (
      parent_id uuid NOT NULL REFERENCES apikeys.parents ON DELETE CASCADE, tags text[])`);
    await database.query(
      `CREATE UNIQUE INDEX one_live ON apikeys.parents (name DESC) INCLUDE (at) WHERE at IS NULL`,
    );
    await database.query(
      `INSERT INTO apikeys.parents (id, name, raw) VALUES (gen_random_uuid(), 'canary text', 'canary bytes')`,
    );
    await database.query("CREATE TABLE public.elsewhere AS SELECT ARRAY['canary item'] AS items");
  });
  afterAll(() => database.drop());

  test('a dump has every row of every schema, and the text in binary columns', async () => {
    const dump = await dumpEverything(database.url);
    expect(dump).toContain('canary text');
    expect(dump).toContain('canary bytes');
    expect(dump).toContain(`\\x${Buffer.from('canary bytes').toString('hex')}`);
    expect(dump).toMatch(/^public\.elsewhere\t.*canary item/m);
  });

  test('a description reads like the SQL that made it', async () => {
    await database.query("CREATE FUNCTION apikeys.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'");
    expect(await describeSchema(database.url)).toMatchInlineSnapshot(`
      "CREATE TABLE apikeys."Children" (
        parent_id uuid NOT NULL,
        tags text[],
        CONSTRAINT "Children_parent_id_fkey" FOREIGN KEY (parent_id) REFERENCES apikeys.parents(id) ON DELETE CASCADE
      );

      CREATE TABLE apikeys.parents (
        id uuid NOT NULL,
        name text COLLATE "C" NOT NULL DEFAULT 'x'::text,
        at timestamp(3) with time zone,
        raw bytea,
        total bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        twice integer GENERATED ALWAYS AS ((length(name) * 2)) STORED,
        CONSTRAINT parents_pkey PRIMARY KEY (id),
        CONSTRAINT name_ok CHECK ((char_length(name) > 0))
      ) WITH (fillfactor=80);

      CREATE UNIQUE INDEX one_live ON apikeys.parents USING btree (name DESC) INCLUDE (at) WHERE (at IS NULL);
      CREATE UNIQUE INDEX parents_pkey ON apikeys.parents USING btree (id);

      ROUTINE apikeys.f(a integer);
      SEQUENCE apikeys.parents_total_seq;
      "
    `);
  });
});

test('the schema is described alike on PostgreSQL 15 and 18, over an engine, and on the embedded PostgreSQL', async () => {
  const databases = await Promise.all([testDatabase({ version: 15 }), testDatabase({ version: 18 })]);
  const [old, current] = await Promise.all(databases.map(({ url }) => describeSchema(url)));
  expect(current).toContain('CREATE TABLE apikeys.schema_migrations');
  expect(old).toBe(current);

  const timeouts = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 10_000 };
  const engine = openServer({ settings: serverSettings(databases[1]?.url, {}), timeouts });
  expect(await describeSchema(overEngine(engine))).toBe(current);
  await engine.close();

  const embedded = await PGlite.create();
  for (const { sql } of loadMigrations()) await embedded.exec(sql);
  const run: RunSql = async (sql) => (await embedded.query<Record<string, unknown>>(sql)).rows;
  expect(await describeSchema(run)).toBe(current);
  expect(await dumpEverything(run)).not.toContain('apikeys.schema_migrations');
  await embedded.close();

  await Promise.all(databases.map((database) => database.drop()));
});
