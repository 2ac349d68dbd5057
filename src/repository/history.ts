import { type RawBuilder, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { AuditEvent } from '../domain/audit.js';
import type { OwnerRef } from './owners.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

/** Whatever is older than `before`; of usage, UTC days that had ended by then. */
export interface HistoryScope {
  readonly before: Date;
  readonly tenant: TenantScope;
}

/** The next owner, by tenant and id, who has usage days that may go. */
export function findOwnerWithOldUsage(
  session: Session,
  { before, tenant }: HistoryScope,
  after: OwnerRef | undefined,
): Promise<OwnerRef | undefined> {
  return nextOwner(
    session,
    tenant,
    after,
    sql`
    SELECT FROM apikeys.usage_daily AS usage
     WHERE usage.owner_id = owner.owner_id AND usage.tenant_id = owner.tenant_id AND usage.day < ${dayOf(before)}`,
  );
}

/** The next owner, by tenant and id, who has audit events that may go. */
export function findOwnerWithOldEvents(
  session: Session,
  { before, tenant }: HistoryScope,
  after: OwnerRef | undefined,
): Promise<OwnerRef | undefined> {
  return nextOwner(
    session,
    tenant,
    after,
    sql`
    SELECT FROM apikeys.audit_events AS event
     WHERE event.owner_id = owner.owner_id AND event.tenant_id = owner.tenant_id AND event.at < ${before}
       AND ${IS_HISTORY}`,
  );
}

export interface DeletedUsage {
  readonly days: number;
  readonly requestCount: number;
  readonly spendCents: number;
}

/** Deletes the owner's oldest usage days, at most `limit`; those that are being counted are left. */
export async function deleteUsage(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  before: Date,
  limit: number,
): Promise<DeletedUsage> {
  const [row] = await session.rows(sql<{ days: number; requests: string; cents: string }>`
    WITH gone AS (
      DELETE FROM apikeys.usage_daily
       WHERE (key_id, day) IN (
         SELECT key_id, day FROM apikeys.usage_daily
          WHERE owner_id = ${ownerId} AND tenant_id = ${tenantId} AND day < ${dayOf(before)}
          ORDER BY day LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING request_count, spend_cents)
    SELECT count(*) AS days, COALESCE(sum(request_count), 0)::text AS requests,
           COALESCE(sum(spend_cents), 0)::text AS cents FROM gone`);
  return {
    days: row?.days ?? 0,
    requestCount: Number(row?.requests ?? 0),
    spendCents: Number(row?.cents ?? 0),
  };
}

/**
 * The owner's oldest events that may go, at most `limit`, chain by chain in their order, of each chain from its
 * beginning on: no event stays before one of these. `except` names keys whose chains are left, and null for the
 * owner's own.
 */
export async function findOldEvents(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  { before, limit, except }: { before: Date; limit: number; except: readonly (string | null)[] },
): Promise<AuditEvent[]> {
  return session.rows(sql<AuditEvent>`
    WITH chain AS (
      SELECT DISTINCT key_id FROM (
        SELECT key_id FROM apikeys.audit_events AS event
         WHERE owner_id = ${ownerId} AND tenant_id = ${tenantId} AND at < ${before} AND ${IS_HISTORY}
           AND (key_id IS NULL OR key_id <> ALL(${except.filter((id) => id !== null)}::uuid[]))
           ${except.includes(null) ? sql`AND key_id IS NOT NULL` : sql``}
         ORDER BY at, id LIMIT ${limit}) AS oldest),
    old AS (
      (SELECT event.* FROM chain, LATERAL (
         SELECT * FROM apikeys.audit_events AS event
          WHERE event.key_id = chain.key_id AND ${beforeKept(before)}
          ORDER BY event.seq LIMIT ${limit}) AS event)
      UNION ALL
      (SELECT event.* FROM apikeys.audit_events AS event
        WHERE EXISTS (SELECT FROM chain WHERE key_id IS NULL)
          AND event.key_id IS NULL AND event.tenant_id = ${tenantId} AND event.owner_id = ${ownerId}
          AND ${ownerBeforeKept(before)} AND ${beforeHistory(before)}
        ORDER BY event.seq LIMIT ${limit}))
    SELECT id, seq, at, actor, db_role AS "dbRole", action, tenant_id AS "tenantId", owner_id AS "ownerId",
           key_id AS "keyId", reason, details, prev_hash AS "prevHash", hash
      FROM old ORDER BY key_id NULLS FIRST, seq LIMIT ${limit}`);
}

export async function deleteEvents(session: Session, ids: readonly string[]): Promise<void> {
  await session.rows(sql`DELETE FROM apikeys.audit_events WHERE id = ANY(${[...ids]}::uuid[])`);
}

/** How many usage days and events may go; 0 for what was not asked for. */
export async function countPrunable(
  session: Session,
  { usage, events }: { usage: HistoryScope | null; events: HistoryScope | null },
): Promise<{ usageDays: number; events: number }> {
  const days =
    usage &&
    sql`SELECT count(*) FROM apikeys.usage_daily AS item
         WHERE day < ${dayOf(usage.before)} AND ${tenantIs('item.tenant_id', usage.tenant)}`;
  const old =
    events &&
    sql`SELECT count(*) FROM apikeys.audit_events AS item
         WHERE at < ${events.before} AND ${tenantIs('item.tenant_id', events.tenant)}
           AND CASE WHEN item.key_id IS NULL
                    THEN EXISTS (SELECT FROM apikeys.audit_events AS event
                                  WHERE event.id = item.id AND ${ownerBeforeKept(events.before)}
                                    AND ${beforeHistory(events.before)})
                    ELSE EXISTS (SELECT FROM apikeys.audit_events AS event
                                  WHERE event.id = item.id AND ${beforeKept(events.before)}) END`;
  const [row] = await session.rows(
    sql<{ days: number; events: number }>`SELECT (${days ?? ZERO}) AS days, (${old ?? ZERO}) AS events`,
  );
  return { usageDays: row?.days ?? 0, events: row?.events ?? 0 };
}

const ZERO = sql`SELECT 0::bigint`;

/**
 * That history was pruned is told for as long as other events of its time are, but is no reason to prune again:
 * each pruning would leave something to prune, for ever.
 */
const IS_HISTORY = sql`event.action NOT IN ('usage.pruned', 'audit.pruned')`;

/** A clock that was set back can have put an old event behind one that stays; then it stays too. */
const beforeKept = (before: Date) => sql`event.at < ${before} AND NOT EXISTS (
  SELECT FROM apikeys.audit_events AS kept
   WHERE kept.key_id = event.key_id AND kept.seq < event.seq AND kept.at >= ${before})`;

const ownerBeforeKept = (before: Date) => sql`event.at < ${before} AND NOT EXISTS (
  SELECT FROM apikeys.audit_events AS kept
   WHERE kept.key_id IS NULL AND kept.tenant_id = event.tenant_id AND kept.owner_id = event.owner_id
     AND kept.seq < event.seq AND kept.at >= ${before})`;

/** Of an owner's chain nothing goes that comes after the last event worth pruning for. */
const beforeHistory = (before: Date) => sql`EXISTS (
  SELECT FROM apikeys.audit_events AS later
   WHERE later.key_id IS NULL AND later.tenant_id = event.tenant_id AND later.owner_id = event.owner_id
     AND later.seq >= event.seq AND later.at < ${before} AND later.action NOT IN ('usage.pruned', 'audit.pruned')
     AND NOT EXISTS (
       SELECT FROM apikeys.audit_events AS kept
        WHERE kept.key_id IS NULL AND kept.tenant_id = later.tenant_id AND kept.owner_id = later.owner_id
          AND kept.seq < later.seq AND kept.at >= ${before}))`;

async function nextOwner(
  session: Session,
  tenant: TenantScope,
  after: OwnerRef | undefined,
  old: RawBuilder<unknown>,
): Promise<OwnerRef | undefined> {
  const [owner] = await session.rows(sql<OwnerRef>`
    SELECT owner.tenant_id AS "tenantId", owner.owner_id AS "ownerId" FROM apikeys.owners AS owner
     WHERE EXISTS (${old})
       AND ${tenantIs('owner.tenant_id', tenant)}
       ${after === undefined ? sql`` : sql`AND (owner.tenant_id, owner.owner_id) > (${after.tenantId}, ${after.ownerId})`}
     ORDER BY owner.tenant_id, owner.owner_id LIMIT 1`);
  return owner;
}

/** The UTC day in which `before` lies: the days before it had ended by then. */
const dayOf = (before: Date) => sql`${before.toISOString().slice(0, 10)}::date`;
