import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { fingerprint, request, unique } from '../service/stored.js';

const DAY = 86_400_000;
const actor = 'tester';

/** What a key had before there was a policy. */
const WIDE = { expires: 'never', scopes: ['admin:all', 'orders:read'] };

eachEngine((db) => {
  let tenant: string;
  beforeEach(() => {
    tenant = unique('tenant');
  });
  afterEach(async () => {
    await db.service.setPolicy({
      maxLifetime: null,
      requireExpiry: null,
      maxKeys: null,
      scopes: null,
      prefixes: null,
      actor,
    });
    // Some tests have a key expire behind the trail's back; of policies it is to say the truth.
    const { broken } = await db.service.verifyAudit();
    expect(broken.filter(({ ownerId }) => ownerId === '')).toEqual([]);
  });

  const set = (rules: object, of: 'tenant' | 'all') =>
    db.service.setPolicy({ ...rules, actor, ...(of === 'tenant' && { tenant }) });

  const made = async (more: object = WIDE) =>
    (await db.service.create(request({ tenant, owner: 'alice', ...more }))).key.id;

  const expire = (key: string) =>
    db.rows(
      `UPDATE apikeys.keys SET expires_at = now() - interval '1 second', lifetime_ms = 1000 WHERE id = '${key}'`,
    );

  const create = (more: object = {}) => db.service.create(request({ tenant, owner: 'alice', ...more }));

  type Door = (key: string) => Promise<unknown>;

  /** Each with the rule, what the door is asked for, and what the refusal has to name. */
  const CASES: readonly [name: string, rules: object, ask: Door, details: object, before?: 'expired'][] = [
    [
      'create, longer',
      { maxLifetime: '30d' },
      () => create({ expires: '31d' }),
      { rule: 'max_lifetime', allowed: '30d' },
    ],
    [
      'create, for ever',
      { maxLifetime: '30d' },
      () => create({ expires: 'never' }),
      { rule: 'max_lifetime', allowed: '30d' },
    ],
    [
      'create, for ever',
      { requireExpiry: true },
      () => create({ expires: 'never' }),
      { rule: 'require_expiry' },
    ],
    [
      'create, until a time that is too late',
      { maxLifetime: '1w' },
      () => create({ expires: new Date(Date.now() + 8 * DAY).toISOString() }),
      { rule: 'max_lifetime', allowed: '1w' },
    ],
    [
      'create, scopes',
      { scopes: ['orders:*'] },
      () => create({ scopes: ['orders:read', '*', 'users:read'] }),
      { rule: 'scopes', allowed: ['orders:*'], refused: ['*', 'users:read'] },
    ],
    [
      'create, one key more',
      { maxKeys: 1 },
      () => create(),
      { rule: 'max_keys', allowed: 1, live: 1, owner: 'alice' },
    ],
    [
      'create, prefix',
      { prefixes: ['acme_'] },
      () => create(),
      { rule: 'prefixes', allowed: ['acme_'], refused: ['rv_'] },
    ],

    [
      'rotate, longer',
      { maxLifetime: '30d' },
      (key) => db.service.rotate({ key, expires: '31d', tenant, actor }),
      { rule: 'max_lifetime', allowed: '30d' },
    ],
    [
      'rotate, for ever',
      { requireExpiry: true },
      (key) => db.service.rotate({ key, expires: 'never', tenant, actor }),
      { rule: 'require_expiry' },
    ],
    [
      'rotate, scopes',
      { scopes: ['orders:*'] },
      (key) => db.service.rotate({ key, tenant, actor }),
      { rule: 'scopes', refused: ['admin:all'] },
    ],
    [
      'rotate, prefix',
      { prefixes: ['acme_'] },
      (key) => db.service.rotate({ key, tenant, actor }),
      { rule: 'prefixes' },
    ],
    [
      'rotate, one live key more',
      { maxKeys: 1 },
      (key) => db.service.rotate({ key, expires: '1d', tenant, actor }),
      { rule: 'max_keys', allowed: 1 },
      'expired',
    ],

    [
      'update, longer',
      { maxLifetime: '30d' },
      (key) => db.service.update({ key, expires: '31d', tenant, actor }),
      { rule: 'max_lifetime', allowed: '30d' },
    ],
    [
      'update, for ever',
      { requireExpiry: true },
      (key) => db.service.update({ key, expires: 'never', tenant, actor }),
      { rule: 'require_expiry' },
      'expired',
    ],
    [
      'update, scopes that get more time',
      { scopes: ['orders:*'] },
      (key) => db.service.update({ key, expires: '10d', tenant, actor }),
      { rule: 'scopes', refused: ['admin:all'] },
      'expired',
    ],
    [
      'update, one live key more',
      { maxKeys: 1 },
      (key) => db.service.update({ key, expires: '1d', tenant, actor }),
      { rule: 'max_keys', allowed: 1 },
      'expired',
    ],

    [
      'scopes, added',
      { scopes: ['orders:*'] },
      (key) => db.service.updateScopes({ key, add: ['users:read'], tenant, actor }),
      { rule: 'scopes', refused: ['users:read'] },
    ],
    [
      'scopes, set',
      { scopes: ['orders:*'] },
      (key) => db.service.updateScopes({ key, set: ['orders:*', '*'], tenant, actor }),
      { rule: 'scopes', refused: ['*'] },
    ],
  ];

  describe.each(['tenant', 'all'] as const)('a policy of %s', (of) => {
    test.each(CASES)('refuses, and nothing is changed: %s %j', async (_name, rules, ask, details, before) => {
      const key = await made();
      if (before === 'expired') await expire(key);
      if ('maxKeys' in rules && before === 'expired') await create();
      await set(rules, of);
      const stored = await fingerprint(db.rows);
      await expect(ask(key)).rejects.toMatchObject({
        code: 'POLICY_VIOLATION',
        details,
        message: expect.stringMatching(/policy.*nothing was changed$/),
      });
      expect(await fingerprint(db.rows)).toEqual(stored);
    });
  });

  describe('what is within it goes on', () => {
    test('as long as the longest, to the millisecond, and scopes that it covers', async () => {
      await set(
        {
          maxLifetime: '30d',
          requireExpiry: true,
          scopes: ['orders:*', 'read'],
          maxKeys: 1,
          prefixes: ['rv_'],
        },
        'tenant',
      );
      const { key, lifetimeCut } = await create({
        expires: '30d',
        scopes: ['orders:eu:read', 'orders:*', 'read'],
      });
      expect(lifetimeCut).toBeNull();
      const rotated = await db.service.rotate({ key: key.id, tenant, actor });
      expect(rotated.lifetimeCut).toBeNull();
      await db.service.updateScopes({ key: key.id, set: ['read'], tenant, actor });
      await db.service.update({ key: key.id, expires: '30d', tenant, actor });
    });

    test('another tenant is not held to it, and for a tenant’s own the narrower holds', async () => {
      await set({ maxLifetime: '30d', maxKeys: 1 }, 'tenant');
      const other = unique('tenant');
      const { key } = await db.service.create(request({ tenant: other, expires: '99d' }));
      expect(key.expiresAt).not.toBeNull();
      await set({ maxLifetime: '10d', maxKeys: 5 }, 'all');
      const refused = { code: 'POLICY_VIOLATION', details: { rule: 'max_lifetime', allowed: '10d' } };
      await expect(create({ expires: '20d' })).rejects.toMatchObject(refused);
      await create({ expires: '10d' });
      await expect(create({ expires: '1d' })).rejects.toMatchObject({
        details: { rule: 'max_keys', allowed: 1 },
      });
    });

    test('a change that gives nothing', async () => {
      const key = await made();
      await set(
        { maxLifetime: '30d', requireExpiry: true, scopes: ['orders:*'], prefixes: ['x_'], maxKeys: 1 },
        'tenant',
      );
      await db.service.update({ key, name: 'other', description: 'old', tenant, actor });
      expect(await db.service.update({ key, expires: '30d', tenant, actor })).toMatchObject({ changed: 1 });
      expect(
        (await db.service.updateScopes({ key, add: ['orders:write'], tenant, actor })).key.scopes,
      ).toEqual(['admin:all', 'orders:read', 'orders:write']);
      expect(await db.service.updateScopes({ key, add: ['admin:all'], tenant, actor })).toMatchObject({
        changed: 0,
      });
      await db.service.updateScopes({ key, remove: ['orders:write'], tenant, actor });
      await db.service.freeze({ keys: [key], tenant, actor });
      await db.service.unfreeze({ keys: [key], tenant, actor });
      await db.service.endGrace({ key, tenant, actor });
      await db.service.revoke({ keys: [key], tenant, actor });
    });

    test('a repetition, by which nothing is made', async () => {
      const once = request({ tenant, owner: 'alice', expires: '99d', idempotencyKey: 'once' });
      const { key } = await db.service.create(once);
      await set({ maxLifetime: '1d', maxKeys: 1 }, 'tenant');
      expect(await db.service.create(once)).toMatchObject({
        key: { id: key.id },
        changed: 0,
        lifetimeCut: null,
      });
    });
  });

  describe('what nobody asked for is cut, and the answer says so', () => {
    test.each([
      [{ maxLifetime: '30d' }, { kind: 'in', ms: 90 * DAY }, { fromMs: 90 * DAY, toMs: 30 * DAY }],
      [{ maxLifetime: '30d' }, { kind: 'never' }, { fromMs: null, toMs: 30 * DAY }],
      [{ requireExpiry: true }, { kind: 'never' }, { fromMs: null, toMs: 90 * DAY }],
      [{ maxLifetime: '30d' }, { kind: 'in', ms: 7 * DAY }, null],
      [{ requireExpiry: true }, { kind: 'in', ms: 400 * DAY }, null],
    ] as const)('create, under %j with a default of %j', async (rules, defaultExpiry, lifetimeCut) => {
      await set(rules, 'tenant');
      const created = await db.serviceWith({ defaultExpiry }).create(request({ tenant }));
      expect(created.lifetimeCut).toEqual(lifetimeCut);
      const { createdAt, expiresAt } = created.key;
      const lifetime = defaultExpiry.kind === 'in' ? defaultExpiry.ms : null;
      expect(expiresAt && expiresAt.getTime() - createdAt.getTime()).toBe(lifetimeCut?.toMs ?? lifetime);
      const again = await db.service.rotate({ key: created.key.id, tenant, actor });
      expect(again.lifetimeCut).toBeNull();
    });

    test.each([
      [{ maxLifetime: '30d' }, 'never', { fromMs: null, toMs: 30 * DAY }],
      [{ maxLifetime: '30d' }, '60d', { fromMs: 60 * DAY, toMs: 30 * DAY }],
      [{ requireExpiry: true }, 'never', { fromMs: null, toMs: 90 * DAY }],
      [{ requireExpiry: true }, '900d', null],
    ])('rotate, under %j, of a key with a lifetime of %s', async (rules, expires, lifetimeCut) => {
      const key = await made({ expires });
      await set(rules, 'tenant');
      const rotated = await db.service.rotate({ key, tenant, actor });
      expect(rotated.lifetimeCut).toEqual(lifetimeCut);
      const [row] = await db.rows(`SELECT lifetime_ms FROM apikeys.keys WHERE id = '${key}'`);
      expect(row?.lifetime_ms).toBe(lifetimeCut?.toMs ?? 900 * DAY);
    });

    test('keys per owner: the least of policy, owner and setting, whose refusal names it', async () => {
      await set({ maxKeys: 2 }, 'tenant');
      const none = db.serviceWith({ maxKeysPerOwner: 0 });
      const one = db.serviceWith({ maxKeysPerOwner: 1 });
      const more = () => request({ tenant, owner: 'bob' });
      await none.create(more());
      await expect(one.create(more())).rejects.toMatchObject({
        code: 'LIMIT_REACHED',
        details: { limit: 1 },
      });
      await none.create(more());
      await expect(none.create(more())).rejects.toMatchObject({
        details: { rule: 'max_keys', allowed: 2, live: 2 },
      });
      await db.rows(
        `UPDATE apikeys.owners SET max_keys = 99 WHERE tenant_id = '${tenant}' AND owner_id = 'bob'`,
      );
      await expect(none.create(more())).rejects.toMatchObject({ details: { rule: 'max_keys' } });
      await db.rows(
        `UPDATE apikeys.owners SET max_keys = 1 WHERE tenant_id = '${tenant}' AND owner_id = 'bob'`,
      );
      await expect(none.create(more())).rejects.toMatchObject({
        code: 'LIMIT_REACHED',
        details: { limit: 1 },
      });
    });
  });
});
