import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import {
  formatDuration,
  parseDuration,
  parseEnd,
  parseExpiry,
  parseLifetime,
  parseMoment,
  parseTimeExpression,
} from '../../../src/domain/duration.js';
import { accepts, refused, timeOf } from './refused.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9TZmhdw:.+-]{0,45}$/));

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['0m', 0],
    ['1m', MINUTE],
    ['30m', 30 * MINUTE],
    ['24h', DAY],
    ['7d', 7 * DAY],
    ['2w', 14 * DAY],
    ['36525d', 36_525 * DAY],
    ['1y', 365 * DAY],
    ['100y', 36_500 * DAY],
    [`${'0'.repeat(38)}7d`, 7 * DAY],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    '',
    ' ',
    '1',
    '00',
    '-1d',
    '+1d',
    '1.5h',
    '1e3m',
    'd',
    '1mo',
    '1M',
    '101y',
    '1Y',
    '1yr',
    '1s',
    '7D',
    '1d12h',
    ' 7d',
    '7d\n',
    '7 d',
    '٧d',
    'never',
    `${'0'.repeat(39)}7d`,
    '36526d',
    `${'9'.repeat(39)}m`,
  ])('refuses %j', (text) => {
    const error = refused(() => parseDuration(text));
    const { message } = error;
    const hint = hintOf(error);
    expect(hint).toMatch(/30m/);
    expect(message).toMatch(/is not a duration$|longer than 100 years$/);
  });
});

describe('formatDuration', () => {
  test.each([
    ['24h', '1d'],
    ['7d', '1w'],
    ['90d', '90d'],
    ['60m', '1h'],
    ['90m', '90m'],
    ['365d', '1y'],
    ['52w', '52w'],
    ['0w', '0'],
  ])('%s comes back as %s', (text, shown) => {
    expect(formatDuration(parseDuration(text))).toBe(shown);
  });

  test('any duration is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 36_525 * 24 * 60 }), (minutes) => {
        expect(parseDuration(formatDuration(minutes * MINUTE))).toBe(minutes * MINUTE);
      }),
    );
  });

  test.each([1, 59_999, -MINUTE, Number.NaN])('refuses %d', (ms) => {
    expect(() => formatDuration(ms)).toThrow(new RangeError('a duration is a whole number of minutes'));
  });
});

