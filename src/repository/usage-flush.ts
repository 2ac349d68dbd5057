import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { NOW } from './clock.js';

/** The largest count that JSON and JavaScript hold: every counter stops there, so that no sum can fail for ever. */
const MOST = sql.lit(Number.MAX_SAFE_INTEGER);

/**
 * Claims `position` for this source, in the transaction that counts what lies there. Gives the database's clock, or
 * undefined if the position has been claimed: whatever it stands for is counted. Waits for a transaction under way
 * that claims it too.
 */
export async function claimPosition(
  session: Session,
  source: string,
  position: number,
): Promise<Date | undefined> {
  const [row] = await session.rows(sql<{ now: Date }>`
    INSERT INTO apikeys.usage_sources AS source (source_id, position, updated_at)
    VALUES (${source}, ${position}, ${NOW})
        ON CONFLICT (source_id) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
     WHERE source.position < excluded.position
    RETURNING updated_at AS now`);
  return row?.now;
}

/** How far an import has come. */
export interface Progress {
  /** The number of the last line that was counted; 0: none. */
  readonly position: number;
  /** Of all lines up to it; null where none is kept. */
  readonly digest: Uint8Array | null;
}

/** How far the runs of this source have come. */
export async function readProgress(session: Session, source: string): Promise<Progress> {
  const [row] = await session.rows(
    sql<Progress>`SELECT position, digest FROM apikeys.usage_sources WHERE source_id = ${source}`,
  );
  return row ?? { position: 0, digest: null };
}

/** Lines that follow those counted before. */
export interface Lines {
  readonly source: string;
  /** The position that was read: none of these lines is before it. */
  readonly after: number;
  readonly upTo: number;
  /** Of all lines up to there; null where nobody will ask. */
  readonly digest: Uint8Array | null;
}

/**
 * Claims lines for the run that counts them in the same transaction. False if another run has moved the position since
 * it was read: some of them may be counted. Waits for a transaction under way that claims lines of this source too.
 */
export async function claimLines(session: Session, { source, after, upTo, digest }: Lines): Promise<boolean> {
  const rows = await session.rows(sql`
    INSERT INTO apikeys.usage_sources AS source (source_id, position, digest, updated_at)
    VALUES (${source}, ${upTo}, ${digest}, ${NOW})
        ON CONFLICT (source_id) DO UPDATE
       SET position = excluded.position, digest = excluded.digest, updated_at = excluded.updated_at
     WHERE source.position = ${after}
    RETURNING 1`);
  return rows.length > 0;
}

/** How the source of an import that may be run again is named; any other is one process. */
export const IMPORT = 'import:';

/**
 * At most `limit` processes that have claimed nothing since `before`. Imports are not among them: whenever one is
 * repeated, it counts once.
 */
