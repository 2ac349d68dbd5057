import type { Session } from '../../db/engine.js';
import { transaction } from '../../db/transaction.js';
import { isOnlyCleanup, showCleanup, WITHOUT_WAITING } from '../../repository/cleanup.js';
import { type CleanupRun, OtherCleanupRunning } from './run.js';

interface Done<T> {
  readonly value: T;
  /** For how many milliseconds it held what others wait for. */
  readonly lockMs: number;
}

/**
 * Runs one batch of a cleanup in a transaction of its own, which shows a cleanup that starts meanwhile that this one is at
 * work. Until the first batch is done, another that is at work stops this one: throws {@link OtherCleanupRunning}. The
 * commit does not wait for the disk: the whole cleanup does, in the end.
 */
export async function batchTransaction<T>(
  run: CleanupRun,
  batch: (session: Session) => Promise<T>,
  wasCommitted: (session: Session) => Promise<boolean>,
): Promise<Done<T>> {
  const { engine, start, hasLock } = run;
  const prelude = hasLock ? `${WITHOUT_WAITING}; ${showCleanup(start.lock)}` : WITHOUT_WAITING;
  let from = 0;
  const done = await transaction<{ readonly value: T } | null>(
    engine,
    async (session) => {
      if (!hasLock && !(await isOnlyCleanup(session, start.lock))) return null;
      from = performance.now();
      return { value: await batch(session) };
    },
    { wasCommitted, prelude },
  );
  if (done === null) throw new OtherCleanupRunning();
  run.hasLock = true;
  return { value: done.value, lockMs: performance.now() - from };
}
