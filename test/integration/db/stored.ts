import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../../helpers/database.js';

/** The rows that belong to the key of this name: all of them, or none. */
export interface StoredKey {
  readonly keys: number;
  readonly secrets: number;
  readonly activity: number;
  readonly created: number;
  readonly revoked: number;
  readonly firstKey: number;
  /** The end of the key itself, beside its events. */
  readonly ended: boolean;
}

export const NOTHING: StoredKey = {
  keys: 0,
  secrets: 0,
  activity: 0,
  created: 0,
  revoked: 0,
  firstKey: 0,
  ended: false,
};
export const CREATED: StoredKey = { ...NOTHING, keys: 1, secrets: 1, activity: 1, created: 1, firstKey: 1 };
export const REVOKED: StoredKey = { ...CREATED, revoked: 1, ended: true };

/** Looks at the only key that `owner` ever had. Events are found by the owner, so one without its key shows. */
export async function storedOf(database: TestDatabase, owner: string): Promise<StoredKey | undefined> {
  const [row] = await database.query<StoredKey & Record<string, unknown>>(
    `WITH mine AS (SELECT id, revoked_at FROM apikeys.keys WHERE owner_id = $1),
          events AS (SELECT action FROM apikeys.audit_events WHERE owner_id = $1)
     SELECT (SELECT count(*)::int FROM mine) AS keys,
            (SELECT count(*)::int FROM apikeys.secrets WHERE key_id IN (SELECT id FROM mine)) AS secrets,
            (SELECT count(*)::int FROM apikeys.key_activity WHERE key_id IN (SELECT id FROM mine)) AS activity,
            (SELECT count(*)::int FROM events WHERE action = 'key.created') AS created,
            (SELECT count(*)::int FROM events WHERE action = 'key.revoked') AS revoked,
            (SELECT count(*)::int FROM events WHERE action = 'owner.first_key') AS "firstKey",
            EXISTS (SELECT FROM mine WHERE revoked_at IS NOT NULL) AS ended`,
    [owner],
  );
  return row;
}

/** Waits until the server has no session of that application any more: nothing can be stored after that. */
export async function serverIdle(database: TestDatabase, application: string): Promise<void> {
  for (;;) {
    const busy = await database.query(
      'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
      [application],
    );
    if (busy.length === 0) return;
    await sleep(10);
  }
}
