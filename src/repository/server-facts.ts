import { sql } from 'kysely';
import type { Session } from '../db/engine.js';

export interface ServerFacts {
  /** Such as `18.4`. */
  readonly version: string;
  /** The role that the statements run as. */
  readonly role: string;
}

export async function readServer(session: Session): Promise<ServerFacts> {
  const [facts] = await session.rows(
    sql<ServerFacts>`SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_user::text AS role`,
  );
  if (facts === undefined) throw new TypeError('the server told nothing of itself');
  return facts;
}
