import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Session } from './engine.js';

/** Between two statements, in milliseconds: well within the time that a transaction may stand idle. */
const PAUSE = 1_000;

/**
 * Waits, inside a transaction, for something that comes from elsewhere. Statements that do nothing keep the server from
 * ending the transaction meanwhile; so the session must have no other under way.
 */
export async function keepAwake<T>(session: Session, awaited: Promise<T>): Promise<T> {
  const arrived = new AbortController();
  const outcome = awaited.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  try {
    for (;;) {
      const pausing = pause(PAUSE, undefined, { signal: arrived.signal }).catch(() => undefined);
      const first = await Promise.race([outcome, pausing]);
      if (first === undefined) await session.rows(sql`SELECT`);
      else if ('error' in first) throw first.error;
      else return first.value;
    }
  } finally {
    arrived.abort();
  }
}
