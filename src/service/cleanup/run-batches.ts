/** One transaction's worth of work, found but not yet done. */
export interface Batch {
  /** How many things it is about. */
  readonly size: number;
  /** Does it, in a transaction of its own. */
  run(): Promise<Held>;
}

/** For how many milliseconds a batch held what others wait for; `taken`: stop everything, another is at it. */
export type Held = number | 'taken';

/** Work that is done batch by batch; each batch is whole or not at all. */
export interface CleanupTask {
  /** Finds the next batch, of at most `limit` things, without holding anything; undefined when nothing is left. */
  next(limit: number): Promise<Batch | undefined>;
}

export interface BatchOptions {
  /** Things in a batch at most. */
  readonly most: number;
  /** Stops between two batches once so many milliseconds have passed; undefined: never. */
  readonly maxRuntime: number | undefined;
  /** Called after each batch with how many things it was about. */
  readonly onBatch: (size: number) => void;
}

/** `stopped`: time was up and something was left; `taken`: another is at it. */
export type BatchesEnd = 'done' | 'stopped' | 'taken';

/** How long a batch may hold what others wait for, in milliseconds: theirs is a wait of at most 25. */
const HOLD = 20;
/** Of fewer it is the commit that takes the time, and making them fewer yet would not shorten it. */
const FEW = 100;

/**
 * Runs every sweep to its end, one after the other. Batches are as large as takes {@link HOLD} milliseconds, so that a
 * slow server makes them small and nobody waits for long.
 */
export async function runBatches(sweeps: readonly CleanupTask[], terms: BatchOptions): Promise<BatchesEnd> {
  const start = performance.now();
  for (const sweep of sweeps) {
    let limit = Math.min(FEW, terms.most);
    for (;;) {
      const batch = await sweep.next(limit);
      if (batch === undefined) break;
      const began = performance.now();
      if (terms.maxRuntime !== undefined && began - start >= terms.maxRuntime) return 'stopped';
      const held = await batch.run();
      if (held === 'taken') return 'taken';
      limit = nextLimit({ size: batch.size, held, limit }, terms.most);
      terms.onBatch(batch.size);
    }
  }
  return 'done';
}

/** At most twice as many as before: one quick batch promises little of the next. */
function nextLimit(batch: { size: number; held: number; limit: number }, most: number): number {
  const fitting = Math.floor((batch.size * HOLD) / Math.max(batch.held, 0.1));
  // The last of what was found may be few.
  const grown = batch.size < batch.limit ? batch.limit : 2 * batch.limit;
  return Math.min(Math.max(Math.min(fitting, grown), FEW), most);
}
