import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeTime } from '../../../src/cli/output/time.js';
import { isoTime } from '../../../src/representation/time.js';
import { fromNow, NOW } from './sample.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('relativeTime', () => {
  it.each([
    [0, 'just now'],
    [-29 * SECOND, 'just now'],
    [-30 * SECOND, '30 seconds ago'],
    [1, 'in 1 second'],
    [20 * SECOND, 'in 20 seconds'],
    [-59.4 * SECOND, '59 seconds ago'],
    [-59.5 * SECOND, '1 minute ago'],
    [-90 * SECOND, '2 minutes ago'],
    [59 * MINUTE, 'in 59 minutes'],
    [HOUR - 1, 'in 1 hour'],
    [-3 * HOUR, '3 hours ago'],
    [DAY, 'in 24 hours'],
    [2 * DAY - HOUR, 'in 47 hours'],
    [2 * DAY - 1, 'in 2 days'],
    [90 * DAY - 5, 'in 90 days'],
    [-400 * DAY, '400 days ago'],
    [3 * 365 * DAY, 'in 3 years'],
  ])('%i ms: %s', (ms, text) => {
    expect(relativeTime(fromNow(ms), NOW)).toBe(text);
  });

  it('says never where there is no time, and unknown where it is none', () => {
    expect(relativeTime(null, NOW)).toBe('never');
    expect(relativeTime(new Date(Number.NaN), NOW)).toBe('unknown');
  });

  it('always has a form, and never a count of zero', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(relativeTime(date, NOW)).toMatch(
          /^(just now|(in )?[1-9]\d* (second|minute|hour|day|year)s?( ago)?)$/,
        );
      }),
    );
  });
});

it('isoTime is RFC 3339 in UTC with milliseconds', () => {
  expect(isoTime(NOW)).toBe('2026-03-14T09:26:53.589Z');
});
