import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';

export interface UsageTotal {
  readonly requestCount: number;
  readonly spendCents: number;
}

/** Requests and spend of the present UTC day, by key; keys without any are missing. */
export async function usageToday(
  session: Session,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, UsageTotal>> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.usage_daily')
      .select(['key_id', 'request_count', 'spend_cents'])
      .where('key_id', '=', sql<string>`ANY(${[...keyIds]}::uuid[])`)
      .where('day', '=', sql<string>`(statement_timestamp() AT TIME ZONE 'UTC')::date`),
  );
  return new Map(
    rows.map((row) => [row.key_id, { requestCount: row.request_count, spendCents: row.spend_cents }]),
  );
}
