import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { PostgresVersion } from './binaries.js';
import { databaseUrl } from './template.js';

export interface TestDatabaseOptions {
  /** 18 is the main server, which TEST_DATABASE_URL or PG_BIN may make another version. */
  readonly version?: PostgresVersion;
  /** Whether it has the schema; true unless told otherwise. */
  readonly migrated?: boolean;
  /** UTF8 unless told otherwise; another one only without the schema. */
  readonly encoding?: string;
}

/** A database of one test file's own. */
export interface TestDatabase {
  readonly name: string;
  /** As a superuser. */
  readonly url: string;
  /** Runs one statement as a superuser, with `pg`'s own types: int8 comes as a string. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Drops it, whoever is still connected. Idempotent. */
  drop(): Promise<void>;
}

/**
 * Makes a database on the run's server.
 *
 * @example
 * let database: TestDatabase;
 * beforeAll(async () => { database = await testDatabase(); });
 * afterAll(() => database.drop());
 */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { adminUrl, template } = serverFor(options.version ?? 18);
  const name = `apikeys_test_${randomBytes(8).toString('hex')}`;
  const source = options.migrated === false ? 'template0' : template;
  const encoding =
    options.encoding === undefined ? '' : `ENCODING '${options.encoding}' LC_COLLATE 'C' LC_CTYPE 'C'`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${source} ${encoding}`);

  const url = databaseUrl(adminUrl, name);
  const pool = new pg.Pool({ connectionString: url, max: 4, allowExitOnIdle: true });
  // Tests end backends on purpose; an idle connection lost that way is no failure of theirs.
  pool.on('error', () => undefined);
  let dropped: Promise<void> | undefined;
  return {
    name,
    url,
    async query(text, values = []) {
      const { rows } = await pool.query(text, [...values]);
      return rows;
    },
    drop() {
      dropped ??= pool.end().then(() => asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
      return dropped;
    },
  };
}

export interface TestRoleOptions {
  /** Each is granted to the role: `SELECT ON apikeys.keys`, `USAGE ON SCHEMA apikeys`. */
  readonly grants?: readonly string[];
  /** Such as `CONNECTION LIMIT 1`. */
  readonly attributes?: string;
}

/** A login that may do what it was granted and nothing else. */
export interface TestRole {
  readonly name: string;
  readonly password: string;
  readonly url: string;
  /** Drops it with its privileges. Before or after the database. Idempotent. */
  drop(): Promise<void>;
}

/** Makes a role that may log in to `database`. */
export async function testRole(database: TestDatabase, options: TestRoleOptions = {}): Promise<TestRole> {
  const name = `apikeys_role_${randomBytes(8).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  await database.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}' ${options.attributes ?? ''}`);
  for (const grant of options.grants ?? []) await database.query(`GRANT ${grant} TO ${name}`);

  const url = new URL(database.url);
  url.username = name;
  url.password = password;
  let dropped: Promise<void> | undefined;
  const drop = async () => {
    const adminUrl = databaseUrl(database.url, 'postgres');
    // Its privileges lie in the database; once that is gone, there are none left to take back.
    await asAdmin(database.url, `DROP OWNED BY ${name} CASCADE`).catch((error: unknown) => {
      if (!isMissingDatabase(error)) throw error;
    });
    await asAdmin(adminUrl, `DROP ROLE IF EXISTS ${name}`);
  };
  return {
    name,
    password,
    url: url.href,
    drop() {
      dropped ??= drop();
      return dropped;
    },
  };
}

function serverFor(version: PostgresVersion): { adminUrl: string; template: string } {
  const servers = inject('servers');
  const server = version === 18 ? servers.main : servers.postgres15;
  if ('missing' in server) throw new Error(`PostgreSQL ${version} did not start: ${server.missing}`);
  return server;
}

function isMissingDatabase(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '3D000';
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}
