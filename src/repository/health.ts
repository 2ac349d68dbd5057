import { sql } from 'kysely';
import type { Session } from '../db/engine.js';

/** Live keys that end within so many milliseconds. */
export async function countExpiring(session: Session, withinMs: number): Promise<number> {
  const [row] = await session.rows(sql<{ count: number }>`
    SELECT count(*) FROM apikeys.keys
     WHERE revoked_at IS NULL
       AND COALESCE(expires_at, 'infinity'::timestamptz) > statement_timestamp()
       AND COALESCE(expires_at, 'infinity'::timestamptz) <= statement_timestamp() + ${withinMs} * interval '1 ms'`);
  return row?.count ?? 0;
}

/** Keys that have been revoked, or expired and not frozen by themselves, for longer than so many milliseconds. */
export async function countOverdue(session: Session, forMs: number): Promise<number> {
  const [row] = await session.rows(sql<{ count: number }>`
    SELECT count(*) FROM apikeys.keys AS key JOIN apikeys.owners AS owner USING (tenant_id, owner_id)
     WHERE (key.revoked_at IS NOT NULL OR key.expires_at IS NOT NULL)
       AND LEAST(key.revoked_at, key.expires_at) <= statement_timestamp() - ${forMs} * interval '1 ms'
       AND (key.revoked_at IS NOT NULL OR (key.frozen_at IS NULL AND owner.frozen_at IS NULL))`);
  return row?.count ?? 0;
}
