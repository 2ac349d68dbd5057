import type { Engine, Pipeline } from '../db/engine.js';
import { ConnectionLost, databaseError, isConnectionLost, TransactionLeftOpen } from '../db/pg-errors.js';
import { withPipeline } from '../db/pipeline/pipeline.js';
import { refusalOf } from '../db/refusals.js';
import { ApiKeysError } from '../errors.js';
import { type FoundSecret, findSecretsByHash } from './verify.js';

/** Batches in flight at once. More of them wait for connections rather than for answers. */
const MAX_IN_FLIGHT = 4;

/** Fewer callers than twice this share one batch; more are spread over several. */
const MIN_BATCH = 16;

/** Callers in one batch at most: beyond it, the first would wait for the last. */
const MAX_BATCH = 256;

/** Batches with one lease of a connection at most: then whoever else waits for one has a turn. */
const MAX_BATCHES_PER_LEASE = 32;

interface Caller {
  readonly hash: Buffer;
  /** When it asked, by `performance.now()`. */
  readonly since: number;
  retried: boolean;
  readonly resolve: (found: FoundSecret | undefined) => void;
  readonly reject: (error: ApiKeysError) => void;
}

/** A connection that is ours for some batches. */
interface Lease {
  readonly pipeline: Pipeline;
  batches: number;
  /** Gives it back when the event loop turns, if it has not left by then. */
  turn: NodeJS.Immediate | undefined;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
}

export type LookUp = (hash: Buffer) => Promise<FoundSecret | undefined>;

/**
 * Looks up secrets by their hash. Calls that come while others wait for a connection share their round trip; none is
 * ever answered from a question that was sent before it was asked, so that what was revoked by then is seen.
 *
 * There is no timer: a call leaves as soon as the work of the moment is done and a connection is free. One that has come
 * back takes those along who ask before the event loop turns, such as a caller that was answered and asks again. A
 * look-up whose connection is lost before it answers is asked once more, on another. Each round trip ends within the
 * engine's `answer` timeout, or `connect` where no connection is to be had. Rejects with what {@link databaseError}
 * makes of the trouble.
 */
export function createSecretLookup(engine: Engine): LookUp {
  let waiting: Caller[] = [];
  /** Batches that are not sent yet: most wait for a connection. */
  let starting = 0;
  let inFlight = 0;
  const idleLeases: Lease[] = [];
  let scheduled = false;

  function scheduleBatches(): void {
    if (scheduled) return;
    scheduled = true;
    // After everything that is ready to run has run: who else is going to ask now, has asked.
    process.nextTick(() => {
      scheduled = false;
      const wanted = Math.max(1, Math.floor(waiting.length / MIN_BATCH));
      while (waiting.length > 0 && starting < wanted && starting + inFlight < MAX_IN_FLIGHT) {
        starting++;
        const lease = idleLeases.pop();
        if (lease === undefined) void acquireLease();
        else void runBatch(lease);
      }
    });
  }

  async function acquireLease(): Promise<void> {
    const began = performance.now();
    let hasConnection = false;
    try {
      await withPipeline(engine, (pipeline) => {
        hasConnection = true;
        return new Promise<void>(
          (end, fail) => void runBatch({ pipeline, batches: 0, turn: undefined, end, fail }),
        );
      });
    } catch (error) {
      if (!hasConnection) {
        giveUp(error, began);
        starting--;
      }
    }
    // One that found no connection leaves the rest to the others, if there are any.
    if (waiting.length > 0 && (hasConnection || inFlight + starting === 0)) scheduleBatches();
  }

  async function runBatch(lease: Lease): Promise<void> {
    clearImmediate(lease.turn);
    const batch = takeBatch(Math.min(Math.ceil(waiting.length / starting), MAX_BATCH));
    starting--;
    inFlight++;
    try {
      if (batch.length > 0) await lookUpBatch(lease.pipeline, batch);
      inFlight--;
      keepUntilNextTurn(lease);
    } catch (error) {
      inFlight--;
      retryOrReject(batch, error);
      // Whatever it was, this connection is not to be trusted any more.
      lease.fail(error);
    }
  }

  /** Keeps the connection in hand until the event loop turns. */
  function keepUntilNextTurn(lease: Lease): void {
    if (++lease.batches === MAX_BATCHES_PER_LEASE) {
      lease.end();
      return;
    }
    idleLeases.push(lease);
    lease.turn = setImmediate(() => {
      idleLeases.splice(idleLeases.indexOf(lease), 1);
      lease.end();
    });
    if (waiting.length > 0) scheduleBatches();
  }

  async function lookUpBatch(pipeline: Pipeline, batch: readonly Caller[]): Promise<void> {
    const oldest = batch.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    const limit = Math.max(1, engine.timeouts.answer - (performance.now() - oldest));
    const hashes = batch.map(({ hash }) => hash);
    const found = await findSecretsByHash(pipeline, hashes, limit);
    for (const [n, { resolve }] of batch.entries()) resolve(found[n]);
  }

  /** Takes up to `share` callers; those whose time is over are told so instead. */
  function takeBatch(share: number): Caller[] {
    const taken = waiting.slice(0, share);
    waiting = waiting.slice(share);
    const latest = performance.now() - engine.timeouts.answer;
    if (taken.every(({ since }) => since > latest)) return taken;
    for (const { since, reject } of taken) if (since <= latest) reject(tooLate());
    return taken.filter(({ since }) => since > latest);
  }

  function retryOrReject(batch: readonly Caller[], error: unknown): void {
    // Each connection that was left in a transaction is gone now: there is an end to them.
    const isLeftOpen = error instanceof TransactionLeftOpen;
    const again = mayRetry(error) ? batch.filter(({ retried }) => isLeftOpen || !retried) : [];
    const refusal = refusalOf(engine, error);
    for (const caller of batch) {
      if (!again.includes(caller)) void refusal.then(caller.reject);
      caller.retried = true;
    }
    waiting = [...again, ...waiting];
  }

  /**
   * No connection was to be had since `began`. Those who wait may still go with others, but not for longer than for a
   * connection; where there are no others, those who came since then try for one themselves.
   */
  function giveUp(error: unknown, began: number): void {
    const alone = inFlight === 0 && starting === 1;
    const patience = Math.min(engine.timeouts.connect, engine.timeouts.answer);
    const latest = alone ? began : performance.now() - patience;
    const stranded = waiting.filter(({ since }) => since <= latest);
    waiting = waiting.filter(({ since }) => since > latest);
    for (const { reject } of stranded) reject(databaseError(error));
  }

  return (hash) =>
    new Promise((resolve, reject) => {
      waiting.push({ hash, since: performance.now(), retried: false, resolve, reject });
      scheduleBatches();
    });
}

/** The connection died, which says nothing about the question; one that stayed silent has used up the time. */
const mayRetry = (error: unknown): boolean =>
  isConnectionLost(error) && !(error instanceof ConnectionLost && error.timedOut);

const tooLate = (): ApiKeysError =>
  new ApiKeysError('DATABASE_TIMEOUT', 'the database did not answer in time');
