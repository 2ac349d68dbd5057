import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { invariant } from '../errors.js';

export interface ServerFacts {
  /** Such as `18.4`. */
  readonly version: string;
  /** The role that the statements run as. */
  readonly role: string;
  /** Whether it follows another server: it takes no changes, and may be behind with them. */
  readonly standby: boolean;
  /** Whether sessions of this role are read-only unless they say otherwise. */
  readonly readOnly: boolean;
  /** Such as `UTF8`; a text that it has no character for cannot be stored. */
  readonly encoding: string;
  /** Whether a commit of this role waits for the disk unless the session says otherwise. */
  readonly durable: boolean;
}

export async function readServer(session: Session): Promise<ServerFacts> {
  const [facts] = await session.rows(
    sql<ServerFacts>`
      SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_user::text AS role,
             pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding, current_setting('default_transaction_read_only') = 'on' AS "readOnly",
             current_setting('synchronous_commit') <> 'off' AS durable`,
  );
  invariant(facts !== undefined, 'the server told nothing of itself');
  return facts;
}