describe('parseExpiry', () => {
  test('the three kinds', () => {
    for (const never of ['never', '0', '0d', '00m']) expect(parseExpiry(never)).toEqual({ kind: 'never' });
    expect(parseEnd('0')).toEqual({ kind: 'in', ms: 0 });
    expect(parseExpiry('30d')).toEqual({ kind: 'in', ms: 30 * DAY });
    expect(parseExpiry('2030-01-31T12:00:00Z')).toEqual({
      kind: 'at',
      at: new Date('2030-01-31T12:00:00.000Z'),
    });
  });

  test.each([
    ['2030-01-31t12:00:00.1z', '2030-01-31T12:00:00.100Z'],
    ['2030-01-31T12:00:00.9999999Z', '2030-01-31T12:00:00.999Z'],
    ['2030-01-31T12:00:00+02:00', '2030-01-31T10:00:00.000Z'],
    ['2030-01-31T12:00:00-05:30', '2030-01-31T17:30:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['1969-12-31T23:00:00-01:00', '1970-01-01T00:00:00.000Z'],
    ['2030-01-31', '2030-01-31T23:59:59.999Z'],
    ['2028-02-29', '2028-02-29T23:59:59.999Z'],
    ['2000-02-29', '2000-02-29T23:59:59.999Z'],
    ['1970-01-01', '1970-01-01T23:59:59.999Z'],
    ['9999-12-31', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, iso) => {
    expect(parseExpiry(text)).toEqual({ kind: 'at', at: new Date(iso) });
  });

  test.each([
    '2030-02-30T00:00:00Z',
    '2029-02-29T00:00:00Z',
    '2030-04-31T00:00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-00-01T00:00:00Z',
    '2030-01-00T00:00:00Z',
    '2030-01-31T24:00:00Z',
    '2030-01-31T23:60:00Z',
    '2030-01-31T23:59:60Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '0050-01-01T00:00:00Z',
    '2030-01-31T12:00:00',
    '2029-02-29',
    '2100-02-29',
    '2030-02-30',
    '2030-13-01',
    '2030-00-10',
    '2030-01-00',
    '1969-12-31',
    '0050-01-01',
    '2030-01-31Z',
    '2030-01-31T',
    '2030-01',
    '2030-1-31',
    '20300131',
    '12030-01-31',
    '2030-01-31 12:00:00Z',
    '2030-1-31T12:00:00Z',
    '2030-01-31T12:00Z',
    '2030-01-31T12:00:00.Z',
    '2030-01-31T12:00:00+24:00',
    '2030-01-31T12:00:00+02:60',
    '2030-01-31T12:00:00+0200',
    '2030-01-31T12:00:00Z ',
    '+12030-01-31T12:00:00Z',
    '12030-01-31T12:00:00Z',
    `2030-01-31T12:00:00.${'1'.repeat(20)}Z`,
    'Never',
    '',
  ])('refuses %j', (text) => {
    refused(() => parseExpiry(text));
  });

  test('takes 40 characters', () => {
    const text = `2030-01-31T12:00:00.${'1'.repeat(19)}Z`;
    expect(text).toHaveLength(40);
    expect(parseExpiry(text)).toEqual({ kind: 'at', at: new Date('2030-01-31T12:00:00.111Z') });
  });

  test.each([
    ['2030-01-31 12:00', 'is not a day, nor a time with a zone'],
    ['12030-01-31T12:00:00Z', 'is not a day, nor a time with a zone'],
    ['1969-12-31', 'is not between the years 1970 and 9999'],
    ['9999-12-31T23:59:59-00:01', 'is not between the years 1970 and 9999'],
    ['2030-13-01', 'names a month that does not exist'],
    ['2027-02-29', 'names a day that does not exist'],
    ['2027-02-29T00:00:00Z', 'names a day that does not exist'],
    ['2030-01-00T00:00:00+01:00', 'names a day that does not exist'],
    ['2030-01-31T24:00:00Z', 'names an hour that does not exist'],
    ['2030-01-31T23:60:00Z', 'names a minute that does not exist'],
    ['2030-01-31T23:59:60Z', 'names a second that does not exist'],
    ['tomorrow', 'is neither a duration nor a time'],
  ])('%s: %s', (text, message) => {
    expect(refused(() => parseExpiry(text)).message).toBe(`"${text}" ${message}`);
  });

  test.each(['soon', '2030-01-31 12:00', '2027-02-29', '101y'])(
    '%s: says all that can be written',
    (text) => {
      const hint = hintOf(refused(() => parseExpiry(text)));
      for (const form of ['30m, 24h, 7d, 2w, 1y', 'a UTC day', 'RFC 3339', 'never'])
        expect(hint).toContain(form);
    },
  );

  test('every time that a Date can hold between 1970 and 9999 is read back', () => {
    const max = new Date('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max, noInvalidDate: true }), (at) => {
        expect(parseTimeExpression(at.toISOString())).toEqual({ kind: 'at', at });
      }),
    );
  });
});

test('parseLifetime takes a duration, and zero and never for none', () => {
  expect(parseLifetime('90d')).toEqual({ kind: 'in', ms: 90 * DAY });
  expect(parseLifetime('never')).toEqual({ kind: 'never' });
  expect(parseLifetime('0')).toEqual({ kind: 'never' });
  expect(hintOf(refused(() => parseLifetime('2030-01-31')))).toMatch(/1y\) or never\.$/);
});

