import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiKeys, type ApiKeysOptions, createApiKeys } from '../../../src/index.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await testDatabase();
  folder = await mkdtemp(join(tmpdir(), 'apikeys-library-'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const MOMENT = '2030-01-31T12:00:00.000Z';

/** The whole life of a key, and what was counted of it. */
async function live(keys: ApiKeys, owner: string): Promise<void> {
  const { key, apiKey } = await keys.as({ actor: 'test' }).create({
    name: owner,
    owner,
    scopes: ['a:*'],
    expires: MOMENT,
  });
  const secret = apiKey ?? '';
  expect(key.expiresAt).toEqual(new Date(MOMENT));
  expect(await keys.verify(secret, { scopes: ['a:b'], spendCents: 2 })).toMatchObject({
    code: 'VALID',
    key: { id: key.id },
  });
  expect((await keys.verify(secret, { count: false })).key?.expiresAt).toEqual(new Date(MOMENT));
  expect(await keys.verify(secret, { scopes: ['b'] })).toMatchObject({
    code: 'INSUFFICIENT_SCOPE',
    missingScopes: ['b'],
  });
  keys.recordUsage(key.id, { requests: 4, spendCents: 8 });
  await keys.flush();
  expect(keys.usageState()).toEqual({ pending: 0, dropped: 0, lastError: null });
  expect(await keys.getUsage({ key: key.id })).toMatchObject({ requestCount: 5, spendCents: 10 });
  expect((await keys.getUsage({ owner })).top).toMatchObject([{ requestCount: 5 }]);

  const rotated = await keys.as({ actor: 'test' }).rotate({ key: key.id });
  expect(await keys.verify(secret)).toMatchObject({ valid: true, oldSecret: true });
  await keys.as({ actor: 'test' }).endGrace({ key: key.id });
  expect(await keys.verify(secret)).toMatchObject({ code: 'RETIRED' });
  await keys.as({ actor: 'test' }).freeze({ keys: [key.id] });
  expect(await keys.verify(rotated.apiKey ?? '')).toMatchObject({ code: 'FROZEN' });
  await keys.as({ actor: 'test' }).unfreeze({ keys: [key.id] });
  await keys.as({ actor: 'test' }).update({ key: key.id, description: 'x' });
  await keys.as({ actor: 'test' }).updateScopes({ key: key.id, set: ['c'] });
  expect(await keys.get(key.id)).toMatchObject({ description: 'x', scopes: ['c'], status: 'active' });
  expect((await keys.list({ owner })).keys).toHaveLength(1);
  await keys.as({ actor: 'test' }).revoke({ keys: [key.id] });
  expect(await keys.count({ owner, status: 'active' })).toBe(0);
  expect(await keys.verify(rotated.apiKey ?? '')).toMatchObject({ code: 'REVOKED' });
  expect(await keys.as({ actor: 'test' }).cleanup({ olderThan: '0' })).toMatchObject({ deletedKeys: 1 });
}

describe('a connection string', () => {
  test('is all it takes', async () => {
    const keys = createApiKeys({ connectionString: database.url });
    await live(keys, 'by-url');
    await keys.close();
  });

  test('closing stores what was counted, ends the connections, and may be repeated', async () => {
    const url = new URL(database.url);
    const keys = createApiKeys({ connectionString: url.href });
    const { key } = await keys.as({ actor: 'test' }).create({ name: 'closing', owner: 'closing' });
    keys.recordUsage(key.id);
    await Promise.all([keys.close(), keys.close()]);
    await keys.close();
    await expect(keys.list()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    const [row] = await database.query('SELECT total_requests FROM apikeys.key_activity WHERE key_id = $1', [
      key.id,
    ]);
    expect(row).toEqual({ total_requests: '1' });
  });

  test('a schema that is not there is named, and looked for again', async () => {
    const empty = await testDatabase({ migrated: false });
    const keys = createApiKeys({ connectionString: empty.url });
    try {
      await expect(keys.verify('rv_1')).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
      await expect(keys.list()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
    } finally {
      await keys.close();
      await empty.drop();
    }
  });
});

describe("a pool of the application's own", () => {
  test('is used, left open and left as it was', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 3 });
    const keys = createApiKeys({ pool });
    await live(keys, 'by-pool');
    await keys.close();
    await expect(keys.list()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    const client = await pool.connect();
    // One of the pool's own.
    expect(client.listenerCount('error')).toBe(0);
    const { rows } = await client.query(
      "SELECT 1::int8 AS count, current_setting('statement_timeout') AS timeout",
    );
    expect(rows).toEqual([{ count: '1', timeout: '0' }]);
    client.release();
    await pool.end();
  });

  test('may read types its own way, and write times its own way', async () => {
    const own = { getTypeParser: () => (text: string) => `its own ${text}` };
    const pool = new pg.Pool({
      connectionString: database.url,
      types: own,
      options: '-c datestyle=German -c timezone=Asia/Tokyo -c bytea_output=escape',
    });
    const keys = createApiKeys({ pool });
    await live(keys, 'by-odd-pool');
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 'its own 1' }]);
    await keys.close();
    await pool.end();
  });

  test('may pipeline its queries', async () => {
    // Not yet in the types of pg.
    const options: pg.PoolConfig = Object.assign(
      { connectionString: database.url, max: 2 },
      { pipeline: true },
    );
    const pool = new pg.Pool(options);
    const keys = createApiKeys({ pool });
    await live(keys, 'by-pipeline');
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await keys.close();
    await pool.end();
  });

  test('may come from another copy of pg', async () => {
    const modules = join(folder, 'node_modules');
    const installed = dirname(dirname(createRequire(import.meta.url).resolve('pg/package.json')));
    for (const name of packagesOf(installed, 'pg'))
      await cp(join(installed, name), join(modules, name), { recursive: true });
    const other: typeof pg = (await import(pathToFileURL(join(modules, 'pg/esm/index.mjs')).href)).default;
    expect(other.Pool).not.toBe(pg.Pool);
    const pool = new other.Pool({ connectionString: database.url });
    const keys = createApiKeys({ pool });
    await live(keys, 'by-copy');
    await keys.close();
    await pool.end();
  });

  test('whose connections stay in use is busy, after the time that was named', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const keys = createApiKeys({ pool, timeout: 400 });
    const held = await pool.connect();
    await expect(keys.list()).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
    held.release();
    // The connection that came too late went back to the pool.
    await keys.list();
    await keys.close();
    await pool.end();
  });

  test('loses a connection whose work failed, and goes on with another', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    pool.on('error', () => undefined);
    const keys = createApiKeys({ pool });
    await keys.list();
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%terminate%'",
    );
    await keys.list();
    await keys.close();
    await pool.end();
  });
});

