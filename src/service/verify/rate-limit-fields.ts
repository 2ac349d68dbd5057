import type { LimitPeriod } from '../../domain/limits.js';
import type { LimitUse } from '../../domain/standing.js';
import type { Verification } from './verification.js';

/** What a client is told of its limits; without limits, nothing. */
export type RateLimitFields = {
  /** Seconds, with a refusal that ends by itself (RFC 9110, section 10.2.3). */
  readonly 'Retry-After'?: string;
  /** What there is in a window, of each limit: `"rate";q=100;w=60, "quota";q=5000;w=86400`. */
  readonly 'RateLimit-Policy'?: string;
  /** What remains of it, and in how many seconds all is there again: `"rate";r=57;t=12`. */
  readonly RateLimit?: string;
};

/**
 * Both fields as draft-ietf-httpapi-ratelimit-headers has them, in its tenth version. A budget is no count of requests, so
 * that it is told by `Retry-After` alone.
 */
export function rateLimitFields({
  limits,
  retryAfterMs,
}: Pick<Verification, 'limits' | 'retryAfterMs'>): RateLimitFields {
  const told = limits.filter(({ limit }) => limit !== 'budget');
  return {
    ...(retryAfterMs !== null && { 'Retry-After': String(seconds(retryAfterMs)) }),
    ...(told.length > 0 && {
      'RateLimit-Policy': told.map((use) => `${nameOf(use)};q=${use.allowed}${windowOf(use)}`).join(', '),
      RateLimit: told.map((use) => `${nameOf(use)};r=${use.remaining}${resetOf(use)}`).join(', '),
    }),
  };
}

const nameOf = ({ of, limit }: LimitUse): string => (of === 'key' ? `"${limit}"` : `"owner-${limit}"`);

/** Never less than there is, so that whoever waits for so long is not refused again. */
const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

const DAY = 86_400;

/** A month has no one length, and a total no window. */
const PERIODS: Readonly<Record<LimitPeriod, number | null>> = {
  day: DAY,
  week: 7 * DAY,
  month: null,
  total: null,
};

function windowOf({ windowMs, period }: LimitUse): string {
  const length = windowMs === null ? PERIODS[period ?? 'total'] : Math.ceil(windowMs / 1_000);
  return length === null ? '' : `;w=${length}`;
}

const resetOf = ({ resetsInMs }: LimitUse): string =>
  resetsInMs === null ? '' : `;t=${seconds(resetsInMs)}`;
