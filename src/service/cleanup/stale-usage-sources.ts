import { read } from '../../db/transaction.js';
import { deleteStaleSources, findStaleSources } from '../../repository/usage-flush.js';
import { cleanupTransaction } from './batch-transaction.js';
import type { CleanupRun } from './expired-keys.js';
import type { CleanupTask } from './run-batches.js';

/** A flush whose outcome is unknown is repeated within seconds; so long afterwards nobody repeats one. */
const SILENCE = 30 * 24 * 3_600_000;

/** Forgets how far processes had counted usage that have counted none for 30 days: each left a row when it ended. */
export function staleUsageSources(work: CleanupRun): CleanupTask {
  const before = new Date(work.start.moment.now.getTime() - SILENCE);
  let left = false;
  return {
    async next(limit) {
      // What was left is being claimed, so it is not silent, or another cleanup is at it.
      if (left) return undefined;
      const ids = await read(work.engine, (session) => findStaleSources(session, before, limit));
      if (ids.length === 0) return undefined;
      return {
        size: ids.length,
        async run() {
          const done = await cleanupTransaction(
            work,
            (session) => deleteStaleSources(session, ids, before),
            // What is gone is not forgotten twice.
            () => Promise.resolve(false),
          );
          if (done === 'taken') return done;
          left = done.value < ids.length;
          return done.held;
        },
      };
    },
  };
}
