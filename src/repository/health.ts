import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { isPurgeable } from './key-conditions.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

/** Keys that a cleanup would delete, and that had ended so many milliseconds ago. */
export async function countOverdue(session: Session, forMs: number, tenant: TenantScope): Promise<number> {
  const cutoff = sql`statement_timestamp() - ${forMs} * interval '1 ms'`;
  const [row] = await session.rows(sql<{ count: number }>`
    SELECT count(*) FROM apikeys.keys AS key WHERE ${tenantIs('key.tenant_id', tenant)} AND ${isPurgeable(cutoff)}`);
  return row?.count ?? 0;
}
