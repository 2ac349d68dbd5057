import { forgetProcesses } from '../repository/usage-flush.js';
import type { Sweep } from './batches.js';
import { cleanupTransaction } from './cleanup-transaction.js';
import type { CleanupWork } from './delete-dead.js';

/** A flush whose outcome is unknown is repeated within seconds; so long afterwards nobody repeats one. */
const SILENCE = 30 * 24 * 3_600_000;

/** Forgets how far processes had counted usage that have counted none for 30 days: each left a row when it ended. */
export function sweepSilentProcesses(work: CleanupWork): Sweep {
  const before = new Date(work.start.moment.now.getTime() - SILENCE);
  let over = false;
  return {
    async next(limit) {
      if (over) return undefined;
      return {
        size: limit,
        async run() {
          const done = await cleanupTransaction(
            work,
            (session) => forgetProcesses(session, before, limit),
            // What is gone is not forgotten twice.
            () => Promise.resolve(false),
          );
          if (done === 'taken') return done;
          over = done.value < limit;
          return done.held;
        },
      };
    },
  };
}
