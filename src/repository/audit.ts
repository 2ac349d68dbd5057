import { type Expression, sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { constraintOf, sqlStateOf } from '../db/pg-errors.js';
import type { AuditEvent } from '../domain/audit.js';
import { BugError } from '../errors.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

export async function insertEvents(session: Session, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = await session.rows(insertion(events).returning('db_role'));
  requireRole(rows, events);
}

const insertion = (events: readonly AuditEvent[]) =>
  build.insertInto('apikeys.audit_events').values(events.map(eventRow));

/** The server writes the role, and the hash was made from what it said the role was: no other may have come between. */
export function requireRole(
  rows: readonly { readonly db_role: string }[],
  events: readonly AuditEvent[],
): void {
  if (rows.every(({ db_role }) => db_role === events[0]?.dbRole)) return;
  throw new BugError('the role of the session changed within a transaction');
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
  return rows.map(toEvent);
}

/** The latest freeze of an owner, whose chain is not that of its keys. */
export async function latestFreezeOfOwner(
  session: Session,
  { tenantId, ownerId }: Pick<AuditEvent, 'tenantId' | 'ownerId'>,
): Promise<AuditEvent[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.audit_events')
      .selectAll()
      .where('key_id', 'is', null)
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId)
      .where('action', '=', 'owner.frozen')
      .orderBy('seq', 'desc')
      .limit(1),
  );
  return rows.map(toEvent);
}

/** Every rotation of a key that is told of, oldest first. */
export async function rotationEvents(session: Session, keyId: string): Promise<AuditEvent[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.audit_events')
      .selectAll()
      .where('key_id', '=', keyId)
      .where('action', '=', 'key.rotated')
      .orderBy('seq'),
  );
  return rows.map(toEvent);
}

export interface EventFilter {
  readonly tenant?: TenantScope;
  readonly owner?: string | undefined;
  readonly keyId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** At this time or later. */
  readonly since?: Date | undefined;
  /** Before this time. */
  readonly until?: Date | undefined;
}

/** Where an event stands among all others. */
export interface EventPosition {
  readonly at: Date;
  readonly id: string;
}

export interface EventRequest extends EventFilter {
  /** Newest first. */
  readonly descending: boolean;
  readonly limit: number;
  /** The last event of the page before. */
  readonly after?: EventPosition | undefined;
}

/** An event with what its key is called now, or was when it was deleted; both null for an event of an owner. */
export interface ListedEvent extends AuditEvent {
  readonly keyName: string | null;
  readonly keyPrefix: string | null;
}

/** One page of events. Reads about as many rows as it gives where the filter is a key, an owner, a tenant or a time. */
export async function findEvents(session: Session, request: EventRequest): Promise<ListedEvent[]> {
  const rows = await session.rows(eventsQuery(request));
  return rows.map((row) => ({ ...toEvent(row), keyName: row.key_name, keyPrefix: row.key_prefix }));
}

/** The query of {@link findEvents}, for a look at its plan. */
export function eventsQuery(request: EventRequest) {
  return sql<EventRecord & { key_name: string | null; key_prefix: string | null }>`
    SELECT event.*, COALESCE(key.name, gone.details::json ->> 'name') AS key_name,
           COALESCE(key.key_prefix, gone.details::json ->> 'key_prefix') AS key_prefix
      FROM (${pageOf(request)}) AS event
      LEFT JOIN apikeys.keys AS key ON key.id = event.key_id AND key.tenant_id = event.tenant_id
      LEFT JOIN LATERAL (
        SELECT last.details FROM apikeys.audit_events AS last
         WHERE key.id IS NULL AND last.key_id = event.key_id AND last.action = 'key.deleted'
         ORDER BY last.seq DESC LIMIT 1) AS gone ON true
     ${orderOf(request)}`;
}

