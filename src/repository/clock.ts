import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { invariant } from '../errors.js';

export interface DatabaseMoment {
  /** The database's clock, in whole milliseconds, truncated. */
  readonly now: Date;
  /** The role that the statements run as. */
  readonly role: string;
}

/** The database's clock at this point of a statement, in whole milliseconds, truncated. */
export const NOW = sql<Date>`date_trunc('milliseconds', clock_timestamp())`;

/** Reads the database's clock once. Inside a transaction: after its locks, so that waiting for them has passed. */
export async function readMoment(session: Session): Promise<DatabaseMoment> {
  const [moment] = await session.rows(sql<DatabaseMoment>`SELECT ${NOW} AS now, current_user::text AS role`);
  invariant(moment !== undefined, 'the clock gave no row');
  return moment;
}
