/** The first and the last time that RFC 3339 can say, in milliseconds: the years 0001 to 9999 (UTC). */
export const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
export const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** This time, or the nearest that RFC 3339 can say. */
export const timeWithin = (ms: number): Date => new Date(Math.min(Math.max(ms, FIRST_TIME), LAST_TIME));

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;

/**
 * Which moment of a UTC day is meant: its first or its last millisecond, or the first after it, for a range that ends
 * before what it names.
 */
export type EdgeOfDay = 'first' | 'last' | 'after';

/** `2026-12-31`: a moment of that UTC day; what is wrong with it; undefined for another form. */
export function dayAt(text: string, edge: EdgeOfDay): Date | string | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === '') return undefined;
  const start = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const wrong = absent(start, text) ?? outside(start);
  if (wrong !== undefined) return wrong;
  return timeWithin(edge === 'first' ? start : start + DAY - (edge === 'last' ? 1 : 0));
}

/**
 * Strict RFC 3339, 1970 to 9999 (UTC); digits beyond the milliseconds are dropped, as in everything stored. Gives what is
 * wrong with it, or undefined for another form.
 */
export function parseTime(text: string): Date | string | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match.slice(7);
  const local = Date.UTC(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number(fraction.padEnd(3, '0').slice(0, 3)),
  );
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * MINUTE;
  const ms = sign === '-' ? local + offset : local - offset;
  return absentClock(hour, minute, second) ?? absent(local, text.slice(0, 10)) ?? outside(ms) ?? new Date(ms);
}

/** Date.UTC takes 30 February for 1 March: what comes back must be what was written. Years below 100 it takes for 19xx. */
function absent(ms: number, day: string): string | undefined {
  const [year = '', month = ''] = day.split('-');
  if (Number(year) < 100) return outside(FIRST_TIME);
  if (Number(month) < 1 || Number(month) > 12) return 'names a month that does not exist';
  return new Date(ms).toISOString().startsWith(day) ? undefined : 'names a day that does not exist';
}

/** A leap second, 23:59:60, is none that a computer's clock counts. */
function absentClock(hour: number, minute: number, second: number): string | undefined {
  if (hour > 23) return 'names an hour that does not exist';
  if (minute > 59) return 'names a minute that does not exist';
  return second > 59 ? 'names a second that does not exist' : undefined;
}

const outside = (ms: number): string | undefined =>
  ms < 0 || ms > LAST_TIME ? 'is not between the years 1970 and 9999' : undefined;
