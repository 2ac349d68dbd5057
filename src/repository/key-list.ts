import { type Expression, type SqlBool, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { Key, KeySort, KeyStatus } from '../domain/key.js';
import { keyRecords, type TenantScope, toKey, unionAll } from './key-records.js';

export interface KeyFilter {
  readonly tenant?: TenantScope;
  readonly owner?: string | undefined;
  readonly status?: KeyStatus | undefined;
  /** Keys that hold at least one scope of each of these sets. */
  readonly scopeSets?: readonly (readonly string[])[] | undefined;
  /** A pattern of LIKE, with `\\` as its escape. */
  readonly nameLike?: string | undefined;
  /** Live keys that end within so many milliseconds. */
  readonly expiringWithinMs?: number | undefined;
  /** Keys that are older than so many milliseconds and were not used since. */
  readonly unusedForMs?: number | undefined;
}

export interface PageRequest extends KeyFilter {
  readonly sort: KeySort;
  readonly descending: boolean;
  readonly limit: number;
  /** The last key of the page before, by its sort value as text (see {@link sortValueOf}) and its id. */
  readonly after?: { readonly value: string; readonly id: string } | undefined;
}

/** What a list is sorted by, each beside the index that has it. Keys without an end come last, unused ones first. */
const SORT_COLUMNS: Readonly<
  Record<KeySort, { value: Expression<unknown>; id: Expression<unknown>; type: string }>
> = {
  created: { value: sql`key.created_at`, id: sql`key.id`, type: 'timestamptz' }, // keys_created_idx
  name: { value: sql`key.name`, id: sql`key.id`, type: 'text' }, // keys_name_idx
  expires: {
    value: sql`COALESCE(key.expires_at, 'infinity'::timestamptz)`,
    id: sql`key.id`,
    type: 'timestamptz',
  }, // keys_expires_idx
  'last-used': {
    value: sql`COALESCE(activity.last_used_at, '-infinity'::timestamptz)`,
    id: sql`activity.key_id`,
    type: 'timestamptz',
  }, // key_activity_last_used_idx
};

/** A key's place in a sorted list, as the text that `after` takes. */
export function sortValueOf(key: Key, sort: KeySort): string {
  switch (sort) {
    case 'created':
      return key.createdAt.toISOString();
    case 'name':
      return key.name;
    case 'expires':
      return key.expiresAt?.toISOString() ?? 'infinity';
    case 'last-used':
      return key.lastUsedAt?.toISOString() ?? '-infinity';
  }
}

/** One page of keys. Reads about as many rows as it gives, at any depth: pages continue after a key, not at a number. */
export async function findPage(session: Session, request: PageRequest): Promise<Key[]> {
  const rows = await session.rows(pageQuery(request));
  return rows.map(toKey);
}

/** The query of {@link findPage}, for a look at its plan. */
export function pageQuery(request: PageRequest) {
  const { value, id } = SORT_COLUMNS[request.sort];
  const direction = request.descending ? ('desc' as const) : ('asc' as const);
  return keyRecords
    .innerJoin(sql<{ id: string }>`(${pageIds(request)})`.as<'page'>(sql`page`), 'page.id', 'key.id')
    .orderBy(value, direction)
    .orderBy(id, direction)
    .limit(request.limit);
}

/** The ids of the page, found first, so that all else about a key is read for those alone. */
function pageIds(request: PageRequest): Expression<unknown> {
  const ordered = inOrder(request);
  if (request.status === 'frozen') {
    const either = unionAll([frozenThemselves(request), frozenByOwner(request)]);
    return sql`SELECT id FROM (${either}) AS either ${ordered}`;
  }
  const found = candidates(request, [...conditions(request), ...statusIs(request.status, OWNER_PROBED)]);
  // OFFSET 0 keeps the planner from looking along the sort for the first that match.
  if (misleadsPlanner(request)) return sql`SELECT id FROM (${found} OFFSET 0) AS found ${ordered}`;
  return sql`SELECT id FROM (${found}) AS found ${ordered}`;
}

/**
 * Whether what matches lies at one end of the sort: the newest keys have not expired, those that end soon are of one
 * age. The planner takes it to be spread evenly, and would read nearly every key before the first that matches.
 */
function misleadsPlanner({ status, expiringWithinMs, sort, descending }: PageRequest): boolean {
  if (sort !== 'created' && sort !== 'last-used') return false;
  return expiringWithinMs !== undefined || (status === 'expired' && descending);
}

/**
 * Frozen by itself and frozen by its owner are two queries that have no key in common: an OR over both reads the whole
 * table where each alone reads an index.
 */
function frozenThemselves(request: PageRequest): Expression<unknown> {
  const where = [...conditions(request), sql`key.revoked_at IS NULL`, KEY_FROZEN];
  return sql`(SELECT id, value FROM (${candidates(request, where)}) AS own ${inOrder(request)})`;
}

/** Takes no more than a page of any owner: the cost is that of the frozen owners, however many keys they have. */
function frozenByOwner(request: PageRequest): Expression<unknown> {
  const { tenant, owner, ...rest } = request;
  const owners = [FREEZE_OF_OWNER];
  if (tenant !== undefined) owners.push(sql`owner.tenant_id = ${tenant}`);
  if (owner !== undefined) owners.push(sql`owner.owner_id = ${owner}`);
  const where = [
    sql`key.tenant_id = owner.tenant_id AND key.owner_id = owner.owner_id`,
    ...conditions(rest),
    hidden(sql`key.revoked_at IS NULL AND NOT ${KEY_FROZEN}`),
  ];
  return sql`(
    SELECT id, value
      FROM apikeys.owners AS owner
     CROSS JOIN LATERAL (SELECT id, value FROM (${candidates(request, where)}) AS own ${inOrder(request)}) AS first
     WHERE ${allOf(owners)}
     ${inOrder(request)})`;
}

/** The keys that match and follow the page before, each with what it is sorted by. */
function candidates(request: PageRequest, where: readonly Expression<unknown>[]): Expression<unknown> {
  const { value, id } = SORT_COLUMNS[request.sort];
  return sql`
    SELECT ${id} AS id, ${value} AS value
      FROM ${withActivity(request)}
     WHERE ${allOf([...where, ...position(request)])}`;
}

/** Of rows that have `value` and `id`. */
function inOrder({ descending, limit }: PageRequest): Expression<unknown> {
  return descending
    ? sql`ORDER BY value DESC, id DESC LIMIT ${limit}`
    : sql`ORDER BY value, id LIMIT ${limit}`;
}

export async function countKeys(session: Session, filter: KeyFilter): Promise<number> {
  let total = 0;
  for (const status of countedAs(filter.status)) {
    const [row] = await session.rows(sql<{ count: number }>`
      SELECT count(*) AS count
        FROM ${withActivity({ ...filter, sort: 'created' })}
       WHERE ${allOf([...conditions(filter), ...status])}`);
    total += row?.count ?? 0;
  }
  return total;
}

/** Only what needs the activity joins it: every other list stays within the keys. */
const withActivity = ({
  unusedForMs,
  sort,
}: Pick<PageRequest, 'unusedForMs' | 'sort'>): Expression<unknown> =>
  unusedForMs === undefined && sort !== 'last-used'
    ? sql`apikeys.keys AS key`
    : sql`apikeys.keys AS key JOIN apikeys.key_activity AS activity ON activity.key_id = key.id`;

function position({ after, sort, descending }: PageRequest): Expression<unknown>[] {
  if (after === undefined) return [];
  const { value, id, type } = SORT_COLUMNS[sort];
  const last = sql`(${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  return [descending ? sql`(${value}, ${id}) < ${last}` : sql`(${value}, ${id}) > ${last}`];
}

/** The conditions of every status but frozen; `ownerFrozen` tells whether a key's owner is. */
function statusIs(
  status: Exclude<KeyStatus, 'frozen'> | undefined,
  ownerFrozen: Expression<SqlBool>,
): Expression<unknown>[] {
  const notStopped = hidden(sql`key.revoked_at IS NULL AND NOT (${KEY_FROZEN} OR ${ownerFrozen})`);
  switch (status) {
    case undefined:
      return [];
    case 'revoked':
      return [sql`key.revoked_at IS NOT NULL`];
    case 'expired':
      return [sql`${EXPIRES_AT} <= statement_timestamp()`, notStopped];
    case 'active':
      return [sql`${EXPIRES_AT} > statement_timestamp()`, notStopped];
  }
}

/** Frozen keys are counted as they are listed: those frozen by themselves, then those by their owner alone. */
function countedAs(status: KeyStatus | undefined): Expression<unknown>[][] {
  if (status !== 'frozen') return [statusIs(status, OWNER_FROZEN)];
  return [
    [sql`key.revoked_at IS NULL`, KEY_FROZEN],
    [sql`key.revoked_at IS NULL`, sql`NOT ${KEY_FROZEN}`, OWNER_FROZEN],
  ];
}

function conditions(filter: Omit<KeyFilter, 'status'>): Expression<unknown>[] {
  const { tenant, owner, scopeSets = [], nameLike, expiringWithinMs, unusedForMs } = filter;
  const all: Expression<unknown>[] = [];
  if (tenant !== undefined) all.push(sql`key.tenant_id = ${tenant}`);
  if (owner !== undefined) all.push(sql`key.owner_id = ${owner}`);
  for (const scopes of scopeSets) all.push(sql`key.scopes && ${[...scopes]}::text[]`);
  if (nameLike !== undefined) all.push(sql`key.name LIKE ${nameLike}`);
  if (expiringWithinMs !== undefined) {
    all.push(
      hidden(sql`key.revoked_at IS NULL`),
      sql`${EXPIRES_AT} > statement_timestamp()`,
      sql`${EXPIRES_AT} <= statement_timestamp() + ${expiringWithinMs} * interval '1 ms'`,
    );
  }
  if (unusedForMs !== undefined) {
    const since = sql`statement_timestamp() - ${unusedForMs} * interval '1 ms'`;
    all.push(sql`${SORT_COLUMNS['last-used'].value} <= ${since}`, sql`key.created_at <= ${since}`);
  }
  return all;
}

const allOf = (all: readonly Expression<unknown>[]) =>
  sql<SqlBool>`${sql.join([sql`true`, ...all], sql` AND `)}`;

/** The expression of keys_expires_idx. */
const EXPIRES_AT = SORT_COLUMNS.expires.value;

/**
 * A condition that half of all rows are taken to meet. The planner knows nothing of a table that was not analysed (after
 * an import, a restore, always in the embedded engine), takes one key in 200 to be not revoked, and so sorts them all.
 */
const hidden = (condition: Expression<unknown>) => sql`CASE WHEN ${condition} THEN true ELSE false END`;

/** The SQL of `isFrozenAt`; a test holds the two together. */
const freezeOf = (table: 'key' | 'owner') => {
  const [at, until] = [sql.ref(`${table}.frozen_at`), sql.ref(`${table}.frozen_until`)];
  return sql<SqlBool>`(${at} IS NOT NULL AND ${hidden(sql`${until} IS NULL OR ${until} > statement_timestamp()`)})`;
};

export const KEY_FROZEN = freezeOf('key');
const FREEZE_OF_OWNER = freezeOf('owner');

/** Reads the frozen owners once: right for many keys. */
export const OWNER_FROZEN = sql<SqlBool>`(key.tenant_id, key.owner_id) IN (
  SELECT owner.tenant_id, owner.owner_id FROM apikeys.owners AS owner WHERE ${FREEZE_OF_OWNER})`;

/** Asks for the owner of each key: right for a page, however many owners are frozen. */
const OWNER_PROBED = sql<SqlBool>`(
  SELECT true FROM apikeys.owners AS owner
   WHERE owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id AND ${FREEZE_OF_OWNER}) IS NOT NULL`;
