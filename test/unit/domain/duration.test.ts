import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import {
  formatDuration,
  parseDuration,
  parseExpiry,
  parseLifetime,
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
    '1y',
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
    expect(parseExpiry('never')).toEqual({ kind: 'never' });
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
    '2030-01-31',
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
    '0',
    '0d',
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
    ['0', 'an expiry has to be longer than zero'],
    ['2030-01-31', '"2030-01-31" is not a time with a zone'],
    ['12030-01-31T12:00:00Z', '"12030-01-31T12:00:00Z" is not a time with a zone'],
    ['2030-02-30T00:00:00Z', '"2030-02-30T00:00:00Z" is not a time between the years 1970 and 9999'],
    ['on 2030-01-31', '"on 2030-01-31" is not a duration'],
  ])('%s: %s', (text, message) => {
    expect(refused(() => parseExpiry(text)).message).toBe(message);
  });

  test('says what to write', () => {
    expect(hintOf(refused(() => parseExpiry('0')))).toMatch(/never/);
    expect(hintOf(refused(() => parseExpiry('2030-01-31')))).toMatch(/RFC 3339/);
    expect(hintOf(refused(() => parseExpiry('soon')))).toMatch(/30m/);
  });

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
  refused(() => parseLifetime('2030-01-31T12:00:00Z'));
});

test('parseMoment takes a duration of zero', () => {
  expect(parseTimeExpression('0')).toEqual({ kind: 'duration', ms: 0 });
  expect(parseTimeExpression('2h')).toEqual({ kind: 'duration', ms: 2 * HOUR });
  refused(() => parseTimeExpression('never'));
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
