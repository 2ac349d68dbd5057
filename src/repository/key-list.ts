import { type Expression, type SqlBool, sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import type { Key, KeySort, KeyStatus } from '../domain/key.js';
import { keyRecords, type TenantScope, toKey, unionAll } from './key-records.js';

export interface KeyFilter {
  readonly tenant?: TenantScope;
  readonly owner?: string | undefined;
  readonly status?: KeyStatus | undefined;
  /** Keys that hold any of these scopes. */
  readonly anyScope?: readonly string[] | undefined;
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
  const { limit, sort, descending } = request;
  const { value, id } = SORT_COLUMNS[sort];
  const direction = descending ? ('desc' as const) : ('asc' as const);
  const pages = matching(request).map((where) =>
    withActivity(request)
      .select('key.id')
      .where(allOf([...where, ...position(request)]))
      .orderBy(value, direction)
      .orderBy(id, direction)
      .limit(limit),
  );
  return keyRecords
    .innerJoin(sql<{ id: string }>`(${unionAll(pages)})`.as<'page'>(sql`page`), 'page.id', 'key.id')
    .orderBy(value, direction)
    .orderBy(id, direction)
    .limit(limit);
}

export async function countKeys(session: Session, filter: KeyFilter): Promise<number> {
  let total = 0;
  for (const where of matching(filter)) {
    const [row] = await session.rows(
      withActivity({ ...filter, sort: 'created' })
        .select(sql<number>`count(*)`.as('count'))
        .where(allOf(where)),
    );
    total += row?.count ?? 0;
  }
  return total;
}

/** Only what needs the activity joins it: every other list stays within the keys. */
function withActivity({ unusedForMs, sort }: Pick<PageRequest, 'unusedForMs' | 'sort'>) {
  const keys = build.selectFrom('apikeys.keys as key');
  if (unusedForMs === undefined && sort !== 'last-used') return keys;
  return keys.innerJoin(
    'apikeys.key_activity as activity',
    'activity.key_id',
    'key.id',
  ) as unknown as typeof keys;
}

function position({ after, sort, descending }: PageRequest): Expression<unknown>[] {
  if (after === undefined) return [];
  const { value, id, type } = SORT_COLUMNS[sort];
  const last = sql`(${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  return [descending ? sql`(${value}, ${id}) < ${last}` : sql`(${value}, ${id}) > ${last}`];
}

/**
 * The filter as conditions, in one or two sets that have no key in common: frozen by itself and frozen by its
 * owner are two, since an OR over both reads the whole table where each alone reads an index.
 */
function matching({ status, ...filter }: KeyFilter): Expression<unknown>[][] {
  const common = conditions(filter);
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
      return [[...common, ...NOT_STOPPED, sql`${EXPIRES_AT} <= statement_timestamp()`]];
    case 'active':
      return [[...common, ...NOT_STOPPED, sql`${EXPIRES_AT} > statement_timestamp()`]];
  }
}

function conditions(filter: Omit<KeyFilter, 'status'>): Expression<unknown>[] {
  const { tenant, owner, anyScope, nameLike, expiringWithinMs, unusedForMs } = filter;
  const all: Expression<unknown>[] = [];
  if (tenant !== undefined) all.push(sql`key.tenant_id = ${tenant}`);
  if (owner !== undefined) all.push(sql`key.owner_id = ${owner}`);
  if (anyScope !== undefined) all.push(sql`key.scopes && ${[...anyScope]}::text[]`);
  if (nameLike !== undefined) all.push(sql`key.name LIKE ${nameLike}`);
  if (expiringWithinMs !== undefined) {
    all.push(
      sql`key.revoked_at IS NULL`,
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

/** The SQL of `isFrozenAt`; a test holds the two together. */
const KEY_FROZEN = sql`(key.frozen_at IS NOT NULL AND (key.frozen_until IS NULL OR key.frozen_until > statement_timestamp()))`;
const OWNER_FROZEN = sql`(key.tenant_id, key.owner_id) IN (
  SELECT tenant_id, owner_id FROM apikeys.owners
   WHERE frozen_at IS NOT NULL AND (frozen_until IS NULL OR frozen_until > statement_timestamp()))`;
const NOT_STOPPED = [sql`key.revoked_at IS NULL`, sql`NOT ${KEY_FROZEN}`, sql`NOT ${OWNER_FROZEN}`];
