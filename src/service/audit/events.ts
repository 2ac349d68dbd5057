import { type AuditAction, type AuditEvent, type Continuation, continuedBy } from '../../domain/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import type { DatabaseMoment } from '../../repository/clock.js';
import type { KeyRow } from '../../repository/keys.js';

/** What an event says. */
export interface EventContent {
  readonly action: AuditAction;
  readonly reason: string | null;
  /** Stored as JSON. */
  readonly details: unknown;
}

/** Where an event comes from. Its id is made before the transaction, so that a retry writes the same event. */
export interface EventOrigin {
  readonly id: string;
  readonly actor: string;
  /** By the database. */
  readonly moment: DatabaseMoment;
}

/** The next event of a chain. */
export function chainEvent(
  { tenantId, ownerId, keyId }: ChainRef,
  continuation: Continuation,
  { action, reason, details }: EventContent,
  { id, actor, moment }: EventOrigin,
): AuditEvent {
  return continuedBy(continuation, {
    id,
    at: moment.now,
    actor,
    dbRole: moment.role,
    action,
    tenantId,
    ownerId,
    keyId,
    reason,
    details: JSON.stringify(details),
  });
}

/** The next event of a key's chain: after the head that is stored, unless it is told to go elsewhere. */
export function keyEvent(
  key: KeyRow,
  content: EventContent,
  origin: EventOrigin,
  continuation: Continuation = { head: { seq: key.auditSeq, hash: key.auditHash }, brokenAt: null },
): AuditEvent {
  const { tenantId, ownerId, id: keyId } = key;
  return chainEvent({ tenantId, ownerId, keyId }, continuation, content, origin);
}
