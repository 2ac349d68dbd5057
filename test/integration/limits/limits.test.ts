import { describe, expect, test } from 'vitest';
import type { LimitOptions } from '../../../src/service/limits-request.js';
import type { VerifyOptions } from '../../../src/service/verify/verify.js';
import { eachEngine } from '../../helpers/engines.js';
import { countingService, counts } from './limited.js';

eachEngine((db) => {
  let owners = 0;
  const setUp = () => {
    const service = countingService(db);
    return { service, me: service.as({ actor: 'test' }) };
  };
  const make = async (limits: LimitOptions, owner = `owner ${++owners}`) => {
    const { service, me } = setUp();
    const { key, apiKey } = await me.create({ name: 'limited', owner, ...limits });
    const raw = apiKey ?? '';
    const ask = async (options?: VerifyOptions) => (await service.verify(raw, options)).code;
    const together = (callers: number, options?: VerifyOptions) =>
      Promise.all(Array.from({ length: callers }, () => ask(options)));
    const used = async () =>
      Object.fromEntries(
        (await service.limits({ key: key.id })).uses.map(({ limit, used }) => [limit, used]),
      );
    return { service, me, key, raw, owner, ask, together, used };
  };

  test.each([
    ['rate', { rate: '10/1d' }, 'RATE_LIMITED'],
    ['quota', { quota: '10/total' }, 'QUOTA_EXCEEDED'],
    ['budget', { budget: '10/total' }, 'BUDGET_EXCEEDED'],
  ] as const)('of 30 callers at once with a %s of 10, ten are granted', async (_, limits, code) => {
    const { together, used } = await make(limits);
    expect(counts(await together(30, { spendCents: 1 }))).toEqual({ VALID: 10, [code]: 20 });
    expect(Object.values(await used())).toEqual([10]);
  });

  test('a budget of 100 by 7 is 14', async () => {
    const { together, used } = await make({ budget: '100/month' });
    expect(counts(await together(40, { spendCents: 7 }))).toEqual({ VALID: 14, BUDGET_EXCEEDED: 26 });
    expect(await used()).toEqual({ budget: 98 });
    // What costs less still fits.
    expect(await together(3, { spendCents: 1 })).toEqual(['VALID', 'VALID', 'BUDGET_EXCEEDED']);
  });

  test('a refusal uses up nothing, of the key and of its owner', async () => {
    const { me, together, used, service, owner } = await make({
      rate: '3/1d',
      quota: '100/day',
      budget: '100/day',
    });
    await me.updateLimits({ owner, quota: '50/day' });
    expect(counts(await together(9, { spendCents: 2 }))).toEqual({ VALID: 3, RATE_LIMITED: 6 });
    expect(await used()).toEqual({ rate: 3, quota: 3, budget: 6 });
    expect((await service.limits({ owner })).uses.map(({ used }) => used)).toEqual([3]);
  });

  test("an owner's limits hold for all its keys together, beside their own", async () => {
    const first = await make({ quota: '4/day' });
    const second = await make({}, first.owner);
    await first.me.updateLimits({ owner: first.owner, quota: '6/day' });
    const third = await make({}, first.owner);
    const codes = [...(await first.together(5)), ...(await second.together(5)), ...(await third.together(5))];
    expect(counts(codes)).toEqual({ VALID: 6, QUOTA_EXCEEDED: 9 });
    expect(await first.used()).toEqual({ quota: 4 });
    await first.me.updateLimits({ owner: first.owner, none: ['quota'] });
    expect(counts(await third.together(5))).toEqual({ VALID: 5 });
    expect(await first.ask()).toBe('QUOTA_EXCEEDED');
  });

  test('the checks decide in their order', async () => {
    const { ask, me, key } = await make({
      rate: '1/1d',
      quota: '1/day',
      budget: '1/day',
      allowIps: ['10.0.0.0/8'],
    });
    const ip = '10.1.1.1';
    expect(await ask({ ip: '192.0.2.1', scopes: ['x'] })).toBe('INSUFFICIENT_SCOPE');
    expect(await ask({ ip: '192.0.2.1' })).toBe('IP_NOT_ALLOWED');
    expect(await ask()).toBe('IP_NOT_ALLOWED');
    expect(await ask({ ip, spendCents: 2 })).toBe('BUDGET_EXCEEDED');
    expect(await ask({ ip, spendCents: 1 })).toBe('VALID');
    expect(await ask({ ip: '192.0.2.1' })).toBe('IP_NOT_ALLOWED');
    expect(await ask({ ip, spendCents: 1 })).toBe('RATE_LIMITED');
    await me.updateLimits({ key: key.id, none: ['rate'] });
    expect(await ask({ ip })).toBe('QUOTA_EXCEEDED');
    await me.updateLimits({ key: key.id, none: ['quota'] });
    // A budget that is used up refuses also what costs nothing yet.
    expect(await ask({ ip })).toBe('BUDGET_EXCEEDED');
    await me.revoke({ keys: [key.id] });
    expect(await ask({ ip })).toBe('REVOKED');
  });

  test.each([
    ['10.0.0.0/8', '::ffff:10.9.9.9', 'VALID'],
    ['::ffff:10.0.0.0/104', '10.9.9.9', 'VALID'],
    ['10.0.0.0/8', '11.0.0.0', 'IP_NOT_ALLOWED'],
    ['2001:db8::/32', '2001:db8:ffff::1', 'VALID'],
    ['2001:db8::/32', '2001:db9::1', 'IP_NOT_ALLOWED'],
    ['0.0.0.0/0', '::1', 'IP_NOT_ALLOWED'],
    ['192.0.2.1,2001:db8::1', '2001:db8::1', 'VALID'],
  ])('of %s, %s is %s', async (range, ip, code) => {
    const { ask } = await make({ allowIps: [range] });
    expect(await ask({ ip })).toBe(code);
    await expect(ask({ ip: 'somewhere' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('to ask without counting takes nothing', async () => {
    const { ask, used, service, raw } = await make({ quota: '1/day' });
    expect(await ask({ count: false })).toBe('VALID');
    const explained = await service.explain(raw);
    expect(explained).toMatchObject({ valid: true, limits: [{ limit: 'quota', used: 0, remaining: 1 }] });
    expect(await used()).toEqual({ quota: 0 });
    expect(await ask()).toBe('VALID');
    expect(await ask({ count: false })).toBe('QUOTA_EXCEEDED');
    const why = await service.explain(raw);
    expect(why.code).toBe('QUOTA_EXCEEDED');
    expect(why.checks.filter(({ passed }) => passed === false).map(({ check }) => check)).toEqual(['quota']);
  });

  test('each caller is told what remains after it', async () => {
    const { service, raw } = await make({ rate: '3/1h' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => service.verify(raw)));
    expect(answers.map(({ code, limits }) => [code, limits[0]?.remaining])).toEqual([
      ['VALID', 2],
      ['VALID', 1],
      ['VALID', 0],
      ['RATE_LIMITED', 0],
    ]);
    expect(answers[3]?.retryAfterMs).toBeGreaterThan(3_590_000);
    expect(answers[3]?.retryAfterMs).toBeLessThanOrEqual(3_600_000);
  });

  test('a rotation resets nothing, and an old secret counts towards the same limits', async () => {
    const { service, me, key, together, ask } = await make({ quota: '5/day' });
    await together(3);
    const { apiKey } = await me.rotate({ key: key.id, grace: '1h' });
    expect((await service.verify(apiKey ?? '')).code).toBe('VALID');
    expect(await ask()).toBe('VALID');
    expect((await service.verify(apiKey ?? '')).code).toBe('QUOTA_EXCEEDED');
  });

  test('a change keeps what was counted, unless it is counted by another period', async () => {
    const { me, key, together, used } = await make({ quota: '3/day', budget: '9/day' });
    await together(3, { spendCents: 2 });
    await me.updateLimits({ key: key.id, quota: '5/day', budget: '9/week' });
    expect(await used()).toEqual({ quota: 3, budget: 0 });
    expect(counts(await together(5))).toEqual({ VALID: 2, QUOTA_EXCEEDED: 3 });
    expect(await me.updateLimits({ key: key.id, quota: '5/day' })).toMatchObject({ changed: 0 });
  });

  test('a rate begins with its first request, and a window that is over is forgotten', async () => {
    const { key, together } = await make({ rate: '2/1h' });
    expect(counts(await together(3))).toEqual({ VALID: 2, RATE_LIMITED: 1 });
    const shift = (by: string) =>
      db.rows(
        `UPDATE apikeys.limits SET rate_from = rate_from - interval '${by}' WHERE key_id = '${key.id}'`,
      );
    await shift('59 minutes');
    expect(counts(await together(3))).toEqual({ RATE_LIMITED: 3 });
    await shift('1 minute');
    expect(counts(await together(3))).toEqual({ VALID: 2, RATE_LIMITED: 1 });
  });

  test('a clock that stepped back grants nothing twice', async () => {
    const { me, key, together, ask } = await make({ rate: '2/1h', quota: '3/day' });
    await together(2);
    await db.rows(
      `UPDATE apikeys.limits SET rate_from = rate_from + interval '2 days', quota_from = quota_from + interval '2 days' WHERE key_id = '${key.id}'`,
    );
    expect(await ask()).toBe('RATE_LIMITED');
    await me.updateLimits({ key: key.id, rate: '100/1h' });
    expect(counts(await together(3))).toEqual({ VALID: 1, QUOTA_EXCEEDED: 2 });
  });

  describe('spend', () => {
    test('that is recorded later counts, and what was reserved does not count again', async () => {
      const { service, key, ask, used } = await make({ budget: '100/month' });
      expect(await ask({ spendCents: 40 })).toBe('VALID');
      await service.flush();
      expect(await used()).toEqual({ budget: 40 });
      service.recordUsage(key.id, { spendCents: 70 });
      await service.flush();
      expect(await used()).toEqual({ budget: 110 });
      expect(await ask()).toBe('BUDGET_EXCEEDED');
      const usage = await service.getUsage({ key: key.id });
      expect(usage).toMatchObject({
        spendCents: 110,
        limits: [{ limit: 'budget', used: 110, remaining: 0 }],
      });
    });

    test('of a period that is over does not count', async () => {
      const { me, key, used } = await make({ budget: '100/day' });
      await me.storeUsage(key.id, { spendCents: 5, at: new Date(Date.now() - 3 * 86_400_000) });
      await me.storeUsage(key.id, { spendCents: 7 });
      expect(await used()).toEqual({ budget: 7 });
    });

    test("counts against the owner's budget, of each of its keys", async () => {
      const first = await make({});
      const second = await make({}, first.owner);
      await first.me.updateLimits({ owner: first.owner, budget: '10/total' });
      await first.me.storeUsage(first.key.id, { spendCents: 4 });
      await first.me.storeUsage(second.key.id, { spendCents: 6 });
      expect([await first.ask(), await second.ask()]).toEqual(['BUDGET_EXCEEDED', 'BUDGET_EXCEEDED']);
    });
  });

  test('the trail has limits before and after, and the rows are what it says', async () => {
    const { service, me, key, owner } = await make({ rate: '10/1m' });
    await me.updateLimits({ key: key.id, quota: '5/day', none: ['rate'], allowIps: ['10.0.0.0/8'] });
    await me.updateLimits({ owner, budget: '5/day' });
    const { events } = await service.events({ owner, limit: 10 });
    const told = events
      .filter(({ action }) => action.endsWith('limits_changed'))
      .map(({ details }) => JSON.parse(details));
    const none = { rate: null, quota: null, budget: null, allowed_ips: [] };
    expect(told).toEqual([
      { limits: { before: null, after: { ...none, budget: { cents: 5, period: 'day' } } } },
      {
        limits: {
          before: { ...none, rate: { requests: 10, window_ms: 60_000 } },
          after: { ...none, quota: { requests: 5, period: 'day' }, allowed_ips: ['10.0.0.0/8'] },
        },
      },
    ]);
    expect((await service.verifyAudit()).valid).toBe(true);
    await db.rows(`UPDATE apikeys.limits SET quota_requests = 500 WHERE key_id = '${key.id}'`);
    expect((await service.verifyAudit()).broken).toMatchObject([{ keyId: key.id }]);
    await db.rows(`UPDATE apikeys.limits SET quota_requests = 5 WHERE key_id = '${key.id}'`);
    // A look-up that is not told of limits would let everything through.
    await db.rows(`UPDATE apikeys.keys SET limited = false WHERE id = '${key.id}'`);
    expect((await service.verifyAudit()).valid).toBe(false);
    await db.rows(`UPDATE apikeys.keys SET limited = true WHERE id = '${key.id}'`);
    await me.updateLimits({ key: key.id, none: ['quota', 'ip'] });
    await me.updateLimits({ owner, none: ['budget'] });
    expect((await service.verifyAudit()).valid).toBe(true);
    const [row] = await db.rows(`SELECT limited FROM apikeys.keys WHERE id = '${key.id}'`);
    expect(row).toEqual({ limited: false });
  });

  test('cleanup deletes the limits of a key with it', async () => {
    const { me, key, service } = await make({ quota: '5/day' });
    await me.revoke({ keys: [key.id] });
    await db.rows(
      `UPDATE apikeys.keys SET revoked_at = revoked_at - interval '90 days' WHERE id = '${key.id}'`,
    );
    await me.cleanup({});
    expect(await db.rows(`SELECT 1 FROM apikeys.limits WHERE key_id = '${key.id}'`)).toEqual([]);
    await expect(service.limits({ key: key.id })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  test('a revoked key, an unknown owner and a bad limit are refused', async () => {
    const { me, key } = await make({});
    await expect(me.updateLimits({ key: key.id, rate: '0/1m' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(me.updateLimits({ owner: 'nobody at all', rate: '1/1m' })).rejects.toMatchObject({
      code: 'OWNER_NOT_FOUND',
    });
    await me.revoke({ keys: [key.id] });
    await expect(me.updateLimits({ key: key.id, rate: '1/1m' })).rejects.toMatchObject({
      code: 'KEY_REVOKED',
    });
  });
});
