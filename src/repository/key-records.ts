import { type Expression, type SqlBool, sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { deriveStatus, isFrozenAt, type Key, type KeyStatus } from '../domain/key.js';

/** The tenant that everything is confined to; undefined: all tenants. */
export type TenantScope = string | undefined;

/** Keys with what their status depends on: the owner's freeze, their activity and the clock of the statement. */
const keyRecords = build
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

function toKey(record: KeyRecord): Key {
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
const unionAll = <Row>(queries: readonly Expression<unknown>[]) =>
  sql<Row>`${sql.join([...queries], sql` UNION ALL `)}`;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * The ids of the keys that `reference` may mean: a key's id, the prefix of any of its kept secrets, or its name;
 * at most `limit`.
 */
export async function findCandidates(
  session: Session,
  reference: string,
  tenant: TenantScope,
  limit: number,
): Promise<string[]> {
  const byName = build
    .selectFrom('apikeys.keys as key')
    .select('key.id')
    .where('key.name', '=', reference)
    .$if(tenant !== undefined, (query) => query.where('key.tenant_id', '=', tenant ?? ''))
    .limit(limit);
  const byPrefix = build
    .selectFrom('apikeys.secrets as secret')
    .innerJoin('apikeys.keys as key', 'key.id', 'secret.key_id')
    .select('key.id')
    .where('secret.key_prefix', '=', reference)
    .$if(tenant !== undefined, (query) => query.where('key.tenant_id', '=', tenant ?? ''))
    .limit(limit);
  const byId = build
    .selectFrom('apikeys.keys as key')
    .select('key.id')
    .where('key.id', '=', reference.toLowerCase())
    .$if(tenant !== undefined, (query) => query.where('key.tenant_id', '=', tenant ?? ''));
  const branches = UUID.test(reference) ? [byName, byPrefix, byId] : [byName, byPrefix];
  const rows = await session.rows(unionAll<{ id: string }>(branches));
  const ids = new Set(rows.map(({ id }) => id));
  // A key named like another's id must not make that id ambiguous.
  return ids.has(reference.toLowerCase()) ? [reference.toLowerCase()] : [...ids].slice(0, limit);
}

export interface KeyFilter {
  readonly tenant?: TenantScope;
  readonly owner?: string | undefined;
  readonly status?: KeyStatus | undefined;
}

/** Where a page of keys, newest first, begins: after this key. */
export interface PagePosition {
  readonly createdAt: Date;
  readonly id: string;
}

export interface PageRequest extends KeyFilter {
  readonly limit: number;
  readonly after?: PagePosition | undefined;
}

/** One page of keys, newest first. */
export async function findPage(session: Session, request: PageRequest): Promise<Key[]> {
  const { limit, after } = request;
  const pages = matching(request).map((where) =>
    build
      .selectFrom('apikeys.keys as key')
      .select(['key.id', 'key.created_at'])
      .where(sql<SqlBool>`${sql.join([sql`true`, ...where], sql` AND `)}`)
      .$if(after !== undefined, (query) =>
        query.where(sql<SqlBool>`(key.created_at, key.id) < (${after?.createdAt}, ${after?.id})`),
      )
      .orderBy('key.created_at', 'desc')
      .orderBy('key.id', 'desc')
      .limit(limit),
  );
  const rows = await session.rows(
    keyRecords
      .innerJoin(sql<{ id: string }>`(${unionAll(pages)})`.as<'page'>(sql`page`), 'page.id', 'key.id')
      .orderBy('key.created_at', 'desc')
      .orderBy('key.id', 'desc')
      .limit(limit),
  );
  return rows.map(toKey);
}

export async function countKeys(session: Session, filter: KeyFilter): Promise<number> {
  let total = 0;
  for (const where of matching(filter)) {
    const [row] = await session.rows(
      build
        .selectFrom('apikeys.keys as key')
        .select(sql<number>`count(*)`.as('count'))
        .where(sql<SqlBool>`${sql.join([sql`true`, ...where], sql` AND `)}`),
    );
    total += row?.count ?? 0;
  }
  return total;
}

/**
 * The filter as conditions, in one or two sets that have no key in common: frozen by itself and frozen by its
 * owner are two, since an OR over both reads the whole table where each alone reads an index.
 */
function matching({ tenant, owner, status }: KeyFilter): Expression<unknown>[][] {
  const common = [
    ...(tenant === undefined ? [] : [sql`key.tenant_id = ${tenant}`]),
    ...(owner === undefined ? [] : [sql`key.owner_id = ${owner}`]),
  ];
  switch (status) {
    case undefined:
      return [common];
    case 'revoked':
      return [[...common, sql`key.revoked_at IS NOT NULL`]];
    case 'frozen':
      return [
        [...common, sql`key.revoked_at IS NULL`, KEY_FROZEN],
        [...common, sql`key.revoked_at IS NULL`, sql`NOT ${KEY_FROZEN}`, OWNER_FROZEN],
      ];
    case 'expired':
      return [[...common, ...NOT_STOPPED, sql`key.expires_at <= statement_timestamp()`]];
    case 'active':
      return [
        [...common, ...NOT_STOPPED, sql`(key.expires_at IS NULL OR key.expires_at > statement_timestamp())`],
      ];
  }
}

/** The SQL of `isFrozenAt`; a test holds the two together. */
const KEY_FROZEN = sql`(key.frozen_at IS NOT NULL AND (key.frozen_until IS NULL OR key.frozen_until > statement_timestamp()))`;
const OWNER_FROZEN = sql`(key.tenant_id, key.owner_id) IN (
  SELECT tenant_id, owner_id FROM apikeys.owners
   WHERE frozen_at IS NOT NULL AND (frozen_until IS NULL OR frozen_until > statement_timestamp()))`;
const NOT_STOPPED = [sql`key.revoked_at IS NULL`, sql`NOT ${KEY_FROZEN}`, sql`NOT ${OWNER_FROZEN}`];
