import { type Expression, type SqlBool, sql } from 'kysely';
import type { KeySort, KeyStatus } from '../domain/key.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

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

/** The order of a list, and where a page of it begins. */
export interface PagePosition {
  readonly sort: KeySort;
  readonly descending: boolean;
  /** The last key of the page before, by its sort value as text and its id. */
  readonly after?: { readonly value: string; readonly id: string } | undefined;
}

export interface SortColumns {
  readonly value: Expression<unknown>;
  readonly id: Expression<unknown>;
  readonly type: string;
}

/** What a list is sorted by, each beside the index that has it. Keys without an end come last, unused ones first. */
export const SORT_COLUMNS: Readonly<Record<KeySort, SortColumns>> = {
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

/** A filter and, for a page of a list, where in it the page begins. */
type Filtered = KeyFilter & Partial<PagePosition>;

/**
 * A limit to what a list is sorted by. An index scan begins at one condition: past the first page, one at the side of the
 * beginning must not be it, or every entry between the two is read.
 */
function rangeBound(
  { sort, descending, after }: Filtered,
  by: KeySort,
  side: 'from' | 'up to',
  condition: Expression<unknown>,
): Expression<unknown> {
  const atBeginning = descending === (side === 'up to');
  return after !== undefined && sort === by && atBeginning ? opaqueToPlanner(condition) : condition;
}

/** The conditions of every status but frozen; `ownerFrozen` tells whether a key's owner is. */
export function statusIs(filter: Filtered, ownerFrozen: Expression<SqlBool>): Expression<unknown>[] {
  const notStopped = opaqueToPlanner(sql`${NOT_REVOKED} AND NOT (${KEY_FROZEN} OR ${ownerFrozen})`);
  switch (filter.status) {
    case undefined:
    case 'frozen':
      return [];
    case 'revoked':
      return [sql`key.revoked_at IS NOT NULL`];
    case 'expired':
      return [
        rangeBound(filter, 'expires', 'up to', sql`${EXPIRES_AT} <= statement_timestamp()`),
        notStopped,
      ];
    case 'active':
      return [rangeBound(filter, 'expires', 'from', NOT_EXPIRED), notStopped];
  }
}

/** All that was asked for but the status. */
export function conditions(filter: Filtered): Expression<unknown>[] {
  const { tenant, owner, scopeSets = [], nameLike, expiringWithinMs, unusedForMs } = filter;
  const all: Expression<unknown>[] = [tenantIs('key.tenant_id', tenant)];
  if (owner !== undefined) all.push(sql`key.owner_id = ${owner}`);
  for (const scopes of scopeSets) all.push(sql`key.scopes && ${[...scopes]}::text[]`);
  if (nameLike !== undefined) all.push(...namedLike(filter, nameLike));
  if (expiringWithinMs !== undefined) {
    const soon = sql`statement_timestamp() + ${expiringWithinMs} * interval '1 ms'`;
    all.push(
      opaqueToPlanner(NOT_REVOKED),
      rangeBound(filter, 'expires', 'from', NOT_EXPIRED),
      rangeBound(filter, 'expires', 'up to', sql`${EXPIRES_AT} <= ${soon}`),
    );
  }
  if (unusedForMs !== undefined) {
    const since = sql`statement_timestamp() - ${unusedForMs} * interval '1 ms'`;
    all.push(
      rangeBound(filter, 'last-used', 'up to', sql`${SORT_COLUMNS['last-used'].value} <= ${since}`),
      rangeBound(filter, 'created', 'up to', sql`key.created_at <= ${since}`),
    );
  }
  return all;
}

/** LIKE bounds an index scan at both ends, and is one condition: where it must not be the beginning, the end is told anew. */
function namedLike(filter: Filtered, pattern: string): Expression<unknown>[] {
  const like = sql`key.name LIKE ${pattern}`;
  const limit = rangeBound(filter, 'name', 'up to', like);
  if (limit === like) return [like];
  const literal = /^(?:[^\\%_]|\\.)*/su.exec(pattern)?.[0] ?? '';
  return [limit, sql`key.name >= ${literal.replaceAll(/\\(.)/gsu, '$1')}`];
}

export const allOf = (all: readonly Expression<unknown>[]) =>
  sql<SqlBool>`${sql.join([sql`true`, ...all], sql` AND `)}`;

/** The expression of keys_expires_idx. */
const EXPIRES_AT = SORT_COLUMNS.expires.value;

/** A live key is not revoked, and not expired by the clock. A list asks for either by itself; see {@link rangeBound}. */
export const NOT_REVOKED = sql<SqlBool>`key.revoked_at IS NULL`;
const notExpiredBy = (now: Expression<unknown>) => sql<SqlBool>`${EXPIRES_AT} > ${now}`;
const NOT_EXPIRED = notExpiredBy(sql`statement_timestamp()`);

/** Whether `key` is live by this reading of the clock: what counts towards an owner's limit. */
export const isLiveBy = (now: Expression<unknown>) => sql<SqlBool>`(${NOT_REVOKED} AND ${notExpiredBy(now)})`;

/**
 * A condition that half of all rows are taken to meet. The planner knows nothing of a table that was not analysed (after
 * an import, a restore, always in the embedded engine), takes one key in 200 to be not revoked, and so sorts them all.
 */
export const opaqueToPlanner = (condition: Expression<unknown>) =>
  sql`CASE WHEN ${condition} THEN true ELSE false END`;

/** The SQL of `isFrozenAt`; a test holds the two together. */
const freezeOf = (table: 'key' | 'owner') => {
  const [at, until] = [sql.ref(`${table}.frozen_at`), sql.ref(`${table}.frozen_until`)];
  return sql<SqlBool>`(${at} IS NOT NULL AND ${opaqueToPlanner(sql`${until} IS NULL OR ${until} > statement_timestamp()`)})`;
};

export const KEY_FROZEN = freezeOf('key');
export const FREEZE_OF_OWNER = freezeOf('owner');

/** Reads the frozen owners once: right for many keys. */
export const OWNER_FROZEN = sql<SqlBool>`(key.tenant_id, key.owner_id) IN (
  SELECT owner.tenant_id, owner.owner_id FROM apikeys.owners AS owner WHERE ${FREEZE_OF_OWNER})`;

/** Asks for the owner of each key: right for a page, however many owners are frozen. */
export const OWNER_PROBED = sql<SqlBool>`(
  SELECT true FROM apikeys.owners AS owner
   WHERE owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id AND ${FREEZE_OF_OWNER}) IS NOT NULL`;

/** When a key ended: the expression of keys_dead_idx, and its condition. */
export const ENDED_AT = sql`LEAST(key.revoked_at, key.expires_at)`;
export const HAS_END = sql<SqlBool>`(key.revoked_at IS NOT NULL OR key.expires_at IS NOT NULL)`;

/** Whether cleanup may take a key that has ended, or secrets of it: not while a freeze keeps it. Revoked outranks frozen. */
export const MAY_GO = sql<SqlBool>`(key.revoked_at IS NOT NULL OR NOT (${KEY_FROZEN} OR ${OWNER_FROZEN}))`;

/** Whether cleanup deletes `key` when it keeps what ended after `cutoff`. */
export const isPurgeable = (cutoff: Date | Expression<unknown>) =>
  sql<SqlBool>`${HAS_END} AND ${ENDED_AT} <= ${cutoff} AND ${MAY_GO}`;
