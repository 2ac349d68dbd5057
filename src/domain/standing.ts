import { COUNTED_LIMITS, type CountedLimit, type LimitPeriod, type Limits, NO_LIMITS } from './limits.js';
import { LAST_TIME } from './time.js';

/** What of a limit is used, and when that begins anew. */
export interface Counter {
  readonly used: number;
  /** When its window or its period began; null: the window begins with the next request. */
  readonly from: Date | null;
}

/** The limits of a key, or of an owner as a whole, and what was used of them, at one reading of the database's clock. */
export interface Standing {
  readonly now: Date;
  readonly limits: Limits;
  readonly counters: Readonly<Record<CountedLimit, Counter>>;
}

/** Whose limit it is: the key's own, or its owner's as a whole. */
export type LimitSubject = 'key' | 'owner';

/** One limit, and what is left of it. */
export interface LimitUse {
  readonly of: LimitSubject;
  readonly limit: CountedLimit;
  /** Requests; of a budget, cents. */
  readonly allowed: number;
  readonly used: number;
  readonly remaining: number;
  /** Of a rate; else null. */
  readonly windowMs: number | null;
  /** Of a quota and a budget; else null. */
  readonly period: LimitPeriod | null;
  /** When all of it is there again; null: never, or it is all there now. */
  readonly resetsAt: Date | null;
  /** The same from now on, in milliseconds. */
  readonly resetsInMs: number | null;
}

/** Every limit that counts, with what is left. */
export function limitUses(of: LimitSubject, standing: Standing): LimitUse[] {
  return COUNTED_LIMITS.flatMap((limit) => {
    const terms = TERMS[limit](standing.limits);
    if (terms === null) return [];
    const { used, from } = standing.counters[limit];
    const { allowed, windowMs, period } = terms;
    const resetsAt = windowMs === null ? periodEnd(from, period) : windowEnd(from, windowMs);
    const remaining = Math.max(0, allowed - used);
    const resetsInMs = resetsAt && resetsAt.getTime() - standing.now.getTime();
    return [{ of, limit, allowed, used, remaining, windowMs, period, resetsAt, resetsInMs }];
  });
}

/**
 * How long it takes, in milliseconds, until all that leave no room have begun anew; null where one of them never does, or
 * none is in the way.
 */
export function retryAfter(uses: readonly LimitUse[], cost: number): number | null {
  const full = uses.filter(({ limit, remaining }) =>
    limit === 'budget' ? remaining < Math.max(1, cost) : remaining < 1,
  );
  let longest: number | null = null;
  for (const { resetsInMs, limit, allowed } of full) {
    if (resetsInMs === null || (limit === 'budget' && allowed < cost)) return null;
    longest = Math.max(longest ?? 0, resetsInMs);
  }
  return longest;
}

interface Terms {
  readonly allowed: number;
  readonly windowMs: number | null;
  readonly period: LimitPeriod | null;
}

const TERMS: Readonly<Record<CountedLimit, (limits: Limits) => Terms | null>> = {
  rate: ({ rate }) => rate && { allowed: rate.requests, windowMs: rate.windowMs, period: null },
  quota: ({ quota }) => quota && { allowed: quota.requests, windowMs: null, period: quota.period },
  budget: ({ budget }) => budget && { allowed: budget.cents, windowMs: null, period: budget.period },
};

const windowEnd = (from: Date | null, windowMs: number): Date | null =>
  from && new Date(from.getTime() + windowMs);

/** The first moment after a period that begins at `from`, a UTC midnight. */
function periodEnd(from: Date | null, period: LimitPeriod | null): Date | null {
  if (from === null || period === null || period === 'total') return null;
  const [year, month, day] = [from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate()];
  const end = new Date(from);
  if (period === 'month') end.setUTCFullYear(year, month + 1, 1);
  else end.setUTCFullYear(year, month, day + (period === 'week' ? 7 : 1));
  return end.getTime() > LAST_TIME ? null : end;
}

/** Limits, and of each that counts what is left. */
export interface LimitsState {
  readonly limits: Limits;
  readonly uses: readonly LimitUse[];
}

/** Of a key or an owner that may have none. */
export const limitsState = (of: LimitSubject, standing: Standing | undefined): LimitsState =>
  standing === undefined
    ? { limits: NO_LIMITS, uses: [] }
    : { limits: standing.limits, uses: limitUses(of, standing) };
