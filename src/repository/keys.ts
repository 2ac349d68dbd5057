import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
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
          created_at: key.createdAt,
          created_by: key.createdBy,
          expires_at: key.expiresAt,
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

/** The owner's keys that count against its limit, and the database's clock at that moment. */
export async function countLiveKeys(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
): Promise<{ live: number; now: Date; role: string }> {
  const [row] = await session.rows(sql<{ live: number; now: Date; role: string }>`
    SELECT date_trunc('milliseconds', clock.now) AS now,
           current_user::text AS role,
           (SELECT count(*) FROM apikeys.keys
             WHERE tenant_id = ${tenantId} AND owner_id = ${ownerId} AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > clock.now)) AS live
      FROM (SELECT clock_timestamp() AS now) AS clock`);
  if (row === undefined) throw new TypeError('the count gave no row');
  return row;
}

/** A key that this transaction holds, with what a change to it depends on. */
export interface LockedKey extends OwnerRef {
  readonly id: string;
  readonly revokedAt: Date | null;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

/** Waits for these keys, in the order of their ids, and holds them. Keys that are gone are missing from the answer. */
export async function lockKeys(session: Session, ids: readonly string[]): Promise<LockedKey[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.keys')
      .select(['id', 'tenant_id', 'owner_id', 'revoked_at', 'audit_seq', 'audit_hash'])
      .where('id', '=', sql<string>`ANY(${[...ids]}::uuid[])`)
      .orderBy('id')
      .forNoKeyUpdate(),
  );
  return rows.map((row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    revokedAt: row.revoked_at,
    auditSeq: row.audit_seq,
    auditHash: row.audit_hash,
  }));
}

export interface Revocation {
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
  /** The keys, each with its new audit head. */
  readonly heads: readonly { readonly keyId: string; readonly seq: number; readonly hash: Buffer }[];
}

export async function markRevoked(session: Session, { at, by, reason, heads }: Revocation): Promise<void> {
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET revoked_at = ${at}, revoked_by = ${by}, revoked_reason = ${reason},
           audit_seq = head.seq, audit_hash = head.hash
      FROM unnest(${heads.map((head) => head.keyId)}::uuid[], ${heads.map((head) => head.seq)}::bigint[],
                  ${heads.map((head) => head.hash)}::bytea[]) AS head (id, seq, hash)
     WHERE key.id = head.id`);
}
