import { hasEnded, isFrozenAt } from '../../domain/key.js';
import type { Policy } from '../../domain/policy.js';
import type { OwnerRef } from '../../repository/owners.js';
import { limitReached, ownerFrozen, policyLimitReached } from '../refusals.js';
import type { Settings } from '../settings.js';

/**
 * Refuses one more live key where the owner, whose row is held, has as many as it may: by its own limit or else the
 * configured one, or by the policy if that is narrower.
 */
export function requireRoom(
  { ownerId }: OwnerRef,
  { maxKeys, live }: { readonly maxKeys: number | null; readonly live: number },
  { settings, policy }: { readonly settings: Settings; readonly policy: Policy },
): void {
  const limit = (maxKeys ?? settings.maxKeysPerOwner) || Number.POSITIVE_INFINITY;
  const allowed = policy.maxKeys ?? Number.POSITIVE_INFINITY;
  if (live < Math.min(limit, allowed)) return;
  if (allowed <= limit) throw policyLimitReached(ownerId, { live, limit: allowed });
  throw limitReached(ownerId, { live, limit });
}

/**
 * Whether a key with this end needs room within its owner's limit to live on: it has ended now, or it had when the owner's
 * keys were last counted. A clock that has stepped back since takes it for live, and its place may have been given away.
 */
export function needsRoom(expiresAt: Date | null, countedAt: Date | null, now: Date): boolean {
  return hasEnded(expiresAt, now) || (countedAt !== null && hasEnded(expiresAt, countedAt));
}

export function requireOwnerNotFrozen(
  { ownerId }: OwnerRef,
  freeze: { readonly frozenAt: Date | null; readonly frozenUntil: Date | null },
  now: Date,
): void {
  if (isFrozenAt(freeze, now)) throw ownerFrozen(ownerId);
}
