import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate, schemaStatus } from '../../src/db/schema/migrate.js';
import { createApiKeys } from '../../src/index.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../helpers/database.js';
import { type TestCalls, testKeysOn } from '../helpers/named-caller.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { openEngine } from '../integration/db/opened.js';
import { plant, plantedTypes } from './plants.js';

/**
 * A stranger keeps functions, operators, tables and types in `public` and in the schemas of the roles, before anything of
 * ours is there. Each default of the search_path has them come first, so that also those are run that fit no better than
 * PostgreSQL's own.
 */
let database: TestDatabase;
let admin: pg.Client;
let adminRole: TestRole;
let verifierRole: TestRole;
const TIMEOUTS = { connect: 30_000, lock: 30_000, statement: 30_000, answer: 30_000 };

beforeAll(async () => {
  database = await testDatabase({ migrated: false });
  admin = new pg.Client({ connectionString: database.url, options: '-c search_path=pg_catalog' });
  await admin.connect();
  adminRole = await testRole(database);
  verifierRole = await testRole(database);
  for (const schema of ['public', adminRole.name, verifierRole.name]) {
    const planted = await plant(admin, schema);
    expect(planted.functions).toBeGreaterThan(2_000);
    expect(planted.operators).toBeGreaterThan(5_000);
  }
  await admin.query(`ALTER DATABASE ${database.name} SET search_path = "$user", public, pg_catalog`);
}, 300_000);
afterAll(async () => {
  await admin.end();
  await database.drop();
  await Promise.all([adminRole.drop(), verifierRole.drop()]);
});

const open = (url: string) => openEngine(url, { timeouts: TIMEOUTS, max: 2 });

/** Runs `work` with the service as this login; what was trapped fails by SQLSTATE. */
async function as<T>(url: string, work: (keys: TestCalls) => Promise<T>): Promise<T> {
  const engine = open(url);
  try {
    return await work(testKeysOn(engine, DEFAULT_SETTINGS));
  } finally {
    await engine.close();
  }
}

test('the plants work: who looks names up by the default path runs them', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    for (const text of [
      "SELECT '\\x00'::pg_catalog.bytea = '\\x00'::pg_catalog.bytea",
      'SELECT cardinality(ARRAY[1::pg_catalog.text])',
      'SELECT extract(epoch FROM clock_timestamp()) * 1000',
      'SELECT NULL::timestamptz',
    ]) {
      await expect(client.query(text), text).rejects.toMatchObject({ code: 'TRAP1' });
    }
  } finally {
    await client.end();
  }
});

test('a migration binds the schema to none of them', async () => {
  const engine = open(database.url);
  try {
    expect((await schemaStatus(engine)).state).toBe('missing');
    expect((await migrate(engine)).state).toBe('current');
    expect((await schemaStatus(engine)).state).toBe('current');
  } finally {
    await engine.close();
  }
  await as(database.url, async (keys) => {
    expect((await keys.diagnose(() => new Date())).foreignBindings).toEqual([]);
    await keys.applyGrants({ role: adminRole.name, as: 'admin', actor: 'test' });
    await keys.applyGrants({ role: verifierRole.name, as: 'verifier', actor: 'test' });
  });
});

/** All that the service does. */
async function everything(keys: TestCalls): Promise<void> {
  const actor = 'test';
  const owner = `owner-${Math.random()}`;
  const request = {
    name: 'one',
    owner,
    actor,
    scopes: ['read', 'write'],
    metadata: { a: '1' },
    expires: '90d',
  };
  const made = await keys.create({ ...request, idempotencyKey: 'once' });
  const { key } = made;
  const apiKey = made.apiKey ?? '';
  await keys.create({ ...request, idempotencyKey: 'once' });
  await keys.list({
    owner,
    scope: 'read',
    name: 'on*',
    unusedFor: '1d',
    expiringWithin: '99d',
    status: 'active',
  });
  await keys.list({});
  await keys.count({});
  await keys.get(key.id);
  await keys.show(key.id);
  await keys.update({ key: key.id, name: 'two', actor });
  await keys.updateScopes({ key: key.id, add: ['more'], actor });
  const rotated = await keys.rotate({ key: key.id, actor, grace: '1d' });
  await keys.changeOver(key.id);
  await keys.recordUsage({ keyId: key.id, requests: 2, spendCents: 1, actor });
  await keys.usage({ key: key.id });
  await keys.usage({});
  await keys.importUsage(
    (async function* () {
      yield { line: 1, key: key.id, requests: 1, spendCents: 0, at: new Date() };
    })(),
    { importId: owner, actor },
  );
  await keys.policy({ tenant: 'acme' });
  await keys.setPolicy({ maxKeys: 1_000, dryRun: true, actor });
  await keys.verify(rotated.apiKey ?? '');
  await Promise.all(Array.from({ length: 20 }, () => keys.verify(apiKey)));
  await keys.explain(apiKey, {});
  await keys.endGrace({ key: key.id, actor });
  await keys.freeze({ keys: [key.id], actor });
  await keys.unfreeze({ keys: [key.id], actor });
  await keys.freezeOwner({ owner, actor });
  await keys.unfreezeOwner({ owner, actor });
  await keys.events({});
  await keys.auditHeads({});
  for await (const page of keys.allEvents({})) expect(page).not.toEqual([]);
  await keys.revoke({ keys: [key.id], actor });
  // One to be deleted whole, and one with an old secret to be forgotten.
  const other = await keys.create({ ...request, name: 'three' });
  await keys.rotate({ key: other.key.id, actor, grace: '1h' });
  await admin.query("UPDATE apikeys.keys SET revoked_at = revoked_at - interval '60 days'");
  await admin.query("UPDATE apikeys.secrets SET valid_until = valid_until - interval '60 days'");
  await keys.cleanup({ usageOlderThan: '1d', auditOlderThan: '1d', actor });
  await keys.cleanup({ actor, dryRun: true });
  expect((await keys.verifyAudit()).valid).toBe(true);
  await keys.diagnose(() => new Date());
  await keys.schemaStatus();
}

