import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { request, secretOf, unique } from '../service/stored.js';
import { verifierOn } from '../verify/verifiers.js';

const ODD = [
  'infinity',
  '-infinity',
  '0044-03-15 00:00:00+00 BC',
  '10000-01-01 00:00:00+00',
  '294276-01-01 00:00:00+00',
];
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  keys: ['created_at', 'expires_at', 'frozen_at', 'frozen_until', 'revoked_at'],
  owners: ['created_at', 'frozen_at', 'frozen_until', 'counted_at'],
  secrets: ['created_at', 'valid_until'],
  key_activity: ['last_used_at', 'old_secret_used_at', 'refused_at'],
  audit_events: ['at'],
};
const cases = Object.entries(COLUMNS).flatMap(([table, columns]) =>
  columns.flatMap((column) => ODD.map((odd) => [`${table}.${column}`, odd, table, column] as const)),
);

eachEngine((db) => {
  /** What is beside it, so that no other constraint is in the way. */
  const beside = (column: string) =>
    column === 'frozen_until' ? ', frozen_at = now()' : column === 'expires_at' ? ', lifetime_ms = 1' : '';

  test.each(cases)('%s cannot be %s', async (_name, odd, table, column) => {
    if (table === 'keys' || table === 'secrets') await db.service.create(request());
    const written = db.rows(`UPDATE apikeys.${table} SET ${column} = '${odd}'${beside(column)}`);
    await expect(written).rejects.toMatchObject({
      code: '23514',
      constraint: expect.stringMatching(/times_ok|at_ok/),
    });
  });

  test.each(ODD)('a day of usage cannot be %s', async (odd) => {
    const day = odd.replace(/ \d\d:\d\d:\d\d\+00/, '');
    const written = db.rows(
      `INSERT INTO apikeys.usage_daily VALUES (gen_random_uuid(), '${day}', 'default', 'o', 1, 1)`,
    );
    await expect(written).rejects.toMatchObject({ code: '23514', constraint: 'usage_daily_day_ok' });
  });

  // Whoever took the constraint away all the same is answered, and nothing lives longer by it.
  test.each([
    ['expires_at', 'infinity', 'VALID', 'active'],
    ['expires_at', '-infinity', 'EXPIRED', 'expired'],
    ['expires_at', '0044-03-15 00:00:00+00 BC', 'EXPIRED', 'expired'],
    ['expires_at', '294276-01-01 00:00:00+00', 'VALID', 'active'],
    ['frozen_at', 'infinity', 'FROZEN', 'frozen'],
    ['frozen_at', '-infinity', 'FROZEN', 'frozen'],
    ['frozen_until', 'infinity', 'FROZEN', 'frozen'],
    ['frozen_until', '-infinity', 'VALID', 'active'],
    ['frozen_until', '294276-01-01 00:00:00+00', 'FROZEN', 'frozen'],
    ['revoked_at', 'infinity', 'REVOKED', 'revoked'],
    ['revoked_at', '-infinity', 'REVOKED', 'revoked'],
  ])('without the constraint a key with %s = %s is %s', async (column, odd, code, status) => {
    await db.rows('ALTER TABLE apikeys.keys DROP CONSTRAINT IF EXISTS keys_times_ok');
    const owner = unique('odd');
    const created = await db.service.create(request({ owner }));
    const old = secretOf(created);
    const { id } = created.key;
    const apiKey = secretOf(await db.service.rotate({ key: id, actor: 'bob' }));
    await db.rows(`UPDATE apikeys.keys SET ${column} = '${odd}'${beside(column)} WHERE id = '${id}'`);
    const verifier = verifierOn(db.engine);
    const many = await Promise.all([apiKey, old, apiKey, old, apiKey].map((raw) => verifier.verify(raw)));
    const explained = await Promise.all([apiKey, old].map((raw) => verifier.explain(raw)));
    expect(new Set([...many, ...explained].map((one) => one.code))).toEqual(new Set([code]));
    expect((await db.service.get(id)).status).toBe(status);
    expect((await db.service.show(id)).key.status).toBe(status);
    const { keys } = await db.service.list({ owner });
    expect(keys.map((key) => key.status)).toEqual([status]);
    for (const one of ['active', 'expired', 'frozen', 'revoked'] as const) {
      expect(await db.service.count({ owner, status: one })).toBe(one === status ? 1 : 0);
    }
    const counts = status === 'active' || status === 'frozen';
    const one = db.serviceWith({ maxKeysPerOwner: 1 });
    const more = one.create(request({ owner })).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    expect(await more).toBe(counts ? 'LIMIT_REACHED' : 'done');
  });

  test.each([
    ['infinity', 'VALID'],
    ['-infinity', 'RETIRED'],
    ['0044-03-15 00:00:00+00 BC', 'RETIRED'],
  ])('without the constraint an older secret until %s is %s', async (odd, code) => {
    await db.rows('ALTER TABLE apikeys.secrets DROP CONSTRAINT IF EXISTS secrets_times_ok');
    const created = await db.service.create(request());
    const { id } = created.key;
    await db.service.rotate({ key: id, actor: 'bob' });
    await db.rows(`UPDATE apikeys.secrets SET valid_until = '${odd}' WHERE key_id = '${id}' AND version = 1`);
    const verifier = verifierOn(db.engine);
    const raw = secretOf(created);
    expect([(await verifier.verify(raw)).code, (await verifier.explain(raw)).code]).toEqual([code, code]);
    expect((await db.service.show(id)).secrets.map(({ retired }) => retired)).toEqual([
      false,
      code === 'RETIRED',
    ]);
  });

  test('a key that ends with the year 9999 is listed, shown and rotated, and ends there again', async () => {
    const { key } = await db.service.create(request({ expires: '9999-12-31T23:59:59.999Z' }));
    const end = new Date('9999-12-31T23:59:59.999Z');
    expect((await db.service.get(key.id)).expiresAt).toEqual(end);
    const rotated = await db.service.rotate({ key: key.id, actor: 'bob' });
    expect(rotated.key.expiresAt).toEqual(end);
    expect(
      (await db.service.list({ owner: key.ownerId, sort: 'expires' })).keys.map(({ expiresAt }) => expiresAt),
    ).toEqual([end]);
  });
});
