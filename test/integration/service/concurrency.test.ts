import { expect, test } from 'vitest';
import { onServer } from '../../helpers/engines.js';
import { request, unique } from './stored.js';

/** What a promise came to: `done`, or the code of its error. */
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );

const tally = (outcomes: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
};

onServer((db) => {
  test('64 creates at once for one owner make exactly 10 keys', async () => {
    const owner = unique('owner');
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, () => outcome(db.service.create(request({ owner })))),
    );
    expect(tally(outcomes)).toEqual({ done: 10, LIMIT_REACHED: 54 });
    expect(await db.service.count({ owner })).toBe(10);
  });

  test('of many first keys made at once, one is the first', async () => {
    const owner = unique('owner');
    const tenant = unique('tenant');
    const made = await Promise.all(
      Array.from({ length: 8 }, () => db.service.create(request({ owner, tenant }))),
    );
    expect(made.filter(({ firstKey }) => firstKey)).toHaveLength(1);
    expect(
      await db.rows(
        `SELECT count(*) AS events FROM apikeys.audit_events WHERE owner_id = '${owner}' AND key_id IS NULL`,
      ),
    ).toEqual([{ events: 1 }]);
  });

  test('creates and revokes at once never leave more than 10 live keys', async () => {
    const owner = unique('owner');
    const first = await Promise.all(Array.from({ length: 10 }, () => db.service.create(request({ owner }))));
    const revokes = first.map(({ key }) => db.service.revoke({ keys: [key.id], actor: 'bob' }));
    const creates = Array.from({ length: 40 }, () => db.service.create(request({ owner })));
    const outcomes = await Promise.all([...revokes, ...creates].map(outcome));
    expect(Object.keys(tally(outcomes)).sort()).toEqual(['LIMIT_REACHED', 'done']);
    expect(await db.service.count({ owner, status: 'active' })).toBeLessThanOrEqual(10);
    expect(await db.service.count({ owner, status: 'revoked' })).toBe(10);
  });

  test('of many revokes of one key at once, one changes it', async () => {
    const { key } = await db.service.create(request());
    const done = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        db.service.revoke({ keys: [key.id], reason: `by ${index}`, actor: 'bob' }),
      ),
    );
    expect(done.reduce((sum, { changed }) => sum + changed, 0)).toBe(1);
    const [winner] = done.filter(({ changed }) => changed === 1);
    expect((await db.service.get(key.id)).revokedReason).toBe(winner?.keys[0]?.revokedReason);
    expect((await db.service.show(key.id)).events).toHaveLength(2);
  });

  test('revokes of overlapping keys named in opposite order never end in a deadlock', async () => {
    for (let round = 0; round < 10; round++) {
      const made = await Promise.all(Array.from({ length: 6 }, () => db.service.create(request())));
      const ids = made.map(({ key }) => key.id);
      const done = await Promise.all([
        db.service.revoke({ keys: ids, actor: 'bob' }),
        db.service.revoke({ keys: ids.toReversed(), actor: 'carol' }),
        db.service.revoke({ keys: ids.slice(0, 4).toReversed(), actor: 'dave' }),
        db.service.revoke({ keys: ids.slice(2), actor: 'erin' }),
      ]);
      expect(done.reduce((sum, { changed }) => sum + changed, 0)).toBe(6);
    }
    const [{ deadlocks } = { deadlocks: -1 }] = await db.rows(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(deadlocks).toBe(0);
  });

  test('a pool that is used up serves its callers one after the other', async () => {
    const owner = unique('owner');
    const none = db.serviceWith({ maxKeysPerOwner: 0 });
    await Promise.all(Array.from({ length: 100 }, () => none.create(request({ owner }))));
    expect(await none.count({ owner })).toBe(100);
  });
});
