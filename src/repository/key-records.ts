import { type Expression, sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { deriveStatus, isFrozenAt, type Key } from '../domain/key.js';

/** Keys with what their status depends on: the owner's freeze, their activity and the clock of the statement. */
export const keyRecords = build
  .selectFrom('apikeys.keys as key')
  .innerJoin('apikeys.owners as owner', (join) =>
    join.onRef('owner.tenant_id', '=', 'key.tenant_id').onRef('owner.owner_id', '=', 'key.owner_id'),
  )
  .leftJoin('apikeys.key_activity as activity', 'activity.key_id', 'key.id')
  .select([
    'key.id',
    'key.tenant_id',
    'key.owner_id',
    'key.name',
    'key.description',
    'key.key_prefix',
    'key.scopes',
    'key.metadata',
    'key.frozen_at',
    'key.frozen_until',
    'key.frozen_reason',
    'key.created_at',
    'key.created_by',
    'key.expires_at',
    'key.revoked_at',
    'key.revoked_by',
    'key.revoked_reason',
    'owner.frozen_at as owner_frozen_at',
    'owner.frozen_until as owner_frozen_until',
    'owner.frozen_reason as owner_frozen_reason',
    'activity.last_used_at',
    'activity.total_requests',
    sql<Date>`statement_timestamp()`.as('now'),
  ]);

type KeyRecord = Awaited<ReturnType<typeof keyRecords.execute>>[number];

export function toKey(record: KeyRecord): Key {
  const own = { frozenAt: record.frozen_at, frozenUntil: record.frozen_until };
  const ofOwner = { frozenAt: record.owner_frozen_at, frozenUntil: record.owner_frozen_until };
  const frozenByOwner = isFrozenAt(ofOwner, record.now);
  const isFrozen = frozenByOwner || isFrozenAt(own, record.now);
  const byOwnerAlone = frozenByOwner && !isFrozenAt(own, record.now);
  return {
    id: record.id,
    tenantId: record.tenant_id,
    ownerId: record.owner_id,
    name: record.name,
    description: record.description,
    keyPrefix: record.key_prefix,
    status: deriveStatus(
      { revokedAt: record.revoked_at, frozen: isFrozen, expiresAt: record.expires_at },
      record.now,
    ),
    scopes: record.scopes,
    metadata: record.metadata,
    isFrozen,
    frozenByOwner,
    frozenAt: isFrozen ? (byOwnerAlone ? record.owner_frozen_at : record.frozen_at) : null,
    frozenUntil: isFrozen ? (byOwnerAlone ? record.owner_frozen_until : record.frozen_until) : null,
    frozenReason: isFrozen ? (byOwnerAlone ? record.owner_frozen_reason : record.frozen_reason) : null,
    createdAt: record.created_at,
    createdBy: record.created_by,
    expiresAt: record.expires_at,
    lastUsedAt: record.last_used_at,
    totalRequests: record.total_requests ?? 0,
    revokedAt: record.revoked_at,
    revokedBy: record.revoked_by,
    revokedReason: record.revoked_reason,
  };
}

/** These keys, in the order of their ids; those that do not exist are missing. */
export async function findKeys(session: Session, ids: readonly string[]): Promise<Key[]> {
  const rows = await session.rows(
    keyRecords.where('key.id', '=', sql<string>`ANY(${[...ids]}::uuid[])`).orderBy('key.id'),
  );
  return rows.map(toKey);
}

/** Each query keeps its own order and limit: the compiler puts it in parentheses. */
export const unionAll = <Row>(queries: readonly Expression<unknown>[]) =>
  sql<Row>`${sql.join([...queries], sql` UNION ALL `)}`;
