import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { invariant } from '../errors.js';
import { isLiveBy } from './key-conditions.js';
import type { OwnerRef } from './owners.js';

/** What is stored of a key when it is made. */
export interface NewKey extends OwnerRef {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyPrefix: string;
  readonly secretHash: Buffer;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly lifetimeMs: number | null;
  readonly idempotency: { readonly key: string; readonly digest: Buffer } | null;
  /** It or its owner has limits. */
  readonly limited: boolean;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

/** Stores a key with its first secret and its activity row, in one round trip. */
export async function insertKey(session: Session, key: NewKey): Promise<void> {
  await session.rows(
    build
      .with('new_key', (db) =>
        db.insertInto('apikeys.keys').values({
          id: key.id,
          tenant_id: key.tenantId,
          owner_id: key.ownerId,
          name: key.name,
          description: key.description,
          scopes: [...key.scopes],
          metadata: JSON.stringify(key.metadata),
          key_prefix: key.keyPrefix,
          secret_hash: key.secretHash,
          created_at: key.createdAt,
          created_by: key.createdBy,
          expires_at: key.expiresAt,
          lifetime_ms: key.lifetimeMs,
          idempotency_key: key.idempotency?.key ?? null,
          idempotency_digest: key.idempotency?.digest ?? null,
          limited: key.limited,
          audit_seq: key.auditSeq,
          audit_hash: key.auditHash,
        }),
      )
      .with('new_activity', (db) => db.insertInto('apikeys.key_activity').values({ key_id: key.id }))
      .insertInto('apikeys.secrets')
      .values({
        hash: key.secretHash,
        key_id: key.id,
        version: 1,
        key_prefix: key.keyPrefix,
        created_at: key.createdAt,
        valid_until: null,
      }),
  );
}

/** The owner's keys that count against its limit, but for the one that asks, and the database's clock at that moment. */
export async function countLiveKeys(
  session: Session,
  owner: OwnerRef,
  except: string | null = null,
): Promise<{ live: number; now: Date; role: string }> {
  const [row] = await session.rows(sql<{ live: number; now: Date; role: string }>`
    SELECT date_trunc('milliseconds', clock.now) AS now,
           current_user::text AS role,
           ${liveKeys(owner, except)} AS live
      FROM (SELECT clock_timestamp() AS now) AS clock`);
  invariant(row !== undefined, 'the count gave no row');
  return row;
}

/** How many live keys the owner has, but for one, by `clock.now`. */
export const liveKeys = ({ tenantId, ownerId }: OwnerRef, except: string | null) => sql<number>`
  (SELECT count(*) FROM apikeys.keys AS key
    WHERE key.tenant_id = ${tenantId} AND key.owner_id = ${ownerId} AND ${isLiveBy(sql`clock.now`)}
      AND key.id IS DISTINCT FROM ${except}::uuid)`;

/** The key that an earlier `create` with this idempotency key made, and the digest of that request. */
export async function findByIdempotencyKey(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  idempotencyKey: string,
): Promise<{ id: string; digest: Buffer } | undefined> {
  const [row] = await session.rows(
    build
      .selectFrom('apikeys.keys')
      .select(['id', 'idempotency_digest as digest'])
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId)
      .where('idempotency_key', '=', idempotencyKey),
  );
  return row && { id: row.id, digest: row.digest ?? Buffer.alloc(0) };
}

/** A key's row, with what a change to it depends on. */
export interface KeyRow extends OwnerRef {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyPrefix: string;
  readonly secretVersion: number;
  readonly expiresAt: Date | null;
  readonly lifetimeMs: number | null;
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly frozenBy: string | null;
  readonly frozenReason: string | null;
  readonly revokedAt: Date | null;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

const keyRows = build
  .selectFrom('apikeys.keys')
  .select(['id', 'tenant_id', 'owner_id', 'name', 'description', 'scopes', 'metadata', 'key_prefix'])
  .select(['secret_version', 'expires_at', 'lifetime_ms', 'revoked_at', 'audit_seq', 'audit_hash'])
  .select(['frozen_at', 'frozen_until', 'frozen_by', 'frozen_reason'])
  .orderBy('id');

/** Waits for these keys, in the order of their ids, and holds them. Keys that are gone are missing from the answer. */
export async function lockKeys(session: Session, ids: readonly string[]): Promise<KeyRow[]> {
  const rows = await session.rows(keyRows.where('id', '=', anyOf(ids)).forNoKeyUpdate());
  return rows.map(toKeyRow);
}

/** These keys as they are, without holding them. */
export async function findKeyRows(session: Session, ids: readonly string[]): Promise<KeyRow[]> {
  const rows = await session.rows(keyRows.where('id', '=', anyOf(ids)));
  return rows.map(toKeyRow);
}

/** The ids of an owner's keys that are not revoked, expired ones included. */
export async function findUnrevokedIds(session: Session, { tenantId, ownerId }: OwnerRef): Promise<string[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.keys')
      .select('id')
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId)
      .where('revoked_at', 'is', null)
      .orderBy('id'),
  );
  return rows.map(({ id }) => id);
}

