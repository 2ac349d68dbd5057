import type { Limits } from './limits.js';

/** The tenant of every key that names none. */
export const DEFAULT_TENANT = 'default';

export const KEY_STATUSES = ['active', 'revoked', 'frozen', 'expired'] as const;

export type KeyStatus = (typeof KEY_STATUSES)[number];

/** What a list of keys can be sorted by. */
export const KEY_SORTS = ['created', 'name', 'expires', 'last-used'] as const;

export type KeySort = (typeof KEY_SORTS)[number];

/** A key as it is at one moment of the database's clock. Its secrets are not part of it. */
export interface Key {
  /** A UUID; stays the same for as long as the key exists, rotations included. */
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly description: string | null;
  /** The part of the newest secret that is safe to show, such as `rv_1a2b3c4d`. */
  readonly keyPrefix: string;
  readonly status: KeyStatus;
  /** Sorted, without repetitions. */
  readonly scopes: readonly string[];
  /** Its own; null: none. Those of its owner as a whole hold beside them. */
  readonly limits: Limits | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The key itself or its owner is frozen now; true of a revoked key too. */
  readonly isFrozen: boolean;
  /** The owner is frozen now. */
  readonly frozenByOwner: boolean;
  readonly frozenAt: Date | null;
  /** Null while frozen: until unfrozen. */
  readonly frozenUntil: Date | null;
  readonly frozenReason: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  /** Null: never. */
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly totalRequests: number;
  readonly revokedAt: Date | null;
  readonly revokedBy: string | null;
  readonly revokedReason: string | null;
}

export interface Freeze {
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
}

export interface StatusFacts {
  readonly revokedAt: Date | null;
  /** The key or its owner is frozen now. */
  readonly frozen: boolean;
  readonly expiresAt: Date | null;
}

/** True while a freeze holds. One whose end has come (`frozenUntil` at or before `now`) is no freeze. */
export function isFrozenAt({ frozenAt, frozenUntil }: Freeze, now: Date): boolean {
  return frozenAt !== null && !(frozenUntil !== null && frozenUntil <= now);
}

/** The one status of a key: revoked outranks frozen, frozen outranks expired. It ends at `expiresAt`, not after it. */
export function deriveStatus({ revokedAt, frozen, expiresAt }: StatusFacts, now: Date): KeyStatus {
  if (revokedAt !== null) return 'revoked';
  if (frozen) return 'frozen';
  return hasEnded(expiresAt, now) ? 'expired' : 'active';
}

/** True unless `end` is certainly still to come; null: never. So a time that cannot be read has come. */
export function hasEnded(end: Date | null, now: Date): boolean {
  return end !== null && !(end > now);
}
