import { afterEach, describe, expect, test, vi } from 'vitest';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { fingerprint, request } from './stored.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

eachEngine((db) => {
  const lifetime = async (expires?: string, service = db.service): Promise<number | null> => {
    const { key } = await service.create(request({ expires }));
    return key.expiresAt === null ? null : key.expiresAt.getTime() - key.createdAt.getTime();
  };

  test('a key lives 90 days unless told otherwise', async () => {
    expect(await lifetime()).toBe(90 * DAY);
  });

  test('the configured lifetime takes the place of 90 days', async () => {
    const hour = db.serviceWith({ defaultExpiry: { kind: 'in', ms: HOUR } });
    const forever = db.serviceWith({ defaultExpiry: { kind: 'never' } });
    expect([await lifetime(undefined, hour), await lifetime(undefined, forever)]).toEqual([HOUR, null]);
  });

  test.each([
    ['30m', 30 * 60_000],
    ['24h', DAY],
    ['2w', 14 * DAY],
    ['never', null],
  ])('--expires %s is counted from the creation', async (expires, expected) => {
    expect(await lifetime(expires)).toBe(expected);
  });

  test('an RFC 3339 time is the end itself, in any zone', async () => {
    const { key } = await db.service.create(request({ expires: '2098-12-31T23:30:00.1239-05:30' }));
    expect(key.expiresAt).toEqual(new Date('2099-01-01T05:00:00.123Z'));
  });

  test('a time that has passed is refused and nothing is stored', async () => {
    const before = await fingerprint(db.rows);
    await expect(db.service.create(request({ expires: '2020-01-01T00:00:00Z' }))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });
});

// The embedded engine has the clock of its process, so only a server's can differ from it.
onServer((db) => {
  describe('while the clock of this host is wrong', () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    const shiftClock = (milliseconds: number): { databaseNow: number } => {
      const databaseNow = Date.now();
      vi.useFakeTimers({ now: databaseNow + milliseconds, toFake: ['Date'] });
      return { databaseNow };
    };

    test('a day fast, a key may still end within that day', async () => {
      const { databaseNow } = shiftClock(DAY);
      const expires = new Date(databaseNow + HOUR).toISOString();
      const { key } = await db.service.create(request({ expires }));
      expect(key).toMatchObject({ status: 'active', expiresAt: new Date(expires) });
      expect(Math.abs(key.createdAt.getTime() - databaseNow)).toBeLessThan(HOUR / 2);
    });

    test('a day slow, an hour ago is still the past', async () => {
      const { databaseNow } = shiftClock(-DAY);
      const expires = new Date(databaseNow - HOUR).toISOString();
      await expect(db.service.create(request({ expires }))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });

    test('a lifetime is counted from the database’s present', async () => {
      const { databaseNow } = shiftClock(10 * DAY);
      const { key } = await db.service.create(request({ expires: '1h' }));
      expect(key.expiresAt?.getTime()).toBeLessThan(databaseNow + 2 * HOUR);
    });
  });
});
