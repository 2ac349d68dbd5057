import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import { ApiKeysError } from '../../errors.js';
import { readMoment } from '../../repository/clock.js';
import type { ServiceContext } from '../context.js';
import { DatabaseClock } from './clock.js';
import { type Addition, MAX_COUNT, Pending } from './pending.js';
import { storeBatch, type UsageBatch } from './store.js';

export interface UsageRecorderOptions {
  /** How long what was recorded may wait for company, in milliseconds; 1,000 unless told otherwise. */
  readonly flushInterval?: number;
  /** How many keys and days one statement stores at most; 1,000 unless told otherwise. */
  readonly batchSize?: number;
  /**
   * How many keys and days are kept while the database is away; 100,000 unless told otherwise. Beyond it, what comes
   * for a key and day that are among them is still added up, and what comes for any other is dropped and counted. When
   * half as many wait, they are stored at once.
   */
  readonly maxPending?: number;
  /** Told when a flush that nobody waits for has failed; it will be tried again by itself. */
  readonly onError?: (error: ApiKeysError) => void;
}

export interface UsageIncrement {
  /** 1 unless told otherwise, or 0 where `spendCents` is given. */
  readonly requests?: number | undefined;
  readonly spendCents?: number | undefined;
  /** When it happened; now, unless told otherwise, and never later than the database's clock. Decides the UTC day. */
  readonly at?: Date | undefined;
}

export interface UsageState {
  /** Keys and days that are not stored yet. */
  readonly pending: number;
  /** Calls that were not counted, because too much was pending or the recorder was closed. */
  readonly dropped: number;
  /** Why the last flush failed; null once one has succeeded. */
  readonly lastError: ApiKeysError | null;
}

/** A flush that failed is tried again after the interval, then twice as long, and so on up to this many milliseconds. */
const MOST_PATIENCE = 30_000;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Counts usage: adds it up in memory by key and UTC day, and stores many at once. Recorded is what a `flush` or `close`
 * that resolved has stored; between them, it is stored within the interval, and a process that comes to its end by
 * itself waits for that. What is recorded for a key that does not exist, or no longer, is let go.
 *
 * Each increment is counted once, also when the connection is lost at any moment and the flush is repeated. Counters
 * stop at 2^53 - 1.
 *
 * @example
 * const usage = createUsageRecorder(context);
 * usage.record(key.id, { requests: 1, spendCents: 12 });
 * await usage.close(); // at the end of the process
 */
export function createUsageRecorder(context: ServiceContext, options?: UsageRecorderOptions): UsageRecorder {
  return new UsageRecorder(context, options);
}

/** See {@link createUsageRecorder}. */
export class UsageRecorder {
  readonly #context: ServiceContext;
  readonly #options: Required<Omit<UsageRecorderOptions, 'onError'>>;
  /** With so many keys and days a flush begins at once. */
  readonly #full: number;
  readonly #onError: (error: ApiKeysError) => void;
  readonly #source = newId();
  readonly #clock = new DatabaseClock();
  readonly #pending = new Pending();
  /** Stamped by the host's clock, before the database's is known. */
  #early = new Pending();
  #position = 0;
  /** Batches. */
  #stored = 0;
  /** Under way, or to be tried again: its content and position never change. */
  #batch: UsageBatch | undefined;
  #underWay: Promise<void> | undefined;
  /** When storing began of all that waited then, by `performance.now()`, and how many batches of that are left. */
  #began = Number.NEGATIVE_INFINITY;
  #left = 0;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;
  #dropped = 0;
  #lastError: ApiKeysError | null = null;

  constructor(context: ServiceContext, options: UsageRecorderOptions = {}) {
    const {
      flushInterval = 1_000,
      batchSize = 1_000,
      maxPending = 100_000,
      onError = () => undefined,
    } = options;
    this.#context = context;
    this.#options = { flushInterval, batchSize, maxPending };
    this.#full = Math.ceil(maxPending / 2);
    this.#onError = onError;
  }

