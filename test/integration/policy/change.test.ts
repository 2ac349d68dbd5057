import { describe, expect, test } from 'vitest';
import { NO_POLICY } from '../../../src/domain/policy.js';
import { eachEngine } from '../../helpers/engines.js';
import { events, fingerprint, request, unique } from '../service/stored.js';

const DAY = 86_400_000;
const actor = 'security';
const ALL_RULES = {
  maxLifetime: '90d',
  requireExpiry: true,
  maxKeys: 20,
  scopes: ['read', 'orders:*'],
  prefixes: ['b_', 'a_'],
};
const STORED = {
  maxLifetimeMs: 90 * DAY,
  requireExpiry: true,
  maxKeys: 20,
  scopes: ['orders:*', 'read'],
  prefixes: ['a_', 'b_'],
};
const NONE = { maxLifetime: null, requireExpiry: null, maxKeys: null, scopes: null, prefixes: null };

eachEngine((db) => {
  const chainOf = (tenant: string) =>
    events(db.rows, `key_id IS NULL AND tenant_id = '${tenant}' AND owner_id = ''`);

  test('a policy is set, shown, changed rule by rule and taken away', async () => {
    const tenant = unique('tenant');
    const none = { tenant, own: NO_POLICY, allTenants: NO_POLICY, inForce: NO_POLICY };
    expect(await db.service.policy({ tenant })).toEqual(none);
    const set = await db.service.setPolicy({ ...ALL_RULES, tenant, actor });
    const view = { tenant, own: STORED, allTenants: NO_POLICY, inForce: STORED };
    expect(set).toEqual({ ...view, changed: 1, brokenChains: [] });
    expect(await db.service.policy({ tenant })).toEqual(view);
    const fewer = await db.service.setPolicy({
      maxKeys: 5,
      scopes: null,
      requireExpiry: false,
      tenant,
      actor,
    });
    expect(fewer.own).toEqual({ ...STORED, maxKeys: 5, scopes: null, requireExpiry: false });
    expect(await db.service.setPolicy({ ...NONE, tenant, actor })).toMatchObject({ ...none, changed: 1 });
    expect(await db.service.setPolicy({ ...NONE, tenant, actor })).toMatchObject({ ...none, changed: 0 });
  });

  test('each change is an event of the tenant, with before and after; a repetition leaves none', async () => {
    const tenant = unique('tenant');
    await db.service.setPolicy({ maxKeys: 5, tenant, actor });
    await db.service.setPolicy({ maxKeys: 5, tenant, actor });
    await db.service.setPolicy({ maxKeys: 9, maxLifetime: '1d', tenant, actor });
    const told = await chainOf(tenant);
    expect(told.map(({ action, actor, seq, details }) => [seq, action, actor, JSON.parse(details)])).toEqual([
      [1, 'policy.changed', actor, { max_keys: { before: null, after: 5 } }],
      [
        2,
        'policy.changed',
        actor,
        { max_lifetime_ms: { before: null, after: DAY }, max_keys: { before: 5, after: 9 } },
      ],
    ]);
    const { events: listed } = await db.service.events({ tenant, action: 'policy.changed' });
    expect(listed).toHaveLength(2);
    expect(await db.service.verifyAudit({ tenant })).toMatchObject({ valid: true, chains: 1, events: 2 });
  });

  test('that for all tenants is told by the chain of the database, and no tenant sees it there', async () => {
    const tenant = unique('tenant');
    await db.service.setPolicy({ maxKeys: 7, actor });
    expect(await db.service.policy()).toMatchObject({
      tenant: null,
      own: { maxKeys: 7 },
      allTenants: { maxKeys: 7 },
    });
    expect(await db.service.policy({ tenant })).toMatchObject({ own: NO_POLICY, inForce: { maxKeys: 7 } });
    const last = (await chainOf('')).at(-1);
    expect(last).toMatchObject({ action: 'policy.changed', tenantId: '', ownerId: '' });
    expect((await db.service.events({ tenant })).events).toEqual([]);
    await db.service.setPolicy({ ...NONE, actor });
    expect(await db.service.verifyAudit()).toMatchObject({ valid: true });
  });

  test('a dry run tells what would be, and changes nothing', async () => {
    const tenant = unique('tenant');
    const before = await fingerprint(db.rows);
    expect(await db.service.setPolicy({ maxKeys: 5, dryRun: true, tenant, actor })).toMatchObject({
      changed: 1,
      own: { maxKeys: 5 },
      inForce: { maxKeys: 5 },
    });
    expect(await db.service.setPolicy({ maxKeys: null, dryRun: true, tenant, actor })).toMatchObject({
      changed: 0,
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('it changes no key, and is older than the first of its tenant without hiding that', async () => {
    const tenant = unique('tenant');
    const { key: wide } = await db.service.create(request({ expires: 'never', scopes: ['*'] }));
    await db.service.setPolicy({ maxLifetime: '1d', scopes: ['read'], tenant: 'default', actor });
    expect(await db.service.get(wide.id)).toEqual(wide);
    await db.service.setPolicy({ ...NONE, tenant: 'default', actor });
    await db.service.setPolicy({ maxKeys: 5, tenant, actor });
    const first = await db.service.create(request({ tenant }));
    expect(first).toMatchObject({ newTenant: true, firstKey: true });
  });

  test.each([
    [{ maxLifetime: '0' }, 'policy_lifetime'],
    [{ maxLifetime: 'never' }, 'policy_lifetime'],
    [{ maxLifetime: 'soon' }, 'duration'],
    [{ maxLifetime: '2030-01-01T00:00:00Z' }, 'duration'],
    [{ maxKeys: 0 }, undefined],
    [{ maxKeys: -1 }, undefined],
    [{ maxKeys: 1.5 }, undefined],
    [{ scopes: [] }, 'policy_empty'],
    [{ scopes: ['a b'] }, 'scope'],
    [{ prefixes: [] }, 'policy_empty'],
    [{ prefixes: ['no'] }, 'prefix'],
    [{ prefixes: Array.from({ length: 101 }, (_, n) => `p${n}_`) }, 'prefix'],
  ])('refused, and nothing is stored: %j', async (rules, reason) => {
    const before = await fingerprint(db.rows);
    await expect(db.service.setPolicy({ maxKeys: 3, ...rules, actor })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: reason === undefined ? {} : { reason },
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  describe('a row that was altered by hand is found', () => {
    test.each([
      `UPDATE apikeys.policies SET max_keys = 99`,
      `UPDATE apikeys.policies SET max_lifetime_ms = NULL`,
      `UPDATE apikeys.policies SET require_expiry = false`,
      `UPDATE apikeys.policies SET scopes = '{*}'`,
      `UPDATE apikeys.policies SET prefixes = NULL`,
      `DELETE FROM apikeys.policies`,
    ])('%s', async (statement) => {
      const tenant = unique('tenant');
      await db.service.setPolicy({ ...ALL_RULES, tenant, actor });
      await db.rows(`${statement} WHERE tenant_id = '${tenant}'`);
      expect((await db.service.verifyAudit({ tenant })).broken).toMatchObject([
        { tenantId: tenant, ownerId: '', keyId: null, seq: 1, fault: 'state', field: 'policy' },
      ]);
    });

    test('also one that no event tells of at all', async () => {
      const tenant = unique('tenant');
      await db.rows(
        `INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('${tenant}', '', now())`,
      );
      expect((await db.service.verifyAudit({ tenant })).valid).toBe(true);
      await db.rows(`INSERT INTO apikeys.policies (tenant_id, max_keys) VALUES ('${tenant}', 1)`);
      expect((await db.service.verifyAudit({ tenant })).broken).toMatchObject([
        { ownerId: '', fault: 'missing' },
      ]);
    });
  });

  test('a chain that was broken keeps no policy from being changed, and begins a new segment', async () => {
    const tenant = unique('tenant');
    await db.service.setPolicy({ maxKeys: 5, tenant, actor });
    await db.rows(`UPDATE apikeys.owners SET audit_hash = sha256('x') WHERE tenant_id = '${tenant}'`);
    const done = await db.service.setPolicy({ maxKeys: 4, tenant, actor });
    expect(done.brokenChains).toMatchObject([{ tenantId: tenant, ownerId: '', keyId: null }]);
    expect((await db.service.verifyAudit({ tenant })).broken).toMatchObject([{ fault: 'segment', seq: 2 }]);
  });

  test('what pruned events said of a policy is known still', async () => {
    const tenant = unique('tenant');
    await db.service.setPolicy({ ...ALL_RULES, tenant, actor });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await db.service.cleanup({ auditOlderThan: '0', tenant, actor });
    expect(await db.service.verifyAudit({ tenant })).toMatchObject({ valid: true });
    await db.rows(`UPDATE apikeys.policies SET max_keys = NULL WHERE tenant_id = '${tenant}'`);
    expect((await db.service.verifyAudit({ tenant })).broken).toMatchObject([
      { fault: 'state', field: 'policy' },
    ]);
  });

  test('doctor tells it, and warns of a prefix by which nothing can be made', async () => {
    const tenant = unique('tenant');
    const look = async (service = db.service) => {
      const { findings, keys } = await service.as({ tenant }).diagnose(() => new Date());
      return { found: findings.find(({ check }) => check === 'policy')?.finding, policy: keys?.policy };
    };
    expect(await look()).toEqual({ found: 'no_policy', policy: NO_POLICY });
    await db.service.setPolicy({ maxKeys: 50, tenant, actor });
    expect(await look()).toEqual({ found: 'policy_in_force', policy: { ...NO_POLICY, maxKeys: 50 } });
    expect((await look(db.serviceWith({ maxKeysPerOwner: 0 }))).found).toBe('settings_beyond_policy');
    await db.service.setPolicy({ prefixes: ['acme_'], tenant, actor });
    expect((await look()).found).toBe('prefix_against_policy');
  });
});
