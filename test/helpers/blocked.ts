import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from './database.js';

export interface BlockedOptions {
  /** How many sessions; one unless told otherwise. */
  readonly sessions?: number;
  /** The process id of the session that they wait for; anybody's lock unless told otherwise. */
  readonly by?: number;
}

/** Resolves once that many sessions wait for a lock, as the server says; what they are to do, they have not done then. */
export async function untilBlocked(
  database: TestDatabase,
  { sessions = 1, by }: BlockedOptions = {},
): Promise<void> {
  for (;;) {
    const waiting = await database.query(
      `SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND ($1::int IS NULL OR $1 = ANY (pg_blocking_pids(pid)))`,
      [by ?? null],
    );
    if (waiting.length >= sessions) return;
    await sleep(10);
  }
}
