import { hasEnded, isFrozenAt } from '../../domain/key.js';
import type { OwnerRef } from '../../repository/owners.js';
import { limitReached, ownerFrozen } from '../refusals.js';
import type { Settings } from '../settings.js';

/** Refuses one more live key where the owner, whose row is held, has as many as it may. */
export function requireRoom(
  { ownerId }: OwnerRef,
  { maxKeys, live }: { readonly maxKeys: number | null; readonly live: number },
  settings: Settings,
): void {
  const limit = maxKeys ?? settings.maxKeysPerOwner;
  if (limit === 0 || live < limit) return;
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