export async function findStaleSources(session: Session, before: Date, limit: number): Promise<string[]> {
  const rows = await session.rows(sql<{ id: string }>`
    SELECT source_id AS id FROM apikeys.usage_sources
     WHERE updated_at < ${before} AND NOT starts_with(source_id, ${IMPORT}) LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/** Forgets those of these processes that are still silent, and gives their number. Whoever is claiming is left. */
export async function deleteStaleSources(
  session: Session,
  ids: readonly string[],
  before: Date,
): Promise<number> {
  const [row] = await session.rows(sql<{ gone: number }>`
    WITH gone AS (
      DELETE FROM apikeys.usage_sources WHERE source_id IN (
        SELECT source_id FROM apikeys.usage_sources
         WHERE source_id = ANY(${[...ids]}::text[]) AND updated_at < ${before} FOR UPDATE SKIP LOCKED)
      RETURNING source_id)
    SELECT count(*) AS gone FROM gone`);
  return row?.gone ?? 0;
}

/**
 * Holds the activity of these keys, in the order of their ids: all who add usage take it first, so they never wait for
 * one another in a circle, and none of these keys is deleted meanwhile. What depends on it is a later statement's. Gives
 * how many of them there are.
 */
export async function holdActivity(session: Session, keyIds: readonly string[]): Promise<number> {
  const [row] = await session.rows(sql<{ count: number }>`
    SELECT count(*) AS count FROM (
      SELECT FROM apikeys.key_activity
       WHERE key_id = ANY (${list(keyIds)}::uuid[]) ORDER BY key_id FOR NO KEY UPDATE) AS held`);
  return row?.count ?? 0;
}

/** What is added to a key, one for each. Times in milliseconds since 1970; null: stays as it is. */
export interface ActivityRise {
  readonly keyId: string;
  readonly requests: number;
  readonly spendCents: number;
  readonly refused: number;
  readonly lastUsedAt: number | null;
  readonly oldSecretUsedAt: number | null;
  readonly refusedAt: number | null;
}

/** What is added to a key's day, one for each of both. `day` counts from 1970-01-01, in UTC. */
export interface DailyRise {
  readonly keyId: string;
  readonly day: number;
  readonly requests: number;
  readonly spendCents: number;
}

/**
 * Adds to those of these keys that exist, and whose activity is held. Times only move forward, and counters stop at
 * 2^53 - 1.
 */
export async function addUsage(
  session: Session,
  activity: readonly ActivityRise[],
  daily: readonly DailyRise[],
): Promise<void> {
  await session.rows(sql`
    WITH daily AS (
      INSERT INTO apikeys.usage_daily AS old (key_id, day, tenant_id, owner_id, request_count, spend_cents)
      SELECT key.id, date '1970-01-01' + rise.day, key.tenant_id, key.owner_id, rise.requests, rise.spend_cents
        FROM unnest(${list(daily.map(({ keyId }) => keyId))}::uuid[], ${list(daily.map(({ day }) => day))}::integer[],
                    ${list(daily.map(({ requests }) => requests))}::bigint[],
                    ${list(daily.map(({ spendCents }) => spendCents))}::bigint[])
             AS rise (key_id, day, requests, spend_cents)
        JOIN apikeys.keys AS key ON key.id = rise.key_id
          ON CONFLICT (key_id, day) DO UPDATE
         SET request_count = LEAST(old.request_count + excluded.request_count, ${MOST}),
             spend_cents = LEAST(old.spend_cents + excluded.spend_cents, ${MOST})
    )
    UPDATE apikeys.key_activity AS activity
       SET total_requests = LEAST(activity.total_requests + rise.requests, ${MOST}),
           total_spend_cents = LEAST(activity.total_spend_cents + rise.spend_cents, ${MOST}),
           total_refused = LEAST(activity.total_refused + rise.refused, ${MOST}),
           last_used_at = GREATEST(activity.last_used_at, ${asTime('last_used')}),
           old_secret_used_at = GREATEST(activity.old_secret_used_at, ${asTime('old_secret_used')}),
           refused_at = GREATEST(activity.refused_at, ${asTime('refused_last')})
      FROM unnest(${list(activity.map(({ keyId }) => keyId))}::uuid[],
                  ${list(activity.map(({ requests }) => requests))}::bigint[],
                  ${list(activity.map(({ spendCents }) => spendCents))}::bigint[],
                  ${list(activity.map(({ refused }) => refused))}::bigint[],
                  ${list(activity.map(({ lastUsedAt }) => lastUsedAt))}::bigint[],
                  ${list(activity.map(({ oldSecretUsedAt }) => oldSecretUsedAt))}::bigint[],
                  ${list(activity.map(({ refusedAt }) => refusedAt))}::bigint[])
           AS rise (key_id, requests, spend_cents, refused, last_used, old_secret_used, refused_last)
     WHERE activity.key_id = rise.key_id`);
}

/** An array as PostgreSQL reads it; `pg` would quote and escape each element on its own. For ids and numbers alone. */
const list = (values: readonly (string | number | null)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join(',')}}`;

/** Whole milliseconds: a division by 1000 would leave them to the rounding of a float. */
const asTime = (column: string) => sql`'1970-01-01Z'::timestamptz + ${sql.ref(column)} * interval '1 ms'`;
