import type { AuditEvent } from '../../domain/audit.js';
import type { Key } from '../../domain/key.js';
import type { EventJson, KeyJson } from '../../representation/schemas.js';
import { isoTime } from './time.js';

const timeOrNull = (time: Date | null): string | null => (time === null ? null : isoTime(time));

/** A key as the JSON of every command shows it. */
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
    frozen_at: timeOrNull(key.frozenAt),
    frozen_until: timeOrNull(key.frozenUntil),
    frozen_reason: key.frozenReason,
    created_at: isoTime(key.createdAt),
    created_by: key.createdBy,
    expires_at: timeOrNull(key.expiresAt),
    last_used_at: timeOrNull(key.lastUsedAt),
    total_requests: key.totalRequests,
    revoked_at: timeOrNull(key.revokedAt),
    revoked_by: key.revokedBy,
    revoked_reason: key.revokedReason,
  };
}

export function eventJson(event: AuditEvent): EventJson {
  return {
    id: event.id,
    seq: event.seq,
    at: isoTime(event.at),
    actor: event.actor,
    db_role: event.dbRole,
    action: event.action,
    tenant_id: event.tenantId,
    owner_id: event.ownerId,
    key_id: event.keyId,
    reason: event.reason,
    details: JSON.parse(event.details) as Record<string, unknown>,
  };
}

export { timeOrNull };
