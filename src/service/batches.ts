/** One transaction's worth of work, found but not yet done. */
export interface Batch {
  /** How many things it is about. */
  readonly size: number;
  /** Does it, in a transaction of its own. False: stop everything, another is at it. */
  run(): Promise<boolean>;
}

/** Work that is done batch by batch; each batch is whole or not at all. */
export interface Sweep {
  /** Finds the next batch, of at most `limit` things, without holding anything; undefined when nothing is left. */
  next(limit: number): Promise<Batch | undefined>;
}

export interface BatchTerms {
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
const HOLD = 12;
const FIRST = 100;

/**
 * Runs every sweep to its end, one after the other. Batches are as large as takes {@link HOLD} milliseconds, so that a
 * slow server makes them small and nobody waits for long.
 */
export async function runBatches(sweeps: readonly Sweep[], terms: BatchTerms): Promise<BatchesEnd> {
  const start = performance.now();
  for (const sweep of sweeps) {
    let limit = Math.min(FIRST, terms.most);
    for (;;) {
      const batch = await sweep.next(limit);
      if (batch === undefined) break;
      const began = performance.now();
      if (terms.maxRuntime !== undefined && began - start >= terms.maxRuntime) return 'stopped';
      if (!(await batch.run())) return 'taken';
      limit = nextLimit(batch.size, performance.now() - began, { limit, most: terms.most });
      terms.onBatch(batch.size);
    }
  }
  return 'done';
}

/** At most twice as many: one quick batch promises little of the next. */
function nextLimit(
  size: number,
  took: number,
  { limit, most }: { readonly limit: number; readonly most: number },
): number {
  const fitting = Math.floor((size * HOLD) / Math.max(took, 0.1));
  // A small batch says little: its time is mostly the commit's.
  if (size < limit && fitting < limit) return limit;
  return Math.max(1, Math.min(fitting, 2 * limit, most));
}
