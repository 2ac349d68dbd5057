import { ApiKeysError, invariant } from '../../errors.js';
import type { Engine, Pipeline } from '../engine.js';
import {
  ConnectionLost,
  databaseError,
  isConnectionLost,
  isRetryable,
  TransactionLeftOpen,
} from '../pg-errors.js';
import { refusalOf } from '../refusals.js';
import { withPipeline } from './pipeline.js';

/** Fewer callers than twice this share one batch; more are spread over several. */
const MIN_BATCH = 16;

/** Callers in one batch at most: beyond it, the first would wait for the last. */
const MAX_BATCH = 256;

/** Batches with one lease of a connection at most: then whoever else waits for one has a turn. */
const MAX_BATCHES_PER_LEASE = 32;

export interface SharedBatchesOptions<Question, Answer> {
  /** Asks the database, within `limit` milliseconds, and gives the answers in the order of the questions. */
  readonly ask: (
    pipeline: Pipeline,
    questions: readonly Question[],
    limit: number,
  ) => Promise<readonly Answer[]>;
  /** To ask changes nothing, so that a question whose answer was lost is asked once more. */
  readonly changesNothing: boolean;
  /** Batches in flight at once. More of them wait for connections, or for one another, rather than for answers. */
  readonly maxInFlight: number;
}

interface Caller<Question, Answer> {
  readonly question: Question;
  /** When it asked, by `performance.now()`. */
  readonly since: number;
  retried: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
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

/**
 * Callers who ask the same kind of question share round trips. Calls that come while others wait for a connection go
 * together; none is ever answered from a question that was sent before it was asked, so that what was changed by then is
 * seen.
 *
 * There is no timer: a call leaves as soon as the work of the moment is done and a connection is free. One that has come
 * back takes those along who ask before the event loop turns, such as a caller that was answered and asks again. A
 * question that changes nothing and whose connection is lost before it is answered is asked once more, on another. Each
 * round trip ends within the engine's `answer` timeout, or `connect` where no connection is to be had. Rejects with what
 * {@link databaseError} makes of the trouble.
 */
export function createSharedBatches<Question, Answer>(
  engine: Engine,
  { ask, changesNothing, maxInFlight }: SharedBatchesOptions<Question, Answer>,
): (question: Question) => Promise<Answer> {
  let waiting: Caller<Question, Answer>[] = [];
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
      while (waiting.length > 0 && starting < wanted && starting + inFlight < maxInFlight) {
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
      if (batch.length > 0) await askBatch(lease.pipeline, batch);
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

  async function askBatch(pipeline: Pipeline, batch: readonly Caller<Question, Answer>[]): Promise<void> {
    const oldest = batch.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    const limit = Math.max(1, engine.timeouts.answer - (performance.now() - oldest));
    const answers = await ask(
      pipeline,
      batch.map(({ question }) => question),
      limit,
    );
    invariant(answers.length === batch.length, 'a question of a batch was not answered');
    for (const [n, answer] of answers.entries()) batch[n]?.resolve(answer);
  }

  /** Takes up to `share` callers; those whose time is over are told so instead. */
  function takeBatch(share: number): Caller<Question, Answer>[] {
    const taken = waiting.slice(0, share);
    waiting = waiting.slice(share);
    const latest = performance.now() - engine.timeouts.answer;
    if (taken.every(({ since }) => since > latest)) return taken;
    for (const { since, reject } of taken) if (since <= latest) reject(tooLate());
    return taken.filter(({ since }) => since > latest);
  }

  function retryOrReject(batch: readonly Caller<Question, Answer>[], error: unknown): void {
    // Each connection that was left in a transaction is gone now: there is an end to them.
    const isLeftOpen = error instanceof TransactionLeftOpen;
    const again = mayRetry(error, changesNothing)
      ? batch.filter(({ retried }) => isLeftOpen || !retried)
      : [];
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

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, since: performance.now(), retried: false, resolve, reject });
      scheduleBatches();
    });
}

/**
 * The connection died, which says nothing about a question that changes nothing; one that stayed silent has used up the
 * time. What was rolled back for certain may always be tried again.
 */
function mayRetry(error: unknown, changesNothing: boolean): boolean {
  if (error instanceof TransactionLeftOpen || isRetryable(error)) return true;
  return changesNothing && isConnectionLost(error) && !(error instanceof ConnectionLost && error.timedOut);
}

const tooLate = (): ApiKeysError =>
  new ApiKeysError('DATABASE_TIMEOUT', 'the database did not answer in time');