describe('the built-in PostgreSQL', () => {
  test('opens with its first use, and makes its own schema', async () => {
    const embedded = join(folder, 'embedded');
    const idle = createApiKeys({ embedded });
    await idle.close();
    const keys = createApiKeys({ embedded });
    await live(keys, 'built-in');
    await keys.close();
    await keys.close();
    await expect(keys.list()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    const again = createApiKeys({ embedded });
    expect(await again.count()).toBe(0);
    await again.close();
  });
});

describe('options', () => {
  test('are the rules that the keys follow', async () => {
    const keys = createApiKeys({
      connectionString: database.url,
      prefix: 'acme_',
      secretBytes: 24,
      defaultExpiry: 'never',
      maxKeysPerOwner: 1,
    });
    const { key, apiKey } = await keys.as({ actor: 'test' }).create({ name: 'first', owner: 'one' });
    expect(apiKey).toMatch(/^acme_[0-9a-f]{48}$/);
    expect(key.expiresAt).toBeNull();
    await expect(keys.as({ actor: 'test' }).create({ name: 'second', owner: 'one' })).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    });
    await keys.close();
    const off = createApiKeys({ connectionString: database.url, keyManagement: false });
    await expect(off.as({ actor: 'test' }).create({ name: 'x', owner: 'x' })).rejects.toMatchObject({
      code: 'FEATURE_DISABLED',
    });
    await off.close();
  });

  const WRONG: readonly [string, Partial<ApiKeysOptions>][] = [
    ['prefix', { prefix: '1' }],
    ['secretBytes', { secretBytes: 16 }],
    ['defaultExpiry', { defaultExpiry: '3 months' }],
    ['maxKeysPerOwner', { maxKeysPerOwner: -1 }],
    ['rotationGrace', { rotationGrace: 'soon' }],
    ['retention', { retention: '' }],
    ['timeout', { timeout: Number.NaN }],
    ['poolSize', { connectionString: 'postgres://x', poolSize: 0 }],
    ['usage.flushInterval', { usage: { flushInterval: 0 } }],
    ['realm', { realm: 'a\nb' }],
  ];
  for (const [option, wrong] of WRONG) {
    test(`${option} is checked at once`, () => {
      expect(() => createApiKeys({ connectionString: 'postgres://x', ...wrong })).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(option) }),
      );
    });
  }
});

test('an instance that was used and not closed lets the process end', () => {
  const program = `
    import { createApiKeys } from 'apikeys';
    const keys = createApiKeys({ connectionString: process.env.DATABASE_URL });
    keys.recordUsage((await keys.as({ actor: 'test' }).create({ name: 'left', owner: 'left' })).key.id);`;
  execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: database.url },
    timeout: 20_000,
  });
});

/** A package and all that it depends on, without what is optional. */
function packagesOf(modules: string, name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  const { dependencies = {} }: { dependencies?: Record<string, string> } = createRequire(import.meta.url)(
    join(modules, name, 'package.json'),
  );
  for (const each of Object.keys(dependencies)) packagesOf(modules, each, seen);
  return seen;
}
