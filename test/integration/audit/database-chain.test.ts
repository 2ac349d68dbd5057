import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import { loadMigrations } from '../../../src/db/schema/migrations.js';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { type AuditEvent, DATABASE_CHAIN } from '../../../src/domain/audit.js';
import { createApiKeys } from '../../../src/index.js';
import { migrateSchema } from '../../../src/service/migrate-schema.js';
import type { UsageLine } from '../../../src/service/usage/import-usage.js';
import { testDatabase } from '../../helpers/database.js';
import { eachEngine, onServer, type TestService } from '../../helpers/engines.js';
import { testKeysOn } from '../../helpers/named-caller.js';
import { overEngine, type RunSql } from '../../helpers/run-sql.js';
import { TIMEOUTS } from '../db/opened.js';
import { events, keyChain, request, unique } from '../service/stored.js';

const actor = 'ops';
const OF_DATABASE = `key_id IS NULL AND tenant_id = '' AND owner_id = ''`;

const ofDatabase = (rows: RunSql) => events(rows, OF_DATABASE);

/** What an event says, without its place and its time. */
const said = ({ action, actor, tenantId, ownerId, keyId, details }: AuditEvent) => ({
  action,
  actor,
  tenantId,
  ownerId,
  keyId,
  details: JSON.parse(details),
});

async function* linesOf(key: string, count: number, bad?: number): AsyncGenerator<UsageLine> {
  for (let line = 1; line <= count; line++) {
    yield { line, key: line === bad ? 'nobody' : key, requests: 2, spendCents: 3, at: undefined };
  }
}

/** The events that `work` adds to the database's chain. */
async function added(db: TestService, work: () => Promise<unknown>) {
  const before = (await ofDatabase(db.rows)).length;
  await work();
  return (await ofDatabase(db.rows)).slice(before).map(said);
}

const usedBy = async ({ rows }: TestService, id: string) => {
  const [row] = await rows(`
    SELECT total_requests::int AS requests, total_spend_cents::int AS cents
      FROM apikeys.key_activity WHERE key_id = '${id}'`);
  return row;
};