test.each(['superuser', 'admin'])('no command runs one, as %s', async (who) => {
  await as(who === 'superuser' ? database.url : adminRole.url, everything);
});

test('nor does the program', async () => {
  for (const url of [database.url, adminRole.url]) {
    const env = { APIKEYS_DATABASE_URL: url };
    const owner = url === database.url ? 'a' : 'b';
    const name = `k-${owner}`;
    for (const args of [
      ['create', name, '--owner', owner],
      ['list', '--all'],
      ['list', '--count', '--scope', 'read', '--unused-for', '1d'],
      ['show', name],
      ['update', name, '--description', 'x', '--expires', '30d'],
      ['scopes', name, '--add', 'read'],
      ['scopes', name, '--has', 'read'],
      ['rotate', name],
      ['rotate', name, '--end-grace'],
      ['freeze', name],
      ['unfreeze', name],
      ['freeze', '--owner', owner],
      ['unfreeze', '--owner', owner],
      ['usage', 'record', name, '--requests', '1'],
      ['usage', 'import'],
      ['usage', name],
      ['usage'],
      ['audit', name],
      ['audit', 'head'],
      ['audit', 'verify'],
      ['revoke', name, '--yes'],
      ['cleanup'],
      ['migrate', '--status'],
      ['policy', '--tenant', 'acme'],
      ...(url === database.url
        ? [
            [
              'policy',
              'set',
              '--tenant',
              'acme',
              '--max-lifetime',
              '90d',
              '--scope',
              'read',
              '--max-keys',
              '9',
            ],
            ['policy', 'unset', '--tenant', 'acme', '--all'],
            ['migrate'],
            ['grants', '--role', verifierRole.name, '--as', 'verifier', '--apply'],
          ]
        : []),
      ['doctor'],
    ]) {
      const input = args[1] === 'import' ? `{"key":"${name}","requests":1}` : '';
      const { exitCode, stderr } = await runInProcess([...args, '--json'], { env, input });
      expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
    }
  }
});

test('nor a library that verifies, on its own pool and on one with temporary types and tables', async () => {
  const { apiKey } = await as(database.url, (keys) =>
    keys.create({ name: 'v', owner: 'v', actor: 'test', scopes: [] }),
  );
  const pool = new pg.Pool({ connectionString: verifierRole.url, max: 2 });
  pool.on('connect', (client) => {
    void client.query(
      `${plantedTypes('pg_temp')} CREATE TEMP TABLE keys (planted integer); CREATE TEMP TABLE pg_class (oid integer)`,
    );
  });
  for (const keys of [
    createApiKeys({ connectionString: verifierRole.url, poolSize: 2 }),
    createApiKeys({ pool }),
  ]) {
    expect(await keys.verify(apiKey ?? '')).toMatchObject({ code: 'VALID' });
    expect(await keys.verify(`rv_${'a'.repeat(32)}`)).not.toMatchObject({ code: 'VALID' });
    const many = await Promise.all(Array.from({ length: 50 }, () => keys.verify(apiKey ?? '')));
    expect(new Set(many.map(({ code }) => code))).toEqual(new Set(['VALID']));
    await keys.flush();
    await keys.close();
  }
  await pool.end();
});

test('doctor finds what a constraint or a trigger was bound to by somebody', async () => {
  const env = { APIKEYS_DATABASE_URL: database.url };
  await admin.query(`CREATE FUNCTION public.spy(pg_catalog.text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    ALTER TABLE apikeys.keys ADD CONSTRAINT looked_at CHECK (public.spy(name));
    CREATE TRIGGER watched BEFORE INSERT ON apikeys.secrets FOR EACH ROW EXECUTE FUNCTION public.spy();
    CREATE TABLE public.application (key_id pg_catalog.uuid REFERENCES apikeys.keys (id))`);
  const { exitCode, stdout } = await runInProcess(['doctor', '--json'], { env });
  expect(exitCode).toBe(7);
  const { ok, checks } = JSON.parse(stdout);
  const finding = checks.find(({ name }: { name: string }) => name === 'bindings');
  expect({ ok, ...finding }).toMatchObject({ ok: false, status: 'fail', code: 'SCHEMA_CHANGED' });
  expect(finding.message).toContain('looked_at on apikeys.keys');
  expect(finding.message).toContain('public.spy');
  expect(finding.message).toContain('1 more');
});