test('parseTimeExpression takes a duration of zero, and either end of a day', () => {
  expect(parseTimeExpression('0')).toEqual({ kind: 'duration', ms: 0 });
  expect(parseTimeExpression('2h')).toEqual({ kind: 'duration', ms: 2 * HOUR });
  const at = (iso: string) => ({ kind: 'at', at: new Date(iso) });
  expect(parseTimeExpression('2026-12-31')).toEqual(at('2026-12-31T00:00:00.000Z'));
  expect(parseTimeExpression('2026-12-31', 'last')).toEqual(at('2026-12-31T23:59:59.999Z'));
  expect(parseTimeExpression('2026-12-31', 'after')).toEqual(at('2027-01-01T00:00:00.000Z'));
  expect(parseTimeExpression('9999-12-31', 'after')).toEqual(at('9999-12-31T23:59:59.999Z'));
  expect(hintOf(refused(() => parseTimeExpression('never')))).not.toMatch(/never/);
});

test('parseMoment takes a day or a time alone', () => {
  expect(parseMoment('2026-12-31')).toEqual(new Date('2026-12-31T00:00:00.000Z'));
  for (const text of ['1d', 'never', 'noon']) {
    const error = refused(() => parseMoment(text));
    expect(error.message).toBe(`"${text}" is not a time`);
    expect(hintOf(error)).toMatch(/^Write a UTC day .* or an RFC 3339 time/);
  }
});

/** Around the ends of days, months, years and leap years, and of time itself. */
const days = fc
  .oneof(
    fc.integer({ min: 0, max: Math.floor(Date.UTC(9999, 11, 31) / DAY) }),
    fc
      .record({
        year: fc.oneof(fc.integer({ min: 1970, max: 9999 }), fc.constantFrom(1970, 2000, 2028, 2100, 9999)),
        month: fc.constantFrom(0, 1, 2, 11, 12),
        shift: fc.integer({ min: -2, max: 2 }),
      })
      .map(({ year, month, shift }) => Date.UTC(year, month, 1) / DAY + shift),
  )
  .filter((day) => day >= 0 && day * DAY <= Date.UTC(9999, 11, 31));

test('a day is its first, its last and the next millisecond, on either side of any border', () => {
  fc.assert(
    fc.property(days, (day) => {
      const text = new Date(day * DAY).toISOString().slice(0, 10);
      const [first, last, after] = (['first', 'last', 'after'] as const).map((edge) => {
        const moment = parseTimeExpression(text, edge);
        return moment.kind === 'at' ? moment.at.toISOString() : '';
      });
      expect(first).toBe(`${text}T00:00:00.000Z`);
      expect(last).toBe(`${text}T23:59:59.999Z`);
      if (text === '9999-12-31') expect(after).toBe(last);
      else expect(after).toBe(new Date((day + 1) * DAY).toISOString());
      expect(parseExpiry(text)).toEqual(parseExpiry(`${text}T23:59:59.999Z`));
    }),
  );
});

test('a day exists if the calendar has it, and is refused otherwise', () => {
  const number = (most: number) => fc.integer({ min: 0, max: most });
  fc.assert(
    fc.property(number(9999), number(14), number(33), (year, month, day) => {
      const text = [
        String(year).padStart(4, '0'),
        ...[month, day].map((n) => String(n).padStart(2, '0')),
      ].join('-');
      const lengths = [
        31,
        year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
      ];
      const exists = year >= 1970 && day >= 1 && day <= (lengths[month - 1] ?? 0);
      expect(accepts(() => parseExpiry(text))).toBe(exists);
      expect(accepts(() => parseExpiry(`${text}T12:00:00Z`))).toBe(exists);
    }),
    { numRuns: 1000 },
  );
});

test('arbitrary text is accepted or refused, within bounds, and never repeated at length', () => {
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of [parseDuration, parseExpiry, parseTimeExpression]) {
        if (!accepts(() => parse(text))) expect(refused(() => parse(text)).message.length).toBeLessThan(450);
      }
      if (accepts(() => parseDuration(text))) expect(parseDuration(text)).toBeLessThanOrEqual(36_525 * DAY);
    }),
    { numRuns: 1000 },
  );
});

test.each(['9', '1d', '2030-', '\u202e'])('1 MB of %j takes less than 100 ms', (piece) => {
  const text = piece.repeat(1_048_576 / piece.length);
  expect(timeOf(() => parseExpiry(text))).toBeLessThan(100);
});