eachEngine((db) => {
  const makeRole = async (): Promise<string> => {
    const role = `apikeys_${unique('role').replace('-', '_')}_${process.pid}_${db.kind}`;
    await db.rows(`CREATE ROLE ${role}`);
    return role;
  };
  const dropRole = async (role: string) => [
    await db.rows(`DROP OWNED BY ${role}`),
    await db.rows(`DROP ROLE ${role}`),
  ];

  describe('usage by hand', () => {
    test('leaves an event in the chain of its key, which holds', async () => {
      const { key } = await db.service.create(request());
      const at = new Date('2026-01-02T03:04:05.678Z');
      const done = await db.service.recordUsage({
        keyId: key.id.toUpperCase(),
        requests: 5,
        spendCents: 7,
        at,
        actor,
      });
      expect(done).toEqual({ brokenChains: [] });
      const [, event] = await events(db.rows, keyChain(key.id));
      expect(event && said(event)).toEqual({
        action: 'usage.recorded',
        actor,
        tenantId: key.tenantId,
        ownerId: key.ownerId,
        keyId: key.id,
        details: { request_count: 5, spend_cents: 7, used_at: at.toISOString() },
      });
      expect(await usedBy(db, key.id)).toEqual({ requests: 5, cents: 7 });
      expect(await db.service.verifyAudit()).toMatchObject({ valid: true });
    });

    test('of nothing leaves none', async () => {
      const { key } = await db.service.create(request());
      await db.service.recordUsage({ keyId: key.id, requests: 0, actor });
      expect(await events(db.rows, keyChain(key.id))).toHaveLength(1);
    });

    test('is counted although the chain is broken, and begins a new segment', async () => {
      const { key } = await db.service.create(request());
      const damage = (hash: string) =>
        db.rows(`UPDATE apikeys.keys SET audit_hash = ${hash} WHERE id = '${key.id}'`);
      await damage(`sha256('x')`);
      const done = await db.service.recordUsage({ keyId: key.id, requests: 1, actor });
      expect(done.brokenChains).toMatchObject([{ keyId: key.id }]);
      expect(await usedBy(db, key.id)).toMatchObject({ requests: 1 });
      const [, event] = await events(db.rows, keyChain(key.id));
      expect(JSON.parse(event?.details ?? '')).toHaveProperty('segment');
      const { broken } = await db.service.verifyAudit();
      expect(broken).toMatchObject([{ keyId: key.id, fault: 'segment' }]);
      await db.rows(`DELETE FROM apikeys.audit_events WHERE key_id = '${key.id}'`);
      await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${key.id}'`);
      await db.rows(`DELETE FROM apikeys.keys WHERE id = '${key.id}'`);
    });
  });

  describe('an import', () => {
    test('leaves an event for each batch that was stored, and a repetition none', async () => {
      const { key } = await db.service.create(request());
      const importId = unique('log');
      const run = () =>
        db.service.importUsage(linesOf(key.id, 5_003), { importId, tenant: 'default', actor });
      const event = (last_line: number, lines: number) => ({
        action: 'usage.imported',
        actor,
        ...DATABASE_CHAIN,
        details: {
          import_id: importId,
          tenant_id: 'default',
          last_line,
          lines,
          request_count: 2 * lines,
          spend_cents: 3 * lines,
        },
      });
      expect(await added(db, run)).toEqual([event(5_000, 5_000), event(5_003, 3)]);
      expect(await added(db, run)).toEqual([]);
    });

    test('tells of the lines before a bad one, and of a dry run nothing', async () => {
      const { key } = await db.service.create(request());
      const run = (dryRun: boolean) =>
        db.service.importUsage(linesOf(key.id, 10, 4), { dryRun, actor }).catch(() => undefined);
      expect(await added(db, () => run(true))).toEqual([]);
      expect(await added(db, () => run(false))).toMatchObject([
        { details: { import_id: null, tenant_id: null, last_line: 3, lines: 3 } },
      ]);
    });
  });

  describe('grants', () => {
    test('leave an event that names the role and what it is for', async () => {
      const role = await makeRole();
      try {
        expect(await added(db, () => db.service.applyGrants({ role, as: 'verifier', actor }))).toEqual([
          { action: 'role.granted', actor, ...DATABASE_CHAIN, details: { role, profile: 'verifier' } },
        ]);
      } finally {
        await dropRole(role);
      }
    });

    test('that are refused leave none', async () => {
      const refused = () =>
        db.service.applyGrants({ role: 'nobody', as: 'admin', actor }).catch(() => undefined);
      expect(await added(db, refused)).toEqual([]);
    });

    test('are given although the chain of the database is broken, and say so', async () => {
      const role = await makeRole();
      const stored = await db.rows(
        `SELECT encode(audit_hash, 'hex') AS hash FROM apikeys.owners WHERE owner_id = ''`,
      );
      await db.rows(`UPDATE apikeys.owners SET audit_hash = sha256('x') WHERE owner_id = ''`);
      try {
        const { brokenChains } = await db.service.applyGrants({ role, as: 'auditor', actor });
        expect(brokenChains).toMatchObject([DATABASE_CHAIN]);
        const last = (await ofDatabase(db.rows)).at(-1);
        expect(JSON.parse(last?.details ?? '')).toHaveProperty('segment');
        expect((await db.service.verifyAudit()).broken).toMatchObject([
          { ...DATABASE_CHAIN, seq: last?.seq, fault: 'segment' },
        ]);
        // As it was, for the tests that follow.
        await db.rows(`DELETE FROM apikeys.audit_events WHERE id = '${last?.id}'`);
        await db.rows(`
          UPDATE apikeys.owners SET audit_hash = '\\x${String(stored[0]?.hash)}', audit_seq = audit_seq - 1
           WHERE owner_id = ''`);
      } finally {
        await dropRole(role);
      }
    });
  });

  describe('the chain of the database', () => {
    test('is listed, verified and among the heads; a tenant has nothing of it', async () => {
      const { events: listed } = await db.service.events({ action: 'usage.imported' });
      expect(listed[0]).toMatchObject({ ...DATABASE_CHAIN, keyName: null });
      expect((await db.service.events({ action: 'usage.imported', tenant: 'default' })).events).toEqual([]);

      const heads: unknown[] = [];
      for await (const page of db.service.auditHeads()) heads.push(...page);
      const last = (await ofDatabase(db.rows)).at(-1);
      expect(heads).toContainEqual({ ...DATABASE_CHAIN, seq: last?.seq, hash: last?.hash });
      const ofTenant: unknown[] = [];
      for await (const page of db.service.auditHeads({ tenant: 'default' })) ofTenant.push(...page);
      expect(ofTenant).not.toContainEqual(expect.objectContaining({ tenantId: '' }));
      expect(await db.service.verifyAudit()).toMatchObject({ valid: true });
    });

    test.each([
      [
        'an event that was altered',
        `UPDATE apikeys.audit_events SET actor = 'nobody' WHERE ${OF_DATABASE} AND seq = 1`,
        'hash',
      ],
      [
        'its last event gone',
        `DELETE FROM apikeys.audit_events WHERE ${OF_DATABASE} AND seq = (SELECT max(seq) FROM apikeys.audit_events WHERE ${OF_DATABASE})`,
        'truncated',
      ],
    ])('shows %s', async (_what, damage, fault) => {
      await db.rows('CREATE TABLE IF NOT EXISTS kept_events AS TABLE apikeys.audit_events');
      try {
        await db.rows(damage);
        expect((await db.service.verifyAudit()).broken).toMatchObject([{ ...DATABASE_CHAIN, fault }]);
      } finally {
        await db.rows(`DELETE FROM apikeys.audit_events`);
        await db.rows('INSERT INTO apikeys.audit_events TABLE kept_events');
        await db.rows('DROP TABLE kept_events');
      }
    });

    test('no owner is called like it, and no key is its own, nor a tenant’s', async () => {
      const insert = db.rows(
        `INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('', 'alice', now())`,
      );
      await expect(insert).rejects.toThrow('owners_tenant_id_ok');
      const { key } = await db.service.create(request());
      const theft = (columns: string) => db.rows(`UPDATE apikeys.keys SET ${columns} WHERE id = '${key.id}'`);
      await expect(theft(`tenant_id = '', owner_id = 'alice'`)).rejects.toThrow('keys_tenant_id_ok');
      await expect(theft(`owner_id = ''`)).rejects.toThrow('keys_owner_id_ok');
      await expect(db.service.create(request({ owner: '' }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
      await expect(db.service.create(request({ tenant: '' }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    });
  });
});

onServer((db) => {
  test('many imports at once, also the first ones, leave one chain that holds', async () => {
    const { key } = await db.service.create(request());
    const batches = 3;
    await Promise.all(
      Array.from({ length: 6 }, () =>
        db.service.importUsage(linesOf(key.id, batches * 5_000), { importId: unique('log'), actor }),
      ),
    );
    expect((await ofDatabase(db.rows)).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 6 * batches }, (_, index) => index + 1),
    );
    expect(await db.service.verifyAudit()).toMatchObject({ valid: true });
  });
});

describe('a migration', () => {
  const versions = loadMigrations().map(({ version }) => version);
  const migrated = (by: string) => ({
    action: 'schema.migrated',
    actor: by,
    ...DATABASE_CHAIN,
    details: { versions },
  });

  test('leaves an event on a server, and none where nothing was to be done', async () => {
    const database = await testDatabase();
    const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS });
    try {
      await database.query('DROP SCHEMA apikeys CASCADE');
      const service = testKeysOn(engine);
      await service.migrate({ dryRun: true, actor });
      await service.migrate({ actor });
      await service.migrate({ actor });
      expect((await ofDatabase(overEngine(engine))).map(said)).toEqual([migrated(actor)]);
      expect(await service.verifyAudit()).toMatchObject({ valid: true, chains: 1, events: 1 });
    } finally {
      await engine.close();
      await database.drop();
    }
  });

  test('of the embedded database that an application opens leaves one too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apikeys-chain-'));
    const keys = createApiKeys({ embedded: folder });
    try {
      await keys.list();
      await keys.close();
      const engine = await openEmbedded({
        folder,
        timeouts: TIMEOUTS,
        migrate: (opened) => migrateSchema(opened, { actor }),
      });
      try {
        expect((await ofDatabase(overEngine(engine))).map(said)).toEqual([migrated('apikeys')]);
      } finally {
        await engine.close();
      }
    } finally {
      await keys.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
