import type { Key } from '../domain/key.js';
import { limitsJson } from './limits.js';
import type { KeyJson, ListJson, ScopesJson, UpdateJson } from './schemas/key.js';
import { isoTime, isoTimeOrNull } from './time.js';

/** A key as every document shows it. */
export function keyJson(key: Key): KeyJson {
  return {
    id: key.id,
    tenant_id: key.tenantId,
    owner_id: key.ownerId,
    name: key.name,
    description: key.description,
    key_prefix: key.keyPrefix,
    status: key.status,
    scopes: [...key.scopes],
    metadata: { ...key.metadata },
    is_frozen: key.isFrozen,
    frozen_by_owner: key.frozenByOwner,
    frozen_at: isoTimeOrNull(key.frozenAt),
    frozen_until: isoTimeOrNull(key.frozenUntil),
    frozen_reason: key.frozenReason,
    created_at: isoTime(key.createdAt),
    created_by: key.createdBy,
    expires_at: isoTimeOrNull(key.expiresAt),
    last_used_at: isoTimeOrNull(key.lastUsedAt),
    total_requests: key.totalRequests,
    revoked_at: isoTimeOrNull(key.revokedAt),
    revoked_by: key.revokedBy,
    revoked_reason: key.revokedReason,
    limits: limitsJson(key.limits),
  };
}

export const keyPageJson = (page: {
  readonly keys: readonly Key[];
  readonly nextCursor: string | null;
}): ListJson => ({ keys: page.keys.map(keyJson), next_cursor: page.nextCursor });

interface ChangedKey {
  readonly key: Key;
  readonly changed: number;
}

export const updatedKeyJson = ({ key, changed }: ChangedKey): UpdateJson => ({ ...keyJson(key), changed });

/** The scopes of a key, after a change or as they are. */
export const keyScopesJson = ({ key, changed }: ChangedKey): ScopesJson => ({
  ...keyJson(key),
  changed,
  has: null,
});

/** The answer whether a key grants what was asked for. */
export const grantedScopesJson = (answer: {
  readonly key: Key;
  readonly ok: boolean;
  readonly missing: readonly string[];
}): ScopesJson => ({
  ...keyJson(answer.key),
  changed: 0,
  has: { granted: answer.ok, missing: [...answer.missing] },
});
