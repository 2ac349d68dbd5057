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

/** When requests last came on a key's newest and on its older secrets; null: never. */
export interface SecretUse {
  readonly lastUsedAt: Date | null;
  readonly oldSecretUsedAt: Date | null;
  /** The database's clock. */
  readonly now: Date;
}

export async function secretUse(session: Session, keyId: string): Promise<SecretUse | undefined> {
  const [row] = await session.rows(
    build
      .selectFrom('apikeys.key_activity')
      .select(['last_used_at', 'old_secret_used_at', sql<Date>`statement_timestamp()`.as('now')])
      .where('key_id', '=', keyId),
  );
  return row && { lastUsedAt: row.last_used_at, oldSecretUsedAt: row.old_secret_used_at, now: row.now };
}
