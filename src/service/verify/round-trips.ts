import type { Engine, Lane } from '../../db/engine.js';
import { withLane } from '../../db/lane.js';
import { ConnectionLost, databaseError, isConnectionLost } from '../../db/pg-errors.js';
import { ApiKeysError } from '../../errors.js';
import { type FoundSecret, findSecretsByHash } from '../../repository/verify.js';

/** Round trips under way at once. More of them wait for connections rather than for answers. */
const MOST_FLIGHTS = 4;

/** Fewer callers than twice this share one round trip; more are spread over several. */
const WORTH_A_FLIGHT = 16;

/** Callers in one round trip at most: beyond it, the first would wait for the last. */
const MOST_ABOARD = 256;

/** Round trips with one loan of a connection at most: then whoever else waits for one has a turn. */
const MOST_IN_A_ROW = 32;

interface Caller {
  readonly hash: Buffer;
  /** When it asked, by `performance.now()`. */
  readonly since: number;
  retried: boolean;
  readonly resolve: (found: FoundSecret | undefined) => void;
  readonly reject: (error: ApiKeysError) => void;
}

/** A connection that is ours for some flights. */
interface Loan {
  readonly lane: Lane;
  flights: number;
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
 * engine's `answer` timeout, or `connect` where no connection is to be had. Rejects with what {@link databaseError} makes of the trouble.
 */
export function sharedRoundTrips(engine: Engine): LookUp {
  let waiting: Caller[] = [];
  /** Flights that have not left: most wait for a connection. */
  let boarding = 0;
  let airborne = 0;
  const landed: Loan[] = [];
  let called = false;

  function callFlights(): void {
    if (called) return;
    called = true;
    // After everything that is ready to run has run: who else is going to ask now, has asked.
    process.nextTick(() => {
      called = false;
      const wanted = Math.max(1, Math.floor(waiting.length / WORTH_A_FLIGHT));
      while (waiting.length > 0 && boarding < wanted && boarding + airborne < MOST_FLIGHTS) {
        boarding++;
        const loan = landed.pop();
        if (loan === undefined) void depart();
        else void takeOff(loan);
      }
    });
  }

  async function depart(): Promise<void> {
    const began = performance.now();
    let hasConnection = false;
    try {
      await withLane(engine, (lane) => {
        hasConnection = true;
        return new Promise<void>(
          (end, fail) => void takeOff({ lane, flights: 0, turn: undefined, end, fail }),
        );
      });
    } catch (error) {
      if (!hasConnection) {
        giveUp(error, began);
        boarding--;
      }
    }
    // One that found no connection leaves the rest to the others, if there are any.
    if (waiting.length > 0 && (hasConnection || airborne + boarding === 0)) callFlights();
  }

  async function takeOff(loan: Loan): Promise<void> {
    clearImmediate(loan.turn);
    const aboard = takeInTime(Math.min(Math.ceil(waiting.length / boarding), MOST_ABOARD));
    boarding--;
    airborne++;
    try {
      if (aboard.length > 0) await fly(loan.lane, aboard);
      airborne--;
      linger(loan);
    } catch (error) {
      airborne--;
      settleLost(aboard, error);
      // Whatever it was, this connection is not to be trusted any more.
      loan.fail(error);
    }
  }

  /** Keeps the connection in hand until the event loop turns. */
  function linger(loan: Loan): void {
    if (++loan.flights === MOST_IN_A_ROW) {
      loan.end();
      return;
    }
    landed.push(loan);
    loan.turn = setImmediate(() => {
      landed.splice(landed.indexOf(loan), 1);
      loan.end();
    });
    if (waiting.length > 0) callFlights();
  }

  async function fly(lane: Lane, aboard: readonly Caller[]): Promise<void> {
    const oldest = aboard.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
    const limit = Math.max(1, engine.timeouts.answer - (performance.now() - oldest));
    const hashes = aboard.map(({ hash }) => hash);
    const found = await findSecretsByHash(lane, hashes, limit);
    for (const [n, { resolve }] of aboard.entries()) resolve(found[n]);
  }

  /** Takes up to `share` callers; those whose time is over are told so instead. */
  function takeInTime(share: number): Caller[] {
    const taken = waiting.slice(0, share);
    waiting = waiting.slice(share);
    const latest = performance.now() - engine.timeouts.answer;
    if (taken.every(({ since }) => since > latest)) return taken;
    for (const { since, reject } of taken) if (since <= latest) reject(tooLate());
    return taken.filter(({ since }) => since > latest);
  }

  function settleLost(aboard: readonly Caller[], error: unknown): void {
    const again = mayRetry(error) ? aboard.filter(({ retried }) => !retried) : [];
    for (const caller of aboard) {
      if (!again.includes(caller)) caller.reject(databaseError(error));
      caller.retried = true;
    }
    waiting = [...again, ...waiting];
  }

  /**
   * No connection was to be had since `began`. Those who wait may still go with others, but not for longer than for a
   * connection; where there are no others, those who came since then try for one themselves.
   */
  function giveUp(error: unknown, began: number): void {
    const alone = airborne === 0 && boarding === 1;
    const patience = Math.min(engine.timeouts.connect, engine.timeouts.answer);
    const latest = alone ? began : performance.now() - patience;
    const stranded = waiting.filter(({ since }) => since <= latest);
    waiting = waiting.filter(({ since }) => since > latest);
    for (const { reject } of stranded) reject(databaseError(error));
  }

  return (hash) =>
    new Promise((resolve, reject) => {
      waiting.push({ hash, since: performance.now(), retried: false, resolve, reject });
      callFlights();
    });
}

/** The connection died, which says nothing about the question; one that stayed silent has used up the time. */
const mayRetry = (error: unknown): boolean =>
  isConnectionLost(error) && !(error instanceof ConnectionLost && error.timedOut);

const tooLate = (): ApiKeysError =>
  new ApiKeysError('DATABASE_TIMEOUT', 'the database did not answer in time', {
    hint: 'Nothing was changed. Try again.',
  });
