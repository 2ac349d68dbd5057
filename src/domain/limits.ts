/** What a quota and a budget are counted by: a UTC day, an ISO week, a month, or all there ever is. */
export const LIMIT_PERIODS = ['day', 'week', 'month', 'total'] as const;

export type LimitPeriod = (typeof LIMIT_PERIODS)[number];

/** So many requests in a window that begins with its first one. */
export interface Rate {
  readonly requests: number;
  /** 1,000 to 86,400,000. */
  readonly windowMs: number;
}

/** So many requests in a period. */
export interface Quota {
  readonly requests: number;
  readonly period: LimitPeriod;
}

/** So many cents in a period. */
export interface Budget {
  readonly cents: number;
  readonly period: LimitPeriod;
}

/** What a key, or an owner as a whole, may use, and from where. Null: as much as it likes. */
export interface Limits {
  readonly rate: Rate | null;
  readonly quota: Quota | null;
  readonly budget: Budget | null;
  /** Ranges in CIDR notation; empty: from anywhere. */
  readonly allowedIps: readonly string[];
}

export const NO_LIMITS: Limits = Object.freeze({
  rate: null,
  quota: null,
  budget: null,
  allowedIps: Object.freeze([]),
});

/** What a limit counts, in the order in which they decide. */
export const COUNTED_LIMITS = ['rate', 'quota', 'budget'] as const;

export type CountedLimit = (typeof COUNTED_LIMITS)[number];

/** What can be taken off, by the name that it is set by. */
export const LIMIT_NAMES = [...COUNTED_LIMITS, 'ip'] as const;

export type LimitName = (typeof LIMIT_NAMES)[number];

export const hasLimits = ({ rate, quota, budget, allowedIps }: Limits): boolean =>
  rate !== null || quota !== null || budget !== null || allowedIps.length > 0;

/** The units of a window, the longest first, in milliseconds. */
export const WINDOW_UNITS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]);

/** Writes a window in the largest unit that divides it: `1m`, `90s`. */
export function formatWindow(windowMs: number): string {
  for (const [unit, length] of WINDOW_UNITS)
    if (windowMs % length === 0) return `${windowMs / length}${unit}`;
  return `${windowMs}ms`;
}

export const formatRate = ({ requests, windowMs }: Rate): string => `${requests}/${formatWindow(windowMs)}`;
export const formatQuota = ({ requests, period }: Quota): string => `${requests}/${period}`;
export const formatBudget = ({ cents, period }: Budget): string => `${cents}/${period}`;

/** Limits in few words, each as it is given: `rate 100/1m, quota 5000/day, from 10.0.0.0/8`. */
export function formatLimits({ rate, quota, budget, allowedIps }: Limits): string {
  return [
    ...(rate === null ? [] : [`rate ${formatRate(rate)}`]),
    ...(quota === null ? [] : [`quota ${formatQuota(quota)}`]),
    ...(budget === null ? [] : [`budget ${formatBudget(budget)}`]),
    ...(allowedIps.length === 0 ? [] : [`from ${allowedIps.join(' ')}`]),
  ].join(', ');
}

/** Limits as JSON and the audit trail have them. */
export const limitFacts = ({ rate, quota, budget, allowedIps }: Limits) => ({
  rate: rate && { requests: rate.requests, window_ms: rate.windowMs },
  quota: quota && { requests: quota.requests, period: quota.period },
  budget: budget && { cents: budget.cents, period: budget.period },
  allowed_ips: [...allowedIps],
});
