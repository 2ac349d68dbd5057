import type { ErrorReason } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import { quote } from './quote.js';
import { LAST_TIME } from './time.js';

/** When something ends: never, `ms` milliseconds after it begins, or at a given time. */
export type Expiry = { kind: 'never' } | { kind: 'in'; ms: number } | { kind: 'at'; at: Date };

/** A point in time: given, or `ms` milliseconds from now; before or after it is the option's to say. */
export type TimeExpression = { kind: 'duration'; ms: number } | { kind: 'at'; at: Date };

const MINUTE = 60_000;
const UNITS: ReadonlyMap<string, number> = new Map([
  ['w', 7 * 24 * 60 * MINUTE],
  ['d', 24 * 60 * MINUTE],
  ['h', 60 * MINUTE],
  ['m', MINUTE],
]);

/** 100 years: far beyond any use, and any such time after now is one that PostgreSQL and JSON can hold. */
const MAX_DURATION = 36_525 * 24 * 60 * MINUTE;
const MAX_LENGTH = 40;

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;

/**
 * Reads a duration, in milliseconds: a whole number of minutes, hours, days of 24 hours or weeks, or `0`; at most
 * 100 years (36525d) and 40 characters. Throws `INVALID_INPUT` for anything else, months and bare numbers included.
 *
 * @example
 * parseDuration('24h') // 86_400_000
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const [, digits = '', unit = ''] = (text.length <= MAX_LENGTH && /^(\d+)([mhdw])$/.exec(text)) || [];
  const ms = Number(digits) * (UNITS.get(unit) ?? Number.NaN);
  if (Number.isNaN(ms)) throw invalid(`${quote(text)} is not a duration`, 'duration');
  if (ms > MAX_DURATION) throw invalid(`${quote(text)} is longer than 100 years`, 'duration');
  return ms;
}

/**
 * Reads when a key ends: a duration above zero, an RFC 3339 time or `never`. Whether the time is still to come is for the
 * database's clock to say. Throws `INVALID_INPUT`.
 *
 * @example
 * parseExpiry('30d') // { kind: 'in', ms: 2_592_000_000 }
 * parseExpiry('2030-01-31T12:00:00Z') // { kind: 'at', at: 2030-01-31T12:00:00.000Z }
 * parseExpiry('never') // { kind: 'never' }
 */
export function parseExpiry(text: string): Expiry {
  if (text === 'never') return { kind: 'never' };
  const moment = parseTimeExpression(text);
  if (moment.kind === 'at') return moment;
  if (moment.ms > 0) return { kind: 'in', ms: moment.ms };
  throw invalid('an expiry has to be longer than zero', 'expiry_zero');
}

/** Reads the lifetime of keys that name none: a duration, or `never`, which is also `0`. Throws `INVALID_INPUT`. */
export function parseLifetime(text: string): Exclude<Expiry, { kind: 'at' }> {
  const ms = text === 'never' ? 0 : parseDuration(text);
  return ms === 0 ? { kind: 'never' } : { kind: 'in', ms };
}

/** Reads either end of a range of time: a duration or an RFC 3339 time. Throws `INVALID_INPUT`. */
export function parseTimeExpression(text: string): TimeExpression {
  // A duration never has a `-` after its digits, so what was meant is plain from the start.
  return /^\d+-/.test(text)
    ? { kind: 'at', at: parseTime(text) }
    : { kind: 'duration', ms: parseDuration(text) };
}

/**
 * Writes a duration in the largest unit that divides it evenly, so `24h` comes back as `1d`; zero is `0`.
 * `ms` is one that {@link parseDuration} gave: whole minutes. Throws a RangeError otherwise.
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  for (const [unit, length] of UNITS) {
    if (ms > 0 && ms % length === 0) return `${ms / length}${unit}`;
  }
  throw new RangeError('a duration is a whole number of minutes');
}

/** Strict RFC 3339, 1970 to 9999 (UTC); digits beyond the milliseconds are dropped, as in everything stored. */
function parseTime(text: string): Date {
  const match = text.length <= MAX_LENGTH ? TIME.exec(text) : null;
  if (match === null) throw invalid(`${quote(text)} is not a time with a zone`, 'time');
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
  // Date.UTC takes 30 February for 1 March and 24:00 for the next day: what comes back must be what was written.
  const exists = new Date(local).toISOString().startsWith(text.slice(0, 19).toUpperCase());
  if (!exists || ms < 0 || ms > LAST_TIME) {
    throw invalid(`${quote(text)} is not a time between the years 1970 and 9999`, 'time');
  }
  return new Date(ms);
}

function invalid(message: string, reason: ErrorReason): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message, { details: { reason } });
}
