import { type AuditEvent, detailsOf } from '../domain/audit.js';
import type { EventJson } from './schemas/event.js';
import { isoTime } from './time.js';

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
    details: { ...detailsOf(event) },
  };
}
