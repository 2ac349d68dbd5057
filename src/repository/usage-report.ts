import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { OwnerRef } from './owners.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';
import type { UsageTotal } from './usage.js';

/** Whose days are added up: both included, as `2026-12-31`. */
export interface UsageRange {
  readonly from: string;
  readonly to: string;
}

export interface UsageScope extends UsageRange {
  readonly tenant?: TenantScope;
  readonly owner?: string | undefined;
}

export interface DayUsage extends UsageTotal {
  readonly day: string;
}

/** A key's days that have any usage, in order; also of a key that has been deleted. */
export async function usageByDay(
  session: Session,
  keyId: string,
  { from, to }: UsageRange,
): Promise<DayUsage[]> {
  return session.rows(sql<DayUsage>`
    SELECT day, request_count AS "requestCount", spend_cents AS "spendCents"
      FROM apikeys.usage_daily
     WHERE key_id = ${keyId} AND day BETWEEN ${from}::date AND ${to}::date
     ORDER BY day`);
}

/** The days that have any usage of the keys in the scope, in order, deleted ones too; those of an owner by an index. */
export async function usageOfAllByDay(session: Session, scope: UsageScope): Promise<DayUsage[]> {
  return session.rows(usageOfAllQuery(scope));
}

/** The query of {@link usageOfAllByDay}, for a look at its plan. */
export const usageOfAllQuery = (scope: UsageScope) =>
  sql<DayUsage>`SELECT day, ${sums} FROM apikeys.usage_daily ${within(scope)} GROUP BY day ORDER BY day`;

/** Whose key this was, as far as its usage tells; undefined where there is none. */
export async function ownerOfUsage(
  session: Session,
  keyId: string,
  tenant: TenantScope,
): Promise<OwnerRef | undefined> {
  const [owner] = await session.rows(sql<OwnerRef>`
    SELECT tenant_id AS "tenantId", owner_id AS "ownerId" FROM apikeys.usage_daily
     WHERE key_id = ${keyId} AND ${tenantIs('tenant_id', tenant)} LIMIT 1`);
  return owner;
}

export interface KeyUsage extends OwnerRef, UsageTotal {
  readonly keyId: string;
  /** Null once the key is deleted. */
  readonly name: string | null;
  /** Null once the key is deleted. */
  readonly keyPrefix: string | null;
}

const MOST = sql.lit(Number.MAX_SAFE_INTEGER);
/** Of no rows the sum is null, and the lesser of null and a limit would be the limit. */
const sumOfColumn = (column: string) =>
  sql<number>`LEAST(COALESCE(sum(${sql.ref(column)}), 0), ${MOST})::bigint`;
const sums = sql`${sumOfColumn('request_count')} AS "requestCount", ${sumOfColumn('spend_cents')} AS "spendCents"`;

/** The keys with the most requests, then the most spend; deleted ones too. */
export async function topUsage(session: Session, scope: UsageScope, limit: number): Promise<KeyUsage[]> {
  return session.rows(sql<KeyUsage>`
    SELECT top.*, key.name, key.key_prefix AS "keyPrefix"
      FROM (SELECT key_id AS "keyId", tenant_id AS "tenantId", owner_id AS "ownerId", ${sums}
              FROM apikeys.usage_daily ${within(scope)}
             GROUP BY key_id, tenant_id, owner_id
             ORDER BY sum(request_count) DESC, sum(spend_cents) DESC, key_id LIMIT ${limit}) AS top
      LEFT JOIN apikeys.keys AS key ON key.id = top."keyId"
     ORDER BY top."requestCount" DESC, top."spendCents" DESC, top."keyId"`);
}

/** Of all keys in the scope, deleted ones too. */
export async function totalUsage(session: Session, scope: UsageScope): Promise<UsageTotal> {
  const [total] = await session.rows(
    sql<UsageTotal>`SELECT ${sums} FROM apikeys.usage_daily ${within(scope)}`,
  );
  return total ?? { requestCount: 0, spendCents: 0 };
}

function within({ from, to, tenant, owner }: UsageScope) {
  const conditions = [sql`day BETWEEN ${from}::date AND ${to}::date`, tenantIs('tenant_id', tenant)];
  if (owner !== undefined) conditions.push(sql`owner_id = ${owner}`);
  return sql`WHERE ${sql.join(conditions, sql` AND `)}`;
}
