import { read } from '../../db/transaction.js';
import { deleteStaleSources, findStaleSources } from '../../repository/usage-flush.js';
import { batchTransaction } from './batch-transaction.js';
import type { CleanupRun } from './run.js';
import type { CleanupTask } from './run-batches.js';

/** A flush whose outcome is unknown is repeated within seconds; so long afterwards nobody repeats one. */
const STALE_AFTER = 30 * 24 * 3_600_000;

/** Forgets how far processes had counted usage that have counted none for 30 days: each left a row when it ended. */
export function staleUsageSources(run: CleanupRun): CleanupTask {
  const before = new Date(run.start.moment.now.getTime() - STALE_AFTER);
  let isOver = false;
  return {
    async next(limit) {
      if (isOver) return undefined;
      const ids = await read(run.engine, (session) => findStaleSources(session, before, limit));
      if (ids.length === 0) return undefined;
      return {
        size: ids.length,
        async run() {
          const { value: deleted, lockMs } = await batchTransaction(
            run,
            (session) => deleteStaleSources(session, ids, before),
            // What is gone is not forgotten twice.
            () => Promise.resolve(false),
          );
          // What was left is being claimed, so it is not stale, or another cleanup is at it.
          isOver = deleted < ids.length;
          return lockMs;
        },
      };
    },
  };
}
