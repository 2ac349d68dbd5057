import { counted } from '../../domain/counted.js';
import { isoTime } from '../../representation/time.js';

/** What `--time` takes. */
export const TIME_STYLES = ['relative', 'absolute'] as const;

export type TimeStyle = (typeof TIME_STYLES)[number];

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** The unit that says it, by the distance up to which it is used: `24 hours` and `90 days`, as durations are written. */
const UNITS: readonly { readonly below: number; readonly ms: number; readonly word: string }[] = [
  { below: MINUTE - SECOND / 2, ms: SECOND, word: 'second' },
  { below: HOUR - MINUTE / 2, ms: MINUTE, word: 'minute' },
  { below: 2 * DAY - HOUR / 2, ms: HOUR, word: 'hour' },
  { below: 2 * YEAR, ms: DAY, word: 'day' },
  { below: Number.POSITIVE_INFINITY, ms: YEAR, word: 'year' },
];

const JUST_NOW = 30 * SECOND;

/**
 * A time as seen from `now`, for people; null is `never`.
 *
 * @example
 * ```ts
 * relativeTime(new Date('2026-04-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z')); // 'in 90 days'
 * ```
 */
export function relativeTime(date: Date | null, now: Date): string {
  if (date === null) return 'never';
  const distance = date.getTime() - now.getTime();
  const size = Math.abs(distance);
  const unit = UNITS.find(({ below }) => size < below);
  if (unit === undefined) return 'unknown';
  if (distance <= 0 && size < JUST_NOW) return 'just now';
  const count = Math.max(1, Math.round(size / unit.ms));
  const amount = counted(count, unit.word);
  return distance > 0 ? `in ${amount}` : `${amount} ago`;
}

/** A time for people: `2026-01-02 03:04:05 UTC`. */
export function utcTime(date: Date): string {
  return `${isoTime(date).slice(0, 19).replace('T', ' ')} UTC`;
}
