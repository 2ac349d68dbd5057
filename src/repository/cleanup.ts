import { type RawBuilder, sql } from 'kysely';
import { prepared, type Session } from '../db/engine.js';
import { type AuditEvent, MAX_SEQ } from '../domain/audit.js';
import { invariant } from '../errors.js';
import { NOW } from './clock.js';
import { ENDED_AT, HAS_END, isPurgeable, MAY_GO } from './key-conditions.js';
import type { OwnerRef } from './owners.js';
import { packedEvents, uuids } from './packed-events.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

/** Whatever ended at `cutoff` or before is due. */
export interface CleanupScope {
  readonly cutoff: Date;
  readonly tenant: TenantScope;
}

interface ChainedKey extends OwnerRef {
  /** False for what the scan came past and must leave: it is frozen, or another tenant's. */
  readonly due: boolean;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

/** A key that ended at `endedAt`. */
export interface EndedKey extends ChainedKey {
  readonly id: string;
  readonly endedAt: Date;
  readonly name: string;
  readonly keyPrefix: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/**
 * The next `limit` keys that had ended by the cutoff, by their end and id, whether due or not: so each call reads
 * so many index entries and no more, however many keys of others or frozen ones lie between. Locks nothing.
 */
export function findEndedKeys(
  session: Session,
  { cutoff, tenant }: CleanupScope,
  after: Pick<EndedKey, 'endedAt' | 'id'> | undefined,
  limit: number,
): Promise<EndedKey[]> {
  return session.rows(sql<EndedKey>`
    SELECT key.id, ${ENDED_AT} AS "endedAt", key.tenant_id AS "tenantId", key.owner_id AS "ownerId", key.name,
           key.key_prefix AS "keyPrefix", key.expires_at AS "expiresAt", key.revoked_at AS "revokedAt",
           key.audit_seq AS "auditSeq", key.audit_hash AS "auditHash",
           ${tenantIs('key.tenant_id', tenant)} AND ${MAY_GO} AS due
      FROM apikeys.keys AS key
     WHERE ${HAS_END} AND ${ENDED_AT} <= ${cutoff}
       ${after === undefined ? sql`` : sql`AND (${ENDED_AT}, key.id) > (${after.endedAt}::timestamptz, ${after.id}::uuid)`}
     ORDER BY ${ENDED_AT}, key.id
     LIMIT ${limit}`);
}

export interface DeletedKeys {
  readonly keys: number;
  /** Of these keys, old and current. */
  readonly secrets: number;
  /** The id of one event that was stored; null if no key was deleted. */
  readonly eventId: string | null;
  /** The database's clock, in whole milliseconds. */
  readonly now: Date;
}

/**
 * Deletes the keys that `events` say are deleted, with their secrets, activity and limits, and stores those events: for each key
 * that is still as its event found it (its audit head has not moved) and is still due. Waits for nobody: a key that
 * another session holds, or whose activity it is counting, is left, and so is its event.
 */
export async function deleteKeys(
  session: Session,
  events: readonly AuditEvent[],
  { cutoff }: CleanupScope,
): Promise<DeletedKeys> {
  const ids = idsOf(events);
  const statement = sql<DeletedKeys & { held: number }>`
    WITH counted AS (
      SELECT key_id FROM apikeys.key_activity WHERE key_id = ANY(${ids}) FOR UPDATE SKIP LOCKED),
    held AS (
      SELECT event.*, key.tenant_id, key.owner_id, key.audit_seq + 1 AS seq
        FROM ${packedEvents(events)} JOIN apikeys.keys AS key ON key.id = event.key_id
       WHERE key.id = ANY(${ids}) AND key.audit_hash = event.prev_hash AND ${isPurgeable(cutoff)}
         AND ${mayFollow(events)}
         AND (key.id IN (SELECT key_id FROM counted)
              OR NOT EXISTS (SELECT FROM apikeys.key_activity AS activity WHERE activity.key_id = key.id))
         FOR UPDATE OF key SKIP LOCKED),
    stored AS (${storeHeld(events)}),
    secret AS (DELETE FROM apikeys.secrets WHERE key_id = ANY(${HELD_IDS}) RETURNING key_id),
    activity AS (DELETE FROM apikeys.key_activity WHERE key_id = ANY(${HELD_IDS})),
    limits AS (DELETE FROM apikeys.limits WHERE key_id = ANY(${HELD_IDS})),
    gone AS (DELETE FROM apikeys.keys WHERE id = ANY(${HELD_IDS}) RETURNING id)
    SELECT (SELECT count(*) FROM gone) AS keys, (SELECT count(*) FROM secret) AS secrets,
           (SELECT count(*) FROM held) AS held, (SELECT id FROM held LIMIT 1) AS "eventId", ${NOW} AS now`;
  const [row] = await session.rows(prepared('apikeys_delete_keys_3', statement));
  invariant(row !== undefined && row.keys === row.held, 'a key that is held was not deleted');
  return row;
}

/** An older secret that ended at `validUntil`, with the key that has it. */
export interface RetiredSecret extends ChainedKey {
  readonly hash: Buffer;
  readonly keyId: string;
  readonly version: number;
  readonly keyPrefix: string;
  readonly validUntil: Date;
}

/** The next `limit` secrets that had retired by the cutoff, by their end and hash, whether due or not; see {@link findEndedKeys}. */
export function findRetiredSecrets(
  session: Session,
  { cutoff, tenant }: CleanupScope,
  after: Pick<RetiredSecret, 'validUntil' | 'hash'> | undefined,
  limit: number,
): Promise<RetiredSecret[]> {
  return session.rows(sql<RetiredSecret>`
    SELECT secret.hash, secret.key_id AS "keyId", secret.version, secret.key_prefix AS "keyPrefix",
           secret.valid_until AS "validUntil", key.tenant_id AS "tenantId", key.owner_id AS "ownerId",
           key.audit_seq AS "auditSeq", key.audit_hash AS "auditHash",
           ${tenantIs('key.tenant_id', tenant)} AND ${MAY_GO} AS due
      FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
     WHERE secret.valid_until <= ${cutoff}
       ${after === undefined ? sql`` : sql`AND (secret.valid_until, secret.hash) > (${after.validUntil}::timestamptz, ${after.hash}::bytea)`}
     ORDER BY secret.valid_until, secret.hash
     LIMIT ${limit}`);
}

/** Deletes retired secrets of keys that stay, each key with its event, under the conditions of {@link deleteKeys}. */
export async function deleteSecrets(
  session: Session,
  events: readonly AuditEvent[],
  secrets: readonly RetiredSecret[],
  { cutoff }: CleanupScope,
): Promise<DeletedKeys> {
  const statement = sql<DeletedKeys & { due: number }>`
    WITH retired AS (
      SELECT * FROM unnest(${uuids(secrets.map(({ keyId }) => keyId))}::uuid[],
                           ${secrets.map(({ version }) => version)}::integer[]) AS retired (key_id, version)),
    held AS (
      SELECT event.*, key.tenant_id, key.owner_id, key.audit_seq + 1 AS seq
        FROM ${packedEvents(events)} JOIN apikeys.keys AS key ON key.id = event.key_id
       WHERE key.id = ANY(${idsOf(events)}) AND key.audit_hash = event.prev_hash AND ${MAY_GO} AND ${mayFollow(events)}
         FOR NO KEY UPDATE OF key SKIP LOCKED),
    stored AS (${storeHeld(events)}),
    head AS (
      UPDATE apikeys.keys AS key SET audit_seq = held.seq, audit_hash = held.hash
        FROM held WHERE key.id = held.key_id RETURNING key.id),
    gone AS (
      DELETE FROM apikeys.secrets AS secret USING retired
       WHERE secret.key_id = retired.key_id AND secret.version = retired.version
         AND secret.key_id = ANY(${HELD_IDS}) AND secret.valid_until <= ${cutoff}
      RETURNING secret.key_id)
    SELECT (SELECT count(*) FROM head) AS keys, (SELECT count(*) FROM gone) AS secrets,
           (SELECT count(*) FROM retired WHERE key_id IN (SELECT key_id FROM held)) AS due,
           (SELECT id FROM held LIMIT 1) AS "eventId", ${NOW} AS now`;
  const [row] = await session.rows(prepared('apikeys_delete_secrets_2', statement));
  invariant(row !== undefined && row.secrets === row.due, 'a retired secret was not deleted');
  return row;
}

/** What is due now: keys, and secrets, those of these keys included. */
export async function countDue(
  session: Session,
  { cutoff, tenant }: CleanupScope,
): Promise<{ keys: number; secrets: number }> {
  const due = isPurgeable(cutoff);
  const [row] = await session.rows(sql<{ keys: number; secrets: number }>`
    SELECT (SELECT count(*) FROM apikeys.keys AS key WHERE ${tenantIs('key.tenant_id', tenant)} AND ${due}) AS keys,
           (SELECT count(*) FROM apikeys.keys AS key JOIN apikeys.secrets AS secret ON secret.key_id = key.id
             WHERE ${tenantIs('key.tenant_id', tenant)} AND ${due})
         + (SELECT count(*) FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
             WHERE secret.valid_until <= ${cutoff} AND ${tenantIs('key.tenant_id', tenant)} AND ${MAY_GO}
               AND (${ENDED_AT} <= ${cutoff}) IS NOT TRUE) AS secrets`);
  return row ?? { keys: 0, secrets: 0 };
}

/**
 * Tells whether this transaction is the only cleanup of its tenant (or the only one of all tenants) at this moment.
 * A courtesy: what makes an overlap harmless is {@link deleteKeys}.
 */
export async function isOnlyCleanup(session: Session, number: number): Promise<boolean> {
  const [row] = await session.rows(
    sql<{ alone: boolean }>`SELECT pg_try_advisory_xact_lock(${CLEANUP}, ${number}) AS alone`,
  );
  return row?.alone === true;
}

/** Statements that show others a cleanup at work, for the transaction they are in; see {@link isOnlyCleanup}. */
export const showCleanup = (number: number): string =>
  `SELECT pg_try_advisory_xact_lock(${CLEANUP}, ${number})`;

/**
 * Leaves the commit to be written to the disk with the ones after it: nobody waits for what this transaction holds while
 * the disk is busy. A crash of the server may take it back, whole.
 */
export const WITHOUT_WAITING = 'SET LOCAL synchronous_commit = off';

/**
 * Has a scan read its index in order. The planner cannot know how little lies beyond a position of two columns, and would
 * rather sort everything there is, each time, with the help of processes that are dearer to start than a page is to read.
 */
export const IN_ORDER = 'SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0';

/**
 * Writes something that changes nothing, so that the commit of this transaction waits for the disk, and with it for all
 * that were committed before.
 */
export async function writeThrough(session: Session): Promise<void> {
  await session.rows(sql`SELECT FROM apikeys.owners LIMIT 1 FOR KEY SHARE`);
}

/** "akcl": the first of the two numbers of the lock. */
const CLEANUP = 0x61_6b_63_6c;

/**
 * The keys of these events. Beside a join it says the same once more, and in a way that is planned as that many look-ups
 * by id: the conditions of {@link MAY_GO} make each row of the join look so dear that all keys would be read instead.
 */
const idsOf = (events: readonly AuditEvent[]): RawBuilder<unknown> =>
  sql`${uuids(events.map(({ keyId }) => keyId ?? ''))}::uuid[]`;

const HELD_IDS = sql`ARRAY(SELECT key_id FROM held)`;

/** A chain that is broken where the event belongs is left as it is; and the server writes the role that was hashed. */
const mayFollow = ([one]: readonly AuditEvent[]): RawBuilder<unknown> => sql`
  current_user = ${one?.dbRole}::text AND key.audit_seq < ${sql.lit(MAX_SEQ)}
  AND NOT EXISTS (SELECT FROM apikeys.audit_events AS taken WHERE taken.key_id = key.id AND taken.seq = key.audit_seq + 1)`;

/** The events of the keys that are held; they share everything that is not in the row. */
function storeHeld([one]: readonly AuditEvent[]): RawBuilder<unknown> {
  invariant(one !== undefined, 'there is no event to store');
  return sql`
    INSERT INTO apikeys.audit_events (id, seq, at, actor, action, tenant_id, owner_id, key_id, reason, details,
                                      prev_hash, hash)
    SELECT id, seq, ${one.at}::timestamptz, ${one.actor}, ${one.action}, tenant_id, owner_id, key_id,
           ${one.reason}, details, prev_hash, hash
      FROM held`;
}
