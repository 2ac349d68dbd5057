import { sql } from 'kysely';
import type { Session } from '../db/engine.js';

/** A table of the schema whose rows policies decide about. */
export interface GuardedTable {
  readonly table: string;
  /** Whether they bind the role in use: then nothing reads or changes the table, rather than a part of it. */
  readonly binds: boolean;
}

export function findGuardedTables(session: Session): Promise<GuardedTable[]> {
  return session.rows(sql<GuardedTable>`
    SELECT relname::text AS "table", row_security_active(oid) AS binds
      FROM pg_class WHERE relnamespace = to_regnamespace('apikeys') AND relrowsecurity ORDER BY relname`);
}