  /** Adds usage to a key. Throws `INVALID_INPUT` for what is no key's id, no count or no time. */
  record(keyId: string, { requests, spendCents, at }: UsageIncrement = {}): void {
    if (!UUID.test(keyId)) throw invalid('usage is recorded under the id of a key');
    const spend = spendCents === undefined ? 0 : checkCount('the spend', spendCents);
    const count =
      requests === undefined ? (spendCents === undefined ? 1 : 0) : checkCount('the requests', requests);
    const time = at === undefined ? this.#clock.now() : checkTime(at);
    if (count === 0 && spend === 0) return;
    const isEarly = at === undefined && !this.#clock.isRight;
    this.#add(isEarly ? this.#early : this.#pending, keyId.toLowerCase(), time, {
      requests: count,
      spendCents: spend,
      lateCents: spend,
      lastUsedAt: time,
    });
  }

  /** Counts a request that was let through, at `at` by the database's clock; `late` of its spend no budget was asked for. */
  countRequest(
    keyId: string,
    at: number,
    oldSecret: boolean,
    { spendCents, late }: { readonly spendCents: number; readonly late: number },
  ): void {
    this.#add(this.#pending, keyId, at, {
      requests: 1,
      spendCents,
      lateCents: late,
      lastUsedAt: at,
      oldSecretUsedAt: oldSecret ? at : 0,
    });
  }

  /** Counts a request that was refused. */
  countRefusal(keyId: string, at: number): void {
    this.#add(this.#pending, keyId, at, { refused: 1, refusedAt: at });
  }

  state(): UsageState {
    return { pending: this.#size, dropped: this.#dropped, lastError: this.#lastError };
  }

  /** Stores everything that was recorded before. Rejects if that fails; it is kept then, and tried again by itself. */
  async flush(): Promise<void> {
    const goal = this.#stored + this.#waiting;
    while (this.#stored < goal && this.#size > 0) await this.#storeNext();
  }

  /** Stores everything and takes nothing more. Rejects if storing fails; call it again to try again. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.flush();
  }

  /** Batches that are not stored yet. */
  get #waiting(): number {
    const gathered = Math.ceil((this.#pending.size + this.#early.size) / this.#options.batchSize);
    return gathered + (this.#batch === undefined ? 0 : 1);
  }

  get #size(): number {
    return this.#pending.size + this.#early.size + (this.#batch?.increments.length ?? 0);
  }

  #add(pending: Pending, keyId: string, at: number, addition: Addition): void {
    const { maxPending, flushInterval } = this.#options;
    if (this.#closed || (this.#size >= maxPending && !pending.has(keyId, at))) {
      this.#dropped++;
      return;
    }
    pending.add(keyId, at, addition);
    if (this.#failures === 0 && pending.size >= this.#full) this.#flushSoon(0);
    else this.#flushSoon(flushInterval);
  }

  #flushSoon(delay: number): void {
    if (this.#closed || this.#underWay !== undefined) return;
    if (delay === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#inBackground();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#inBackground();
    }, delay);
    // While the database answers, the process waits for the flush; while it is away, an end is not held up.
    if (this.#failures > 0) this.#timer.unref();
  }

  #inBackground(): void {
    void this.#storeNext().catch((error: unknown) => {
      if (error instanceof ApiKeysError) this.#onError(error);
    });
  }

  /** Stores one batch; all who ask while it is under way wait for the same one. */
  #storeNext(): Promise<void> {
    this.#underWay ??= this.#store().finally(() => {
      this.#underWay = undefined;
      if (this.#size > 0) this.#flushSoon(this.#delay());
    });
    return this.#underWay;
  }

  /**
   * A busy process stores what waited when it began, and then lets more come together: otherwise it would never stop, and
   * store each request for itself instead of adding it to others of the same key.
   */
  #delay(): number {
    const { flushInterval } = this.#options;
    if (this.#failures > 0) return Math.min(flushInterval * 2 ** (this.#failures - 1), MOST_PATIENCE);
    if (this.#left > 0 || this.#pending.size >= this.#full) return 0;
    return Math.max(0, this.#began + flushInterval - performance.now());
  }

  async #store(): Promise<void> {
    try {
      await this.#datePending();
      if (this.#left === 0) {
        this.#began = performance.now();
        this.#left = this.#waiting;
      }
      this.#batch ??= this.#nextBatch();
      if (this.#batch === undefined) return;
      const now = await storeBatch(this.#context, this.#batch);
      if (now !== undefined) this.#clock.set(now.getTime());
      this.#batch = undefined;
      this.#stored++;
      this.#left--;
      this.#failures = 0;
      this.#lastError = null;
    } catch (error) {
      this.#failures++;
      if (error instanceof ApiKeysError) this.#lastError = error;
      throw error;
    }
  }

  /** Moves what was stamped by the host's clock to the database's. */
  async #datePending(): Promise<void> {
    if (this.#early.size === 0) return;
    await this.#context.ready();
    const { now } = await read(this.#context.engine, readMoment);
    const error = this.#clock.set(now.getTime());
    const early = this.#early;
    this.#early = new Pending();
    for (const { keyId, lastUsedAt, ...addition } of early.take(early.size)) {
      const at = Math.floor(lastUsedAt + error);
      this.#pending.add(keyId, at, { ...addition, lastUsedAt: at });
    }
  }

  #nextBatch(): UsageBatch | undefined {
    const increments = this.#pending.take(this.#options.batchSize);
    if (increments.length === 0) return undefined;
    return { source: this.#source, position: ++this.#position, increments };
  }
}

/** A whole number from 0 to 2^53 - 1. */
export function checkCount(what: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw invalid(`${what} must be a whole number from 0 to ${MAX_COUNT}`);
}

/** A time that usage may have. */
export function checkTime(at: Date): number {
  const time = at.getTime();
  if (time > 0 && time < 253_402_300_800_000) return time;
  throw invalid('the time of usage must lie between the years 1970 and 9999');
}

const invalid = (message: string): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', message, { details: { reason: 'usage' } });
