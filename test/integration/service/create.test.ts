import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hasValidChecksum } from '../../../src/domain/secret.js';
import { dumpEverything } from '../../helpers/dump.js';
import { eachEngine } from '../../helpers/engines.js';
import { fingerprint, request, secretOf, unique } from './stored.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

eachEngine((db) => {
  test('a key is stored with every field as given', async () => {
    const owner = unique('owner');
    const tenant = unique('tenant');
    const { key, apiKey } = await db.service.create({
      name: 'Déploiement 🚀',
      owner,
      tenant,
      scopes: ['orders:write', 'read', 'read,orders:*'],
      expires: '2099-01-02T03:04:05.678Z',
      description: 'first line\nsecond line',
      metadata: { team: 'core', 'a b': '=1', constructor: 'x' },
      actor: 'alice@build-7',
    });
    expect(key).toMatchObject({
      tenantId: tenant,
      ownerId: owner,
      name: 'Déploiement 🚀',
      description: 'first line\nsecond line',
      keyPrefix: apiKey?.slice(0, 11),
      status: 'active',
      scopes: ['orders:*', 'orders:write', 'read'],
      metadata: { team: 'core', 'a b': '=1', constructor: 'x' },
      createdBy: 'alice@build-7',
      expiresAt: new Date('2099-01-02T03:04:05.678Z'),
    });
    expect(key.id).toMatch(UUID_V7);
  });

  test('what create gives back is what the database gives back', async () => {
    const { key } = await db.service.create(
      request({ scopes: ['read'], description: 'd', metadata: { b: '2', a: '1' }, expires: '7d' }),
    );
    expect(await db.service.get(key.id)).toEqual(key);
  });

  test('a key needs no more than a name, an owner and an actor', async () => {
    const { key } = await db.service.create(request());
    expect(key).toMatchObject({ tenantId: 'default', description: null, scopes: [], metadata: {} });
    expect(await db.service.get(key.id)).toEqual(key);
  });

  test('the secret has the configured prefix and length, a right checksum, and is a new one each time', async () => {
    const usual = secretOf(await db.service.create(request()));
    expect(usual).toMatch(/^rv_[0-9a-f]{64}$/);
    const other = db.serviceWith({ prefix: 'acme-', secretBytes: 24 });
    const created = await other.create(request());
    const secret = secretOf(created);
    expect(secret).toMatch(/^acme-[0-9a-f]{48}$/);
    expect(created.key.keyPrefix).toBe(secret.slice(0, 'acme-'.length + 8));
    expect([usual, secret].every(hasValidChecksum)).toBe(true);
    expect(secretOf(await other.create(request()))).not.toBe(secret);
  });

  test('the database holds the SHA-256 of the secret, and the secret nowhere', async () => {
    const created = await db.service.create(request());
    const { key } = created;
    const secret = secretOf(created);
    const stored = await db.rows(`SELECT * FROM apikeys.secrets WHERE key_id = '${key.id}'`);
    expect(stored).toEqual([
      {
        hash: hashOf(secret),
        key_id: key.id,
        version: 1,
        key_prefix: key.keyPrefix,
        created_at: key.createdAt,
        valid_until: null,
        ended: false,
        hash_digest: createHash('sha256').update(hashOf(secret)).digest(),
      },
    ]);
    const everything = await dumpEverything(db.rows);
    expect(everything).toContain(key.id);
    expect(everything).not.toContain(secret.slice('rv_'.length + 8));
  });

  test('a key has an activity row from the start, so that traffic never inserts one', async () => {
    const { key } = await db.service.create(request());
    expect(await db.rows(`SELECT * FROM apikeys.key_activity WHERE key_id = '${key.id}'`)).toEqual([
      {
        key_id: key.id,
        last_used_at: null,
        old_secret_used_at: null,
        refused_at: null,
        total_requests: 0,
        total_spend_cents: 0,
        total_refused: 0,
      },
    ]);
  });

  test('every time is stored in whole milliseconds', async () => {
    const { key } = await db.service.create(request({ expires: '1d' }));
    const [row] = await db.rows(
      `SELECT bool_and(date_trunc('milliseconds', at) = at) AS whole FROM (
         SELECT created_at AS at FROM apikeys.keys UNION ALL SELECT expires_at FROM apikeys.keys
         UNION ALL SELECT created_at FROM apikeys.owners UNION ALL SELECT created_at FROM apikeys.secrets
         UNION ALL SELECT at FROM apikeys.audit_events) AS times`,
    );
    expect(row).toEqual({ whole: true });
    expect(await db.rows(`SELECT at FROM apikeys.audit_events WHERE key_id = '${key.id}'`)).toEqual([
      { at: key.createdAt },
    ]);
  });

  test('a name is stored composed, so that it is found however it is typed', async () => {
    const { key } = await db.service.create(request({ name: 'Cafe\u0301' }));
    expect(key.name).toBe('Café');
  });

  test('two keys of an owner may have the same name', async () => {
    const owner = unique('owner');
    const first = await db.service.create(request({ owner, name: 'twin' }));
    const second = await db.service.create(request({ owner, name: 'twin' }));
    expect(second.key.id).not.toBe(first.key.id);
  });

  test('the tenant is said to be new with its first owner alone', async () => {
    const tenant = unique('tenant');
    const owner = unique('owner');
    const made = [
      await db.service.create(request({ tenant, owner })),
      await db.service.create(request({ tenant, owner })),
      await db.service.create(request({ tenant })),
    ];
    expect(made.map(({ newTenant }) => newTenant)).toEqual([true, false, false]);
  });

  test('with key management switched off nothing is made', async () => {
    const before = await fingerprint(db.rows);
    const off = db.serviceWith({ keyManagement: false });
    await expect(off.create(request())).rejects.toMatchObject({ code: 'FEATURE_DISABLED' });
    expect(await fingerprint(db.rows)).toEqual(before);
  });
});
