import type { Expiry } from '../../domain/duration.js';
import { timeWithin } from '../../domain/time.js';
import { ApiKeysError } from '../../errors.js';

/** When a key ends, and the lifetime that a rotation gives it again; both null: never. */
export interface Lifetime {
  readonly expiresAt: Date | null;
  readonly lifetimeMs: number | null;
}

/** Counts from the database's clock. Throws `INVALID_INPUT` for an end that has passed. */
export function lifetimeFrom(expiry: Expiry, now: Date): Lifetime {
  if (expiry.kind === 'never') return { expiresAt: null, lifetimeMs: null };
  const expiresAt = expiry.kind === 'at' ? expiry.at : timeWithin(now.getTime() + expiry.ms);
  const lifetimeMs = expiresAt.getTime() - now.getTime();
  if (lifetimeMs > 0) return { expiresAt, lifetimeMs };
  throw new ApiKeysError(
    'INVALID_INPUT',
    `the expiry ${expiresAt.toISOString()} is in the past; nothing was changed`,
    { details: { reason: 'expiry_past' } },
  );
}

/** The same lifetime once more, up to the end of the year 9999. */
export function lifetimeAgain({ lifetimeMs }: Lifetime, now: Date): Lifetime {
  return { lifetimeMs, expiresAt: lifetimeMs === null ? null : timeWithin(now.getTime() + lifetimeMs) };
}
