import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { constraintOf, sqlStateOf } from '../db/pg-errors.js';
import type { AuditEvent } from '../domain/audit.js';

export async function insertEvents(session: Session, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  await session.rows(build.insertInto('apikeys.audit_events').values(events.map(eventRow)));
}

/** The latest events of a key, newest first. */
export async function latestEvents(session: Session, keyId: string, limit: number): Promise<AuditEvent[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.audit_events')
      .selectAll()
      .where('key_id', '=', keyId)
      .orderBy('seq', 'desc')
      .limit(limit),
  );
  return rows.map((row) => ({
    id: row.id,
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    dbRole: row.db_role,
    action: row.action,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    keyId: row.key_id,
    reason: row.reason,
    details: row.details,
    prevHash: row.prev_hash,
    hash: row.hash,
  }));
}

/**
 * Tells whether an event of this id is stored, by inserting it once more: the insert waits for a transaction that
 * holds the id and is still under way, so the answer is definite. The caller's transaction must be rolled back.
 */
export async function eventIsStored(session: Session, id: string): Promise<boolean> {
  const probe: AuditEvent = {
    id,
    seq: 1,
    at: new Date(0),
    actor: 'apikeys',
    dbRole: '',
    action: 'probe',
    tenantId: '',
    ownerId: '',
    keyId: id,
    reason: null,
    details: '{}',
    prevHash: null,
    hash: Buffer.alloc(32),
  };
  try {
    await insertEvents(session, [probe]);
    return false;
  } catch (error) {
    if (sqlStateOf(error) === '23505' && constraintOf(error) === 'audit_events_pkey') return true;
    throw error;
  }
}

/** An event as the table has it. */
export const eventRow = (event: AuditEvent) => ({
  id: event.id,
  seq: event.seq,
  at: event.at,
  actor: event.actor,
  db_role: event.dbRole,
  action: event.action,
  tenant_id: event.tenantId,
  owner_id: event.ownerId,
  key_id: event.keyId,
  reason: event.reason,
  details: event.details,
  prev_hash: event.prevHash,
  hash: event.hash,
});
