import { type AuditEvent, EMPTY_CHAIN, nextEvent } from '../../../src/domain/audit.js';

/** An event that can be stored: the first of a key of its own. */
export function probeEvent(id: string): AuditEvent {
  return nextEvent(EMPTY_CHAIN, {
    id,
    at: new Date(0),
    actor: 'test',
    dbRole: 'test',
    action: 'key.created',
    tenantId: 'default',
    ownerId: 'test',
    keyId: id,
    reason: null,
    details: '{}',
  });
}
