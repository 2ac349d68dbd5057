import { type RawBuilder, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { LimitPeriod, Limits } from '../domain/limits.js';
import type { Standing } from '../domain/standing.js';
import type { OwnerRef } from './owners.js';

/** A key by its id, or an owner as a whole. */
export type LimitedRef = { readonly keyId: string } | OwnerRef;

/** The columns of limits as `toLimits` takes them. */
export interface LimitColumns {
  readonly rate_requests: number | null;
  readonly rate_window_ms: number | null;
  readonly quota_requests: number | null;
  readonly quota_period: LimitPeriod | null;
  readonly budget_cents: number | null;
  readonly budget_period: LimitPeriod | null;
  /** As text: `pg` gives an array of ranges as it came. */
  readonly allowed_ips: readonly string[] | null;
}

/** The columns of limits with what was used of them, as `toStanding` takes them. */
export interface StandingColumns extends LimitColumns {
  readonly now: Date;
  readonly rate_used: number;
  readonly rate_from: Date | null;
  readonly quota_used: number;
  readonly quota_from: Date | null;
  readonly budget_used: number;
  readonly budget_from: Date | null;
}

export const toStanding = (row: StandingColumns): Standing => ({
  now: row.now,
  limits: toLimits(row),
  counters: {
    rate: { used: row.rate_used, from: row.rate_from },
    quota: { used: row.quota_used, from: row.quota_from },
    budget: { used: row.budget_used, from: row.budget_from },
  },
});

export const toLimits = (row: LimitColumns): Limits => ({
  rate:
    row.rate_requests === null || row.rate_window_ms === null
      ? null
      : { requests: row.rate_requests, windowMs: row.rate_window_ms },
  quota:
    row.quota_requests === null || row.quota_period === null
      ? null
      : { requests: row.quota_requests, period: row.quota_period },
  budget:
    row.budget_cents === null || row.budget_period === null
      ? null
      : { cents: row.budget_cents, period: row.budget_period },
  allowedIps: row.allowed_ips ?? [],
});

const is = (ref: LimitedRef, table: string): RawBuilder<boolean> =>
  'keyId' in ref
    ? sql<boolean>`${sql.ref(`${table}.key_id`)} = ${ref.keyId}`
    : sql<boolean>`${sql.ref(`${table}.tenant_id`)} = ${ref.tenantId} AND ${sql.ref(`${table}.owner_id`)} = ${ref.ownerId}
                   AND ${sql.ref(`${table}.key_id`)} IS NULL`;

/** The limits of a key or an owner, and what is used of them now; undefined where it has none. Holds nothing. */
export async function findStanding(session: Session, ref: LimitedRef): Promise<Standing | undefined> {
  const [row] = await session.rows(sql<StandingColumns>`
    SELECT clock.now, standing.*, standing.allowed_ips::text[] AS allowed_ips
      FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS clock,
           apikeys.limits AS stored, apikeys.limits_as_of(stored, clock.now) AS standing
     WHERE ${is(ref, 'stored')}`);
  return row && toStanding(row);
}

/**
 * Stores the limits of a key or an owner whose row is held. What was counted stays, unless it is counted by another period
 * from now on.
 */
export async function storeLimits(session: Session, ref: LimitedRef, limits: Limits): Promise<void> {
  const { rate, quota, budget, allowedIps } = limits;
  const values = sql`${rate?.requests ?? null}::bigint, ${rate?.windowMs ?? null}::bigint,
    ${quota?.requests ?? null}::bigint, ${quota?.period ?? null}::text,
    ${budget?.cents ?? null}::bigint, ${budget?.period ?? null}::text, ${[...allowedIps]}::text[]::cidr[]`;
  const [subject, columns, conflict] =
    'keyId' in ref
      ? [sql`${ref.keyId}::uuid`, sql`key_id`, sql`(key_id) WHERE key_id IS NOT NULL`]
      : [
          sql`${ref.tenantId}::text, ${ref.ownerId}::text`,
          sql`tenant_id, owner_id`,
          sql`(tenant_id, owner_id) WHERE key_id IS NULL`,
        ];
  await session.rows(sql`
    INSERT INTO apikeys.limits AS old (${columns}, rate_requests, rate_window_ms, quota_requests, quota_period,
                                       budget_cents, budget_period, allowed_ips)
    VALUES (${subject}, ${values})
        ON CONFLICT ${conflict} DO UPDATE
       SET rate_requests = excluded.rate_requests, rate_window_ms = excluded.rate_window_ms,
           quota_requests = excluded.quota_requests, quota_period = excluded.quota_period,
           budget_cents = excluded.budget_cents, budget_period = excluded.budget_period,
           allowed_ips = excluded.allowed_ips,
           rate_used = CASE WHEN excluded.rate_requests IS NULL THEN 0 ELSE old.rate_used END,
           rate_from = CASE WHEN excluded.rate_requests IS NULL THEN NULL ELSE old.rate_from END,
           quota_used = CASE WHEN excluded.quota_period = old.quota_period THEN old.quota_used ELSE 0 END,
           quota_from = CASE WHEN excluded.quota_period = old.quota_period THEN old.quota_from END,
           budget_used = CASE WHEN excluded.budget_period = old.budget_period THEN old.budget_used ELSE 0 END,
           budget_from = CASE WHEN excluded.budget_period = old.budget_period THEN old.budget_from END`);
}

/** Takes all limits from a key or an owner whose row is held. */
export async function deleteLimits(session: Session, ref: LimitedRef): Promise<void> {
  await session.rows(sql`DELETE FROM apikeys.limits AS old WHERE ${is(ref, 'old')}`);
}

/** Whether a key, which is held with its owner, has limits or its owner has: what one look-up tells of it. */
export async function markKeyLimited(session: Session, keyId: string): Promise<void> {
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET limited = EXISTS (SELECT FROM apikeys.limits WHERE limits.key_id = key.id)
                  OR EXISTS (SELECT FROM apikeys.limits WHERE limits.tenant_id = key.tenant_id
                                AND limits.owner_id = key.owner_id AND limits.key_id IS NULL)
     WHERE key.id = ${keyId}`);
}

/** The same for an owner, which is held, and for all its keys, in the order of their ids. */
export async function markOwnerLimited(session: Session, { tenantId, ownerId }: OwnerRef): Promise<void> {
  await session.rows(sql`
    SELECT FROM apikeys.keys WHERE tenant_id = ${tenantId} AND owner_id = ${ownerId} ORDER BY id FOR NO KEY UPDATE`);
  await session.rows(sql`
    UPDATE apikeys.owners AS owner
       SET limited = EXISTS (SELECT FROM apikeys.limits WHERE limits.tenant_id = owner.tenant_id
                                AND limits.owner_id = owner.owner_id AND limits.key_id IS NULL)
     WHERE owner.tenant_id = ${tenantId} AND owner.owner_id = ${ownerId}`);
  await session.rows(sql`
    UPDATE apikeys.keys AS key
       SET limited = wanted.limited
      FROM apikeys.owners AS owner, apikeys.keys AS same,
           LATERAL (SELECT owner.limited OR EXISTS (SELECT FROM apikeys.limits WHERE limits.key_id = same.id)) AS wanted (limited)
     WHERE key.tenant_id = ${tenantId} AND key.owner_id = ${ownerId}
       AND owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id
       AND same.id = key.id AND key.limited <> wanted.limited`);
}

/** Spend that was not reserved when its request was let through, of one key. */
export interface LateSpend {
  readonly keyId: string;
  readonly cents: number;
  /** The UTC day that it belongs to, counted from 1970-01-01. */
  readonly day: number;
}

/**
 * Counts spend against the budgets of these keys and of their owners, where it falls into the period under way. Their
 * activity is held; budgets are taken in the order in which requests are counted.
 */
export async function addSpend(session: Session, spends: readonly LateSpend[]): Promise<void> {
  const list = (values: readonly (string | number)[]) => `{${values.join(',')}}`;
  const spent = sql`
    SELECT limits.id, spend.cents, date '1970-01-01' + spend.day AS day
      FROM unnest(${list(spends.map(({ keyId }) => keyId))}::uuid[], ${list(spends.map(({ cents }) => cents))}::bigint[],
                  ${list(spends.map(({ day }) => day))}::integer[]) AS spend (key_id, cents, day)
      JOIN apikeys.keys AS key ON key.id = spend.key_id AND key.limited
      JOIN apikeys.limits AS limits ON limits.budget_cents IS NOT NULL
       AND (limits.key_id = key.id
            OR (limits.key_id IS NULL AND limits.tenant_id = key.tenant_id AND limits.owner_id = key.owner_id))`;
  const held = await session.rows(sql<{ id: number }>`
    SELECT id FROM apikeys.limits WHERE id IN (SELECT id FROM (${spent}) AS spent) ORDER BY id FOR NO KEY UPDATE`);
  if (held.length === 0) return;
  await session.rows(sql`
    WITH spent AS (${spent}),
    risen AS (
      SELECT standing.id, standing.budget_used, standing.budget_from, sum(spent.cents) AS cents
        FROM spent JOIN apikeys.limits AS stored ON stored.id = spent.id
       CROSS JOIN LATERAL apikeys.limits_as_of(stored, (SELECT date_trunc('milliseconds', clock_timestamp()))) AS standing
       WHERE spent.day >= (standing.budget_from AT TIME ZONE 'UTC')::date
       GROUP BY 1, 2, 3)
    UPDATE apikeys.limits AS stored
       SET budget_used = LEAST(risen.budget_used + risen.cents, ${sql.lit(Number.MAX_SAFE_INTEGER)})::bigint,
           budget_from = risen.budget_from
      FROM risen WHERE stored.id = risen.id`);
}
