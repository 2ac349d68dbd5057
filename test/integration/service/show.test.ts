import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { request } from './stored.js';

eachEngine((db) => {
  test('a new key has one secret, no usage and the event of its creation', async () => {
    const { key } = await db.service.create(request());
    const details = await db.service.show(key.id);
    expect(details).toEqual({
      key,
      ended: 0,
      limits: null,
      ownerLimits: null,
      secrets: [
        { version: 1, keyPrefix: key.keyPrefix, createdAt: key.createdAt, validUntil: null, retired: false },
      ],
      usageToday: { requestCount: 0, spendCents: 0 },
      oldSecretUsedAt: null,
      events: [expect.objectContaining({ action: 'key.created', keyId: key.id })],
    });
  });

  test('secrets come newest first, and tell which of them have ended', async () => {
    const { key } = await db.service.create(request());
    const insert = (version: number, until: string) =>
      db.rows(
        `INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
         SELECT sha256('${key.id}${version}'), id, ${version}, 'rv_older', created_at, ${until}
           FROM apikeys.keys WHERE id = '${key.id}'`,
      );
    await insert(2, `now() - interval '1 second'`);
    await insert(3, `now() + interval '1 hour'`);
    const { secrets } = await db.service.show(key.id);
    expect(secrets.map(({ version, retired }) => [version, retired])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  test('usage is of the present UTC day alone', async () => {
    const { key } = await db.service.create(request());
    for (const [days, requests] of [
      [0, 5],
      [1, 70],
      [-1, 900],
    ]) {
      await db.rows(
        `INSERT INTO apikeys.usage_daily
         VALUES ('${key.id}', (now() AT TIME ZONE 'UTC')::date - ${days}, 'default', 'o', ${requests}, 9007199254740991)`,
      );
    }
    expect((await db.service.show(key.id)).usageToday).toEqual({
      requestCount: 5,
      spendCents: Number.MAX_SAFE_INTEGER,
    });
    const { impact } = await db.service.revoke({ keys: [key.id], dryRun: true, actor: 'tester' });
    expect(impact).toMatchObject([{ usageToday: { requestCount: 5 } }]);
  });

  test('activity is shown where there is any', async () => {
    const { key } = await db.service.create(request());
    await db.rows(
      `UPDATE apikeys.key_activity SET last_used_at = '2026-01-02T03:04:05.678Z', total_requests = 7 WHERE key_id = '${key.id}'`,
    );
    expect((await db.service.show(key.id)).key).toEqual({
      ...key,
      lastUsedAt: new Date('2026-01-02T03:04:05.678Z'),
      totalRequests: 7,
    });
  });

  test('the latest ten events are shown, newest first', async () => {
    const { key } = await db.service.create(request());
    await db.rows(
      `INSERT INTO apikeys.audit_events
       SELECT gen_random_uuid(), n, at, actor, db_role, 'key.updated', tenant_id, owner_id, key_id, NULL, '{}', hash, hash
         FROM apikeys.audit_events, generate_series(2, 13) AS n WHERE key_id = '${key.id}'`,
    );
    const { events } = await db.service.show(key.id);
    expect(events.map(({ seq }) => seq)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
  });

  test('a key that does not exist is not found', async () => {
    await expect(db.service.show('nobody')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });
});