function pageOf(request: EventRequest): Expression<unknown> {
  const { keyId, owner, tenant, limit } = request;
  const end = sql`${orderOf(request)} LIMIT ${limit}`;
  if (keyId !== undefined) {
    // A chain is short. Without the fence the planner may walk through all events by time, looking for this key's.
    return sql`SELECT event.*
                 FROM (SELECT * FROM apikeys.audit_events WHERE key_id = ${keyId} OFFSET 0) AS event
                WHERE ${conditionsOf(request)} ${end}`;
  }
  const events = sql`SELECT event.* FROM apikeys.audit_events AS event WHERE ${conditionsOf(request)}`;
  if (owner === undefined || tenant !== undefined) return sql`${events} ${end}`;
  // The index has an owner's events by tenant, then time: each tenant in turn, so that none is read to its end.
  return sql`
    WITH RECURSIVE tenant (id) AS (
      SELECT min(tenant_id) FROM apikeys.audit_events WHERE owner_id = ${owner}
       UNION ALL
      SELECT (SELECT min(tenant_id) FROM apikeys.audit_events WHERE owner_id = ${owner} AND tenant_id > tenant.id)
        FROM tenant WHERE tenant.id IS NOT NULL
    )
    SELECT event.*
      FROM tenant CROSS JOIN LATERAL (${events} AND event.tenant_id = tenant.id ${end}) AS event
     ${end}`;
}

/** How many events match, counted up to `most`. */
export async function countEvents(session: Session, filter: EventFilter, most: number): Promise<number> {
  const of = filter.keyId === undefined ? sql`` : sql`AND event.key_id = ${filter.keyId}`;
  const [row] = await session.rows(sql<{ count: number }>`
    SELECT count(*) AS count
      FROM (SELECT FROM apikeys.audit_events AS event
             WHERE ${conditionsOf({ ...filter, descending: true, limit: most })} ${of} LIMIT ${most}) AS counted`);
  return row?.count ?? 0;
}

const orderOf = ({ descending }: EventRequest) =>
  descending ? sql`ORDER BY event.at DESC, event.id DESC` : sql`ORDER BY event.at, event.id`;

function conditionsOf(request: EventRequest) {
  const { tenant, owner, actor, action, since, until, after, descending } = request;
  const all: Expression<unknown>[] = [tenantIs('event.tenant_id', tenant)];
  if (owner !== undefined) all.push(sql`event.owner_id = ${owner}`);
  if (actor !== undefined) all.push(sql`event.actor = ${actor}`);
  if (action !== undefined) all.push(sql`event.action = ${action}`);
  if (since !== undefined) all.push(sql`event.at >= ${since}::timestamptz`);
  if (until !== undefined) all.push(sql`event.at < ${until}::timestamptz`);
  if (after !== undefined) {
    const place = sql`(${after.at}::timestamptz, ${after.id}::uuid)`;
    all.push(descending ? sql`(event.at, event.id) < ${place}` : sql`(event.at, event.id) > ${place}`);
  }
  return sql`${sql.join(all, sql` AND `)}`;
}

/** Whether any event of this key is kept: they outlive the key. */
export async function hasEvents(session: Session, keyId: string, tenant: TenantScope): Promise<boolean> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.audit_events')
      .select('id')
      .where('key_id', '=', keyId)
      .where(tenantIs('tenant_id', tenant))
      .limit(1),
  );
  return rows.length > 0;
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
    await session.rows(insertion([probe]));
    return false;
  } catch (error) {
    if (sqlStateOf(error) === '23505' && constraintOf(error) === 'audit_events_pkey') return true;
    throw error;
  }
}

/** An event as it is written; its `db_role` is the server's to write. */
export const eventRow = (event: AuditEvent) => ({
  id: event.id,
  seq: event.seq,
  at: event.at,
  actor: event.actor,
  action: event.action,
  tenant_id: event.tenantId,
  owner_id: event.ownerId,
  key_id: event.keyId,
  reason: event.reason,
  details: event.details,
  prev_hash: event.prevHash,
  hash: event.hash,
});

type EventRecord = ReturnType<typeof eventRow> & { readonly db_role: string };

const toEvent = (row: EventRecord): AuditEvent => ({
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
});
