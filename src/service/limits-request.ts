import { type LimitName, type Limits, NO_LIMITS } from '../domain/limits.js';
import { parseBudget, parseQuota, parseRanges, parseRate } from '../domain/parse-limits.js';

/** Limits as they are given; what is left out is not limited. */
export interface LimitOptions {
  /** Requests in a window of 1 second to 1 day, such as `100/1m`. */
  readonly rate?: string | undefined;
  /** Requests in a UTC `day`, ISO `week`, `month`, or in `total`, such as `5000/day`. */
  readonly quota?: string | undefined;
  /** Cents, likewise: `2000/month`. */
  readonly budget?: string | undefined;
  /** Addresses or ranges of them, IPv4 and IPv6: `10.0.0.0/8`. All that are allowed; others are refused. */
  readonly allowIps?: readonly string[] | undefined;
}

/** A change of limits: what is left out stays as it is. */
export interface LimitChanges extends LimitOptions {
  /** Takes these off. */
  readonly none?: readonly LimitName[] | undefined;
}

/** Throws `INVALID_INPUT`. */
export const parseLimits = (options: LimitOptions): Limits => changedLimits(NO_LIMITS, parseChanges(options));

export type ParsedChanges = Partial<Limits>;

/** Reads a change before anything is looked at. Throws `INVALID_INPUT`. */
export function parseChanges({ rate, quota, budget, allowIps, none = [] }: LimitChanges): ParsedChanges {
  return {
    ...(none.includes('rate') && { rate: null }),
    ...(none.includes('quota') && { quota: null }),
    ...(none.includes('budget') && { budget: null }),
    ...(none.includes('ip') && { allowedIps: [] }),
    ...(rate !== undefined && { rate: parseRate(rate) }),
    ...(quota !== undefined && { quota: parseQuota(quota) }),
    ...(budget !== undefined && { budget: parseBudget(budget) }),
    ...(allowIps !== undefined && allowIps.length > 0 && { allowedIps: parseRanges(allowIps) }),
  };
}

export const changedLimits = (before: Limits, changes: ParsedChanges): Limits => ({ ...before, ...changes });

export const sameLimits = (a: Limits, b: Limits): boolean => JSON.stringify(a) === JSON.stringify(b);