/** A key with its new audit head. */
export interface KeyHead {
  readonly keyId: string;
  readonly seq: number;
  readonly hash: Buffer;
}

/** Moves the head of a key's audit trail on, and nothing else. */
export async function advanceKey(session: Session, { keyId, seq, hash }: KeyHead): Promise<void> {
  await session.rows(
    build.updateTable('apikeys.keys').set({ audit_seq: seq, audit_hash: hash }).where('id', '=', keyId),
  );
}

export interface Revocation {
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
}

export async function markRevoked(
  session: Session,
  heads: readonly KeyHead[],
  { at, by, reason }: Revocation,
): Promise<void> {
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET revoked_at = ${at}, revoked_by = ${by}, revoked_reason = ${reason},
           audit_seq = head.seq, audit_hash = head.hash
      FROM ${headRows(heads)} WHERE key.id = head.id`);
}

/** A key's freeze as it is to be stored. */
export interface KeyFreeze {
  readonly head: KeyHead;
  readonly at: Date;
  readonly until: Date | null;
  readonly by: string;
  readonly reason: string | null;
}

export async function markFrozen(session: Session, freezes: readonly KeyFreeze[]): Promise<void> {
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET frozen_at = stop.at, frozen_until = stop.until, frozen_by = stop.by, frozen_reason = stop.reason,
           audit_seq = head.seq, audit_hash = head.hash
      FROM ${headRows(freezes.map(({ head }) => head))},
           unnest(${freezes.map(({ head }) => head.keyId)}::uuid[], ${freezes.map(({ at }) => at)}::timestamptz[],
                  ${freezes.map(({ until }) => until)}::timestamptz[], ${freezes.map(({ by }) => by)}::text[],
                  ${freezes.map(({ reason }) => reason)}::text[]) AS stop (id, at, until, by, reason)
     WHERE key.id = head.id AND key.id = stop.id`);
}

export async function markUnfrozen(session: Session, heads: readonly KeyHead[]): Promise<void> {
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET frozen_at = NULL, frozen_until = NULL, frozen_by = NULL, frozen_reason = NULL,
           audit_seq = head.seq, audit_hash = head.hash
      FROM ${headRows(heads)} WHERE key.id = head.id`);
}

/** What may be changed of a key that is not a secret; what is left out stays. */
export interface KeyPatch {
  readonly name?: string;
  readonly description?: string | null;
  readonly scopes?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly lifetime?: { readonly expiresAt: Date | null; readonly lifetimeMs: number | null };
}

export async function patchKey(session: Session, head: KeyHead, patch: KeyPatch): Promise<void> {
  const { name, description, scopes, metadata, lifetime } = patch;
  await session.rows(
    build
      .updateTable('apikeys.keys')
      .set({
        audit_seq: head.seq,
        audit_hash: head.hash,
        ...(name !== undefined && { name }),
        ...(description !== undefined && { description }),
        ...(scopes !== undefined && { scopes: [...scopes] }),
        ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
        ...(lifetime && { expires_at: lifetime.expiresAt, lifetime_ms: lifetime.lifetimeMs }),
      })
      .where('id', '=', head.keyId),
  );
}

const anyOf = (ids: readonly string[]) => sql<string>`ANY(${[...ids]}::uuid[])`;

const headRows = (heads: readonly KeyHead[]) => sql`
  unnest(${heads.map(({ keyId }) => keyId)}::uuid[], ${heads.map(({ seq }) => seq)}::bigint[],
         ${heads.map(({ hash }) => hash)}::bytea[]) AS head (id, seq, hash)`;

type KeyRecord = Awaited<ReturnType<typeof keyRows.execute>>[number];

const toKeyRow = (row: KeyRecord): KeyRow => ({
  id: row.id,
  tenantId: row.tenant_id,
  ownerId: row.owner_id,
  name: row.name,
  description: row.description,
  scopes: row.scopes,
  metadata: row.metadata,
  keyPrefix: row.key_prefix,
  secretVersion: row.secret_version,
  expiresAt: row.expires_at,
  lifetimeMs: row.lifetime_ms,
  frozenAt: row.frozen_at,
  frozenUntil: row.frozen_until,
  frozenBy: row.frozen_by,
  frozenReason: row.frozen_reason,
  revokedAt: row.revoked_at,
  auditSeq: row.audit_seq,
  auditHash: row.audit_hash,
});
