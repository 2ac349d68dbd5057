import type { Expiry } from '../../domain/duration.js';
import { allowedLifetime, type Policy } from '../../domain/policy.js';
import { timeWithin } from '../../domain/time.js';
import { ApiKeysError } from '../../errors.js';
import { requireLifetime } from '../policy-in-force.js';
import { type Settings, USUAL_LIFETIME } from '../settings.js';

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
export function lifetimeAgain({ lifetimeMs }: Pick<Lifetime, 'lifetimeMs'>, now: Date): Lifetime {
  return { lifetimeMs, expiresAt: lifetimeMs === null ? null : timeWithin(now.getTime() + lifetimeMs) };
}

/** What a policy left of a lifetime that nobody asked for, in milliseconds; null: for ever. */
export interface LifetimeCut {
  readonly fromMs: number | null;
  readonly toMs: number;
}

/**
 * A lifetime as the policy allows it. One that was asked for is refused if it is longer, with `POLICY_VIOLATION`; any other
 * is cut. Where the policy only wants an end, and the lifetime has none, it becomes the configured one, or the usual.
 */
export function heldToPolicy(
  lifetime: Lifetime,
  { policy, asked, settings, now }: HeldTo,
): { readonly lifetime: Lifetime; readonly cut: LifetimeCut | null } {
  const { lifetimeMs } = lifetime;
  if (asked) requireLifetime(policy, lifetimeMs);
  const { defaultExpiry } = settings;
  const toMs = allowedLifetime(
    policy,
    lifetimeMs,
    defaultExpiry.kind === 'in' ? defaultExpiry.ms : USUAL_LIFETIME,
  );
  if (toMs === lifetimeMs || toMs === null) return { lifetime, cut: null };
  return { lifetime: lifetimeAgain({ lifetimeMs: toMs }, now), cut: { fromMs: lifetimeMs, toMs } };
}

interface HeldTo {
  readonly policy: Policy;
  /** Whether somebody asked for this lifetime. */
  readonly asked: boolean;
  readonly settings: Settings;
  readonly now: Date;
}
