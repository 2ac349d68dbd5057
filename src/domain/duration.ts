import type { ErrorReason, TimeForm } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import { quote } from './quote.js';
import { dayAt, type EdgeOfDay, parseTime } from './time.js';

/** When something ends: never, `ms` milliseconds after it begins, or at a given time. */
export type Expiry = { kind: 'never' } | { kind: 'in'; ms: number } | { kind: 'at'; at: Date };

/** A point in time: given, or `ms` milliseconds from now; before or after it is the option's to say. */
export type TimeExpression = { kind: 'duration'; ms: number } | { kind: 'at'; at: Date };

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const UNITS: ReadonlyMap<string, number> = new Map([
  ['y', 365 * DAY],
  ['w', 7 * DAY],
  ['d', DAY],
  ['h', 60 * MINUTE],
  ['m', MINUTE],
]);

/** 100 years: far beyond any use, and any such time after now is one that PostgreSQL and JSON can hold. */
const MAX_DURATION = 36_525 * DAY;
const MAX_LENGTH = 40;

/** What is asked for where a text is neither. */
const EITHER: readonly TimeForm[] = ['duration', 'day', 'time'];

/**
 * Reads a duration, in milliseconds: a whole number of minutes, hours, days of 24 hours, weeks or years of 365 days, or
 * `0`; at most 100 years (36525d) and 40 characters. Throws `INVALID_INPUT` for anything else, months and bare numbers
 * included.
 *
 * @example
 * parseDuration('24h') // 86_400_000
 */
export const parseDuration = (text: string): number => durationOf(text, ['duration']);

/**
 * Reads when a key ends: a duration, an RFC 3339 time, a UTC day, through the end of which it lives, or `never`, which is
 * also `0`. Whether the time is still to come is for the database's clock to say. Throws `INVALID_INPUT`.
 *
 * @example
 * parseExpiry('30d') // { kind: 'in', ms: 2_592_000_000 }
 * parseExpiry('2030-01-31T12:00:00Z') // { kind: 'at', at: 2030-01-31T12:00:00.000Z }
 * parseExpiry('2030-01-31') // { kind: 'at', at: 2030-01-31T23:59:59.999Z }
 * parseExpiry('never') // { kind: 'never' }
 */
export function parseExpiry(text: string): Expiry {
  const end = parseEnd(text);
  return end.kind === 'in' && end.ms === 0 ? { kind: 'never' } : end;
}

/** Reads the end of what is no lifetime, such as a freeze: as {@link parseExpiry}, but zero is zero. Throws `INVALID_INPUT`. */
export function parseEnd(text: string): Expiry {
  if (text === 'never') return { kind: 'never' };
  const moment = momentOf(text, 'last', [...EITHER, 'never']);
  return moment.kind === 'at' ? moment : { kind: 'in', ms: moment.ms };
}

/** Reads the lifetime of keys that name none: a duration, or `never`, which is also `0`. Throws `INVALID_INPUT`. */
export function parseLifetime(text: string): Exclude<Expiry, { kind: 'at' }> {
  const ms = text === 'never' ? 0 : durationOf(text, ['duration', 'never']);
  return ms === 0 ? { kind: 'never' } : { kind: 'in', ms };
}

/**
 * Reads either end of a range of time: a duration, an RFC 3339 time, or a UTC day, of which `edge` is meant. Throws
 * `INVALID_INPUT`.
 */
export const parseTimeExpression = (text: string, edge: EdgeOfDay = 'first'): TimeExpression =>
  momentOf(text, edge, EITHER);

/** Reads when something was: an RFC 3339 time, or a UTC day, from its start on. Throws `INVALID_INPUT`. */
export function parseMoment(text: string): Date {
  const forms: readonly TimeForm[] = ['day', 'time'];
  const moment = momentOf(text, 'first', forms);
  if (moment.kind === 'at') return moment.at;
  throw invalid(`${quote(text)} is not a time`, 'time', forms);
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

function momentOf(text: string, edge: EdgeOfDay, forms: readonly TimeForm[]): TimeExpression {
  // A duration never has a `-` after its digits, so what was meant is plain from the start.
  if (!/^\d+-/.test(text)) return { kind: 'duration', ms: durationOf(text, forms) };
  const found = text.length > MAX_LENGTH ? undefined : (dayAt(text, edge) ?? parseTime(text));
  if (found instanceof Date) return { kind: 'at', at: found };
  throw invalid(`${quote(text)} ${found ?? 'is not a day, nor a time with a zone'}`, 'time', forms);
}

function durationOf(text: string, forms: readonly TimeForm[]): number {
  if (text === '0') return 0;
  const [, digits = '', unit = ''] = (text.length <= MAX_LENGTH && /^(\d+)([mhdwy])$/.exec(text)) || [];
  const ms = Number(digits) * (UNITS.get(unit) ?? Number.NaN);
  if (Number.isNaN(ms)) {
    throw invalid(`${quote(text)} is ${whatItIsNot(forms)}`, 'duration', forms);
  }
  if (ms > MAX_DURATION) throw invalid(`${quote(text)} is longer than 100 years`, 'duration', forms);
  return ms;
}

function whatItIsNot(forms: readonly TimeForm[]): string {
  if (!forms.includes('time')) return 'not a duration';
  return forms.includes('duration') ? 'neither a duration nor a time' : 'not a time';
}

function invalid(message: string, reason: ErrorReason, forms: readonly TimeForm[]): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message, { details: { reason, forms } });
}
