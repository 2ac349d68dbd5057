import type { Timeouts } from './engine.js';

/**
 * What a statement of ours means, whatever the role, the database or an application has set for the session:
 *
 * - A name is looked up in `pg_catalog` alone. In `public`, say, a stranger may keep a function or an operator that fits
 *   better than PostgreSQL's own, and it would run as whoever runs this. `pg_temp` is named because it would come first if
 *   it were not.
 * - A row that a policy hides is an error, and not a key that does not exist.
 * - Texts are in UTF-8, times in ISO, a backslash is a backslash, NULL in an array is NULL.
 * - An index of scopes finds all rows: a role may have been given a limit.
 */
const MEANING = [
  'search_path TO pg_catalog, pg_temp',
  'row_security TO off',
  "client_encoding TO 'UTF8'",
  'datestyle TO ISO',
  'standard_conforming_strings TO on',
  'array_nulls TO on',
  'gin_fuzzy_search_limit TO 0',
].map((setting) => `SET LOCAL ${setting}`);

/** The settings of one transaction of ours, for it alone, so that they hold behind a pooler too. Times in milliseconds. */
export function sessionSettings({ statement, lock }: Timeouts, idle: number): string {
  return [
    ...MEANING,
    `SET LOCAL statement_timeout TO ${statement}`,
    `SET LOCAL lock_timeout TO ${lock}`,
    `SET LOCAL idle_in_transaction_session_timeout TO ${idle}`,
  ].join('; ');
}

/**
 * Has COMMIT wait for the disk where a default of the role or the database would not. A stronger default stays, such as
 * one that waits for a standby to have applied it. To be sent after {@link sessionSettings}.
 */
export const DURABLE =
  "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')";
