import type { Session } from '../../db/engine.js';
import { transaction } from '../../db/transaction.js';
import { isOnlyCleanup, showCleanup, WITHOUT_WAITING } from '../../repository/cleanup.js';
import type { CleanupRun } from './expired-keys.js';

interface Done<T> {
  readonly value: T;
  /** For how many milliseconds it held what others wait for. */
  readonly held: number;
}

/**
 * Runs one batch of a cleanup in a transaction of its own, which shows a cleanup that starts meanwhile that this one is at
 * work. Until the first batch is done, another that is at work stops this one: `taken`. The commit does not wait for the
 * disk; see {@link finishOnDisk}.
 */
export async function cleanupTransaction<T>(
  work: CleanupRun,
  batch: (session: Session) => Promise<T>,
  settle: (session: Session) => Promise<boolean>,
): Promise<Done<T> | 'taken'> {
  const { engine, start, begun } = work;
  const prelude = begun ? `${WITHOUT_WAITING}; ${showCleanup(start.lock)}` : WITHOUT_WAITING;
  let from = 0;
  const value = await transaction<{ of: T } | 'taken'>(
    engine,
    async (session) => {
      if (!begun && !(await isOnlyCleanup(session, start.lock))) return 'taken';
      from = performance.now();
      return { of: await batch(session) };
    },
    { settle, prelude },
  );
  if (value === 'taken') return value;
  work.begun = true;
  return { value: value.of, held: performance.now() - from };
}
