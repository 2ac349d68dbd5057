import type { ErrorReason } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import { parseRange } from './address.js';
import {
  type Budget,
  LIMIT_PERIODS,
  type LimitPeriod,
  type Quota,
  type Rate,
  WINDOW_UNITS,
} from './limits.js';
import { quote } from './quote.js';

const MIN_WINDOW = 1_000;
const MAX_WINDOW = 86_400_000;
const MAX_LENGTH = 40;
const MAX_RANGES = 100;

/**
 * Reads a rate: a whole number of requests above zero, and a window of 1 second to 1 day. Throws `INVALID_INPUT`.
 *
 * @example
 * parseRate('100/1m') // { requests: 100, windowMs: 60_000 }
 */
export function parseRate(text: string): Rate {
  const { amount, per } = split(text, 'rate');
  const [, digits = '', unit = ''] = /^(\d*)([smhd])$/.exec(per) ?? [];
  const windowMs = Number(digits || 1) * (WINDOW_UNITS.get(unit) ?? Number.NaN);
  if (!(windowMs >= MIN_WINDOW && windowMs <= MAX_WINDOW)) {
    throw invalid(`${quote(text)} has no window of 1 second to 1 day`, 'rate');
  }
  return { requests: amount, windowMs };
}

/** Reads a quota: a whole number of requests above zero, and a period. Throws `INVALID_INPUT`. */
export function parseQuota(text: string): Quota {
  const { amount, per } = split(text, 'quota');
  return { requests: amount, period: periodIn(text, per, 'quota') };
}

/** Reads a budget: a whole number of cents above zero, and a period. Throws `INVALID_INPUT`. */
export function parseBudget(text: string): Budget {
  const { amount, per } = split(text, 'budget');
  return { cents: amount, period: periodIn(text, per, 'budget') };
}

/** Reads ranges of addresses; each element is one, or several separated by commas. Throws `INVALID_INPUT`. */
export function parseRanges(list: readonly string[]): string[] {
  const ranges = new Set<string>();
  for (const element of list) {
    for (const part of element.split(',')) ranges.add(parseRange(part.trim()));
    if (ranges.size > MAX_RANGES) {
      throw invalid(`there may be at most ${MAX_RANGES} ranges of addresses`, 'address');
    }
  }
  return [...ranges].sort();
}

function split(text: string, reason: 'rate' | 'quota' | 'budget'): { amount: number; per: string } {
  const [, digits = '', per = ''] = (text.length <= MAX_LENGTH && /^(\d+)\/(\w+)$/.exec(text)) || [];
  const amount = Number(digits);
  if (per === '') throw invalid(`${quote(text)} is not a ${reason}`, reason);
  // A zero is taken for "none" by one and for "no limit" by another.
  if (amount === 0) throw invalid(`a ${reason} has to be above zero`, 'limit_zero');
  if (!Number.isSafeInteger(amount)) throw invalid(`${quote(text)} is more than can be counted`, reason);
  return { amount, per };
}

function periodIn(text: string, per: string, reason: 'quota' | 'budget'): LimitPeriod {
  const period = LIMIT_PERIODS.find((one) => one === per);
  if (period === undefined) throw invalid(`${quote(text)} names no period`, reason);
  return period;
}

function invalid(message: string, reason: ErrorReason): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message, { details: { reason } });
}
