/** One transaction's worth of work, found but not yet done. */
export interface CleanupBatch {
  /** How many things it is about. */
  readonly size: number;
  /** Does it, in a transaction of its own. Resolves to the milliseconds for which it held what others wait for. */
  run(): Promise<number>;
}

/** Work that is done batch by batch; each batch is whole or not at all. */
export interface CleanupTask {
  /** Finds the next batch, of at most `limit` things, without holding anything; undefined when nothing is left. */
  next(limit: number): Promise<CleanupBatch | undefined>;
}

export interface BatchOptions {
  /** Things in a batch at most. */
  readonly most: number;
  /** Stops between two batches once so many milliseconds have passed; undefined: never. */
  readonly maxRuntime: number | undefined;
  /** Called after each batch. */
  readonly onBatch: () => void;
}

/** How long a batch may hold what others wait for, in milliseconds: theirs is a wait of at most 25. */
const MAX_LOCK_MS = 20;
/** Of fewer it is the commit that takes the time, and making them fewer yet would not shorten it. */
const MIN_BATCH = 100;

/**
 * Runs every task to its end, one after the other. Batches are as large as takes {@link MAX_LOCK_MS} milliseconds, so that
 * a slow server makes them small and nobody waits for long. Resolves to false if time was up and something was left.
 */
export async function runBatches(
  tasks: readonly CleanupTask[],
  { most, maxRuntime, onBatch }: BatchOptions,
): Promise<boolean> {
  const start = performance.now();
  for (const task of tasks) {
    let limit = Math.min(MIN_BATCH, most);
    for (;;) {
      const batch = await task.next(limit);
      if (batch === undefined) break;
      if (maxRuntime !== undefined && performance.now() - start >= maxRuntime) return false;
      const lockMs = await batch.run();
      limit = nextLimit({ size: batch.size, lockMs, limit }, most);
      onBatch();
    }
  }
  return true;
}

/** At most twice as many as before: one quick batch promises little of the next. */
function nextLimit(batch: { size: number; lockMs: number; limit: number }, most: number): number {
  const fitting = Math.floor((batch.size * MAX_LOCK_MS) / Math.max(batch.lockMs, 0.1));
  // The last of what was found may be few.
  const grown = batch.size < batch.limit ? batch.limit : 2 * batch.limit;
  return Math.min(Math.max(Math.min(fitting, grown), MIN_BATCH), most);
}
