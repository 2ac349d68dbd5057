import { type Expression, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { Key, KeySort } from '../domain/key.js';
import {
  allOf,
  conditions,
  FREEZE_OF_OWNER,
  KEY_FROZEN,
  type KeyFilter,
  NOT_REVOKED,
  OWNER_FROZEN,
  OWNER_PROBED,
  opaqueToPlanner,
  type PagePosition,
  SORT_COLUMNS,
  type SortColumns,
  statusIs,
} from './key-conditions.js';
import { keyRecords, toKey, unionAll } from './key-records.js';
import { tenantIs } from './tenant-condition.js';

export interface PageRequest extends KeyFilter, PagePosition {
  readonly limit: number;
}

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

function pageQuery(request: PageRequest) {
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
  if (misleadsPlanner(request)) return sql`SELECT id FROM (${allThatMatch(request)}) AS matching ${ordered}`;
  const where = [...conditions(request), ...statusIs(request, OWNER_PROBED), ...afterPosition(request)];
  return sql`SELECT id FROM (${candidates(request, where)}) AS found ${ordered}`;
}

/**
 * Whether what matches lies at one end of the sort: the newest keys have not expired, those that end soon are of one
 * age. The planner takes it to be spread evenly, and would read nearly every key before the first that matches.
 */
function misleadsPlanner({ status, expiringWithinMs, sort, descending }: PageRequest): boolean {
  if (sort !== 'created' && sort !== 'last-used') return false;
  return expiringWithinMs !== undefined || (status === 'expired' && descending);
}

/** OFFSET 0 keeps the planner from looking for them along the sort, or from page to page. */
function allThatMatch(request: PageRequest): Expression<unknown> {
  const { after, ...whole } = request;
  const where = [...conditions(whole), ...statusIs(whole, OWNER_FROZEN)];
  return sql`
    SELECT id, value FROM (${candidates(request, where)} OFFSET 0) AS found
     WHERE ${allOf(afterPosition(request, found(request.sort)))}`;
}

/**
 * Frozen by itself and frozen by its owner are two queries that have no key in common: an OR over both reads the whole
 * table where each alone reads an index.
 */
function frozenThemselves(request: PageRequest): Expression<unknown> {
  const where = [...conditions(request), NOT_REVOKED, KEY_FROZEN, ...afterPosition(request)];
  return sql`(SELECT id, value FROM (${candidates(request, where)}) AS own ${inOrder(request)})`;
}

/**
 * The cost is that of the frozen owners: a page of each at most in the order of keys_tenant_owner_idx, all their keys in
 * any other, where OFFSET 0 keeps the planner from walking an index of that order once for each owner.
 */
function frozenByOwner(request: PageRequest): Expression<unknown> {
  // Without its position, which follows below, and in the form that the order allows.
  const { tenant, owner, after, ...rest } = request;
  const owners = [FREEZE_OF_OWNER, tenantIs('owner.tenant_id', tenant)];
  if (owner !== undefined) owners.push(sql`owner.owner_id = ${owner}`);
  const where = [
    sql`key.tenant_id = owner.tenant_id AND key.owner_id = owner.owner_id`,
    ...conditions(rest),
    opaqueToPlanner(sql`${NOT_REVOKED} AND NOT ${KEY_FROZEN}`),
  ];
  const ordered = inOrder(request);
  const ofEach =
    request.sort === 'created'
      ? sql`SELECT id, value FROM (${candidates(request, [...where, ...afterPosition(request)])}) AS found ${ordered}`
      : sql`SELECT id, value FROM (${candidates(request, where)}) AS found OFFSET 0`;
  return sql`(
    SELECT id, value
      FROM apikeys.owners AS owner
     CROSS JOIN LATERAL (${ofEach}) AS own
     WHERE ${allOf([...owners, ...afterPosition(request, found(request.sort))])}
     ${ordered})`;
}

/** The columns of {@link candidates}. */
const found = (sort: KeySort): SortColumns => ({
  value: sql`value`,
  id: sql`id`,
  type: SORT_COLUMNS[sort].type,
});

/** The keys that match, each with what it is sorted by. */
function candidates(request: PageRequest, where: readonly Expression<unknown>[]): Expression<unknown> {
  const { value, id } = SORT_COLUMNS[request.sort];
  return sql`
    SELECT ${id} AS id, ${value} AS value
      FROM ${withActivity(request)}
     WHERE ${allOf(where)}`;
}

/** Of rows that have `value` and `id`. */
function inOrder({ descending, limit }: PageRequest): Expression<unknown> {
  return descending
    ? sql`ORDER BY value DESC, id DESC LIMIT ${limit}`
    : sql`ORDER BY value, id LIMIT ${limit}`;
}

/** With `most` it ends there: nobody reads a larger number to the last digit. */
export async function countKeys(session: Session, filter: KeyFilter, most?: number): Promise<number> {
  let total = 0;
  for (const status of countedAs(filter)) {
    const matching = sql`
        FROM ${withActivity({ ...filter, sort: 'created' })}
       WHERE ${allOf([...conditions(filter), ...status])}`;
    const [row] = await session.rows(
      most === undefined
        ? sql<{ count: number }>`SELECT count(*) AS count ${matching}`
        : sql<{ count: number }>`
            SELECT count(*) AS count FROM (SELECT ${matching} LIMIT ${most - total}) AS counted`,
    );
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

/** What comes after the page before. */
function afterPosition(
  { after, sort, descending }: PageRequest,
  { value, id, type }: SortColumns = SORT_COLUMNS[sort],
): Expression<unknown>[] {
  if (after === undefined) return [];
  const last = sql`(${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  return [descending ? sql`(${value}, ${id}) < ${last}` : sql`(${value}, ${id}) > ${last}`];
}

/** Frozen keys are counted as they are listed: those frozen by themselves, then those by their owner alone. */
function countedAs(filter: KeyFilter): Expression<unknown>[][] {
  if (filter.status !== 'frozen') return [statusIs(filter, OWNER_FROZEN)];
  return [
    [NOT_REVOKED, KEY_FROZEN],
    [NOT_REVOKED, sql`NOT ${KEY_FROZEN}`, OWNER_FROZEN],
  ];
}
