import { hasEnded, isFrozenAt } from '../../domain/key.js';
import { quote } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';
import type { OwnerRef } from '../../repository/owners.js';
import type { Settings } from '../settings.js';

/** Refuses one more live key where the owner, whose row is held, has as many as it may. */
export function requireRoom(
  { ownerId }: OwnerRef,
  { maxKeys, live }: { readonly maxKeys: number | null; readonly live: number },
  settings: Settings,
): void {
  const limit = maxKeys ?? settings.maxKeysPerOwner;
  if (limit === 0 || live < limit) return;
  throw new ApiKeysError(
    'LIMIT_REACHED',
    `owner ${quote(ownerId)} has ${live} live keys, and the limit is ${limit}; nothing was changed`,
    { details: { limit, live, owner: ownerId } },
  );
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
  if (!isFrozenAt(freeze, now)) return;
  throw new ApiKeysError('OWNER_FROZEN', `owner ${quote(ownerId)} is frozen; nothing was changed`, {
    details: { owner: ownerId },
  });
}
