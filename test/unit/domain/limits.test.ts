import { describe, expect, test } from 'vitest';
import { parseAddress, parseRange } from '../../../src/domain/address.js';
import { formatLimits, formatRate, NO_LIMITS } from '../../../src/domain/limits.js';
import { parseBudget, parseQuota, parseRanges, parseRate } from '../../../src/domain/parse-limits.js';
import { limitUses, retryAfter, type Standing } from '../../../src/domain/standing.js';
import { ApiKeysError } from '../../../src/errors.js';

const reasonOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof ApiKeysError ? error.details.reason : String(error);
  }
};

describe('a rate', () => {
  test.each([
    ['100/1m', 100, 60_000],
    ['1/1s', 1, 1_000],
    ['10/s', 10, 1_000],
    ['5/90s', 5, 90_000],
    ['5000/24h', 5_000, 86_400_000],
    ['9007199254740991/1d', Number.MAX_SAFE_INTEGER, 86_400_000],
  ])('%s', (text, requests, windowMs) => {
    expect(parseRate(text)).toEqual({ requests, windowMs });
    expect(parseRate(formatRate({ requests, windowMs }))).toEqual({ requests, windowMs });
  });

  test.each([
    '',
    '100',
    '100/',
    '/1m',
    '100/0s',
    '100/2d',
    '100/1w',
    '-1/1m',
    '1.5/1m',
    '1e3/1m',
    '100/1m ',
    '1/1M',
  ])('%j is none', (text) => expect(reasonOf(() => parseRate(text))).toBe('rate'));

  test('of zero is refused, which some take for no limit', () => {
    expect(reasonOf(() => parseRate('0/1m'))).toBe('limit_zero');
    expect(reasonOf(() => parseQuota('00/day'))).toBe('limit_zero');
    expect(reasonOf(() => parseBudget('0/total'))).toBe('limit_zero');
  });
});

describe('a quota and a budget', () => {
  test.each(['day', 'week', 'month', 'total'] as const)('by %s', (period) => {
    expect(parseQuota(`7/${period}`)).toEqual({ requests: 7, period });
    expect(parseBudget(`7/${period}`)).toEqual({ cents: 7, period });
  });

  test.each(['7/year', '7/1d', '7/days', '7 /day', '9007199254740992/day'])('%j is none', (text) => {
    expect(reasonOf(() => parseQuota(text))).toBe('quota');
    expect(reasonOf(() => parseBudget(text))).toBe('budget');
  });
});

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
  ])('%s is %s', (text, address) => expect(parseAddress(text)).toBe(address));

  test.each([
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4/32',
    '::g',
    '[::1]',
  ])('%j is none', (text) => expect(reasonOf(() => parseAddress(text))).toBe('address'));

  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
  ])('%s is the range %s', (text, range) => expect(parseRange(text)).toBe(range));

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10/8',
    '2001:db8::1/32',
    '::/129',
  ])('%j is no range', (text) => expect(reasonOf(() => parseRange(text))).toBe('address'));

  test('come once each, in one order, and not without end', () => {
    expect(parseRanges(['10.0.0.0/8, 192.0.2.1', '::ffff:10.0.0.0/104'])).toEqual([
      '10.0.0.0/8',
      '192.0.2.1/32',
    ]);
    const many = Array.from({ length: 101 }, (_, n) => `10.0.0.${n}`);
    expect(reasonOf(() => parseRanges(many))).toBe('address');
  });
});

const at = (text: string) => new Date(text);

describe('what is left', () => {
  const standing: Standing = {
    now: at('2026-12-31T23:59:00.000Z'),
    limits: {
      ...NO_LIMITS,
      rate: { requests: 10, windowMs: 90_000 },
      quota: { requests: 5, period: 'week' },
      budget: { cents: 100, period: 'month' },
    },
    counters: {
      rate: { used: 10, from: at('2026-12-31T23:58:30.000Z') },
      quota: { used: 5, from: at('2026-12-28T00:00:00.000Z') },
      budget: { used: 120, from: at('2026-12-01T00:00:00.000Z') },
    },
  };
  const uses = limitUses('key', standing);

  test('is never less than nothing, and begins anew at the end of the window, the ISO week, the month', () => {
    expect(uses.map(({ remaining, resetsAt }) => [remaining, resetsAt?.toISOString()])).toEqual([
      [0, '2027-01-01T00:00:00.000Z'],
      [0, '2027-01-04T00:00:00.000Z'],
      [0, '2027-01-01T00:00:00.000Z'],
    ]);
  });

  test('is there again once all that are in the way have begun anew', () => {
    expect(retryAfter(uses, 0)).toBe(4 * 86_400_000 - 86_340_000);
    expect(retryAfter(uses.slice(0, 1), 0)).toBe(60_000);
    expect(retryAfter(uses.slice(2), 101)).toBe(null);
  });

  test('is written in few words', () => {
    expect(formatLimits({ ...standing.limits, allowedIps: ['10.0.0.0/8'] })).toBe(
      'rate 10/90s, quota 5/week, budget 100/month, from 10.0.0.0/8',
    );
  });
});
