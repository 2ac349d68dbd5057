import { ApiKeysError } from '../errors.js';
import type { Connection, Engine, Session } from './engine.js';
import { ConnectionLost, isConnectionLost, isRetryable, sqlStateOf } from './pg-errors.js';
import { refusalOf } from './refusals.js';
import { DURABLE, sessionSettings } from './session-settings.js';

/** How often a transaction is run before another session's interference is reported. */
const TRIES = 5;

/** How long a transaction may stand idle unless it says otherwise, in milliseconds. */
const IDLE = 5_000;

export interface TransactionOptions {
  /**
   * Finds out, after the answer to COMMIT was lost, whether the transaction took effect. Runs in a transaction of
   * its own that is rolled back, and must wait for the lost one to end: a plain SELECT can answer "no" too early.
   */
  readonly wasCommitted: (session: Session) => Promise<boolean>;
  /** How long the transaction may stand idle (a secret being written out, say), in milliseconds; 5,000 by default. */
  readonly idle?: number;
  /** Statements without parameters or wanted answers that are to come first; they cost no round trip of their own. */
  readonly prelude?: string;
  /** True for an error that means "another session was faster": the transaction is run again. */
  readonly isRace?: (error: unknown) => boolean;
}

/** Without READ WRITE, which would override a role's or a database's default_transaction_read_only. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED';

/**
 * Runs `work` in a READ COMMITTED transaction and commits it, to the disk, unless the prelude says otherwise.
 *
 * `work` may run several times (serialization failure, deadlock, a race it names): ids and secrets are made before,
 * so that every run writes the same. The result is exact: it resolves only if the change is stored, rejects with
 * `OUTCOME_UNKNOWN` if that cannot be found out, and with any other {@link ApiKeysError} only if nothing was stored.
 */
export async function transaction<T>(
  engine: Engine,
  work: (connection: Connection) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { idle = IDLE, prelude = '' } = options;
  const begin = `${BEGIN}; ${sessionSettings(engine.timeouts, idle)}; ${DURABLE}; ${prelude}`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(engine, begin, work, options);
    } catch (error) {
      const again = isRetryable(error) || options.isRace?.(error) === true;
      if (!again || attempt === TRIES) throw await refusalOf(engine, error);
      await pause(10 * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}

export interface ReadOptions extends Pick<TransactionOptions, 'prelude'> {
  /** With READ COMMITTED, each query sees what was committed by then. */
  readonly isolation?: 'REPEATABLE READ' | 'READ COMMITTED';
  /** COMMIT unless it says otherwise. For one that goes before a change, so that the first COMMIT of a session is the change's. */
  readonly end?: 'COMMIT' | 'ROLLBACK';
}

/**
 * Runs `work` in one READ ONLY transaction, REPEATABLE READ unless it says otherwise: all its queries see the same moment.
 * Nothing can have been changed, so a lost connection is simply unreachable.
 */
export async function read<T>(
  engine: Engine,
  work: (session: Session) => Promise<T>,
  { prelude = '', isolation = 'REPEATABLE READ', end = 'COMMIT' }: ReadOptions = {},
): Promise<T> {
  const begin = `BEGIN ISOLATION LEVEL ${isolation}, READ ONLY; ${sessionSettings(engine.timeouts, IDLE)}; ${prelude}`;
  try {
    return await inTransaction(engine, begin, async (connection) => {
      const outcome = await finish(connection, work);
      if (outcome.ok) await (end === 'COMMIT' ? connection.commit() : connection.script(end));
      return outcome;
    }).then(unwrap);
  } catch (error) {
    throw await refusalOf(engine, error);
  }
}

/**
 * Lends a connection on which a transaction has begun. One that lay idle may have died unnoticed: as long as not even
 * the beginning was answered, nothing can have been done, and another connection does it all.
 */
async function inTransaction<T>(
  engine: Engine,
  begin: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    let answered = false;
    try {
      return await engine.use(async (connection) => {
        await connection.script(begin);
        answered = true;
        return work(connection);
      });
    } catch (error) {
      const timedOut = error instanceof ConnectionLost && error.timedOut;
      if (answered || timedOut || !isConnectionLost(error) || attempt === TRIES) throw error;
    }
  }
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ApiKeysError };

function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}

/** A refusal by a rule of ours rolls back and keeps the connection; everything else is thrown, and destroys it. */
async function finish<T>(
  connection: Connection,
  work: (connection: Connection) => Promise<T>,
): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work(connection) };
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    await connection.script('ROLLBACK').catch(() => {
      throw error;
    });
    return { ok: false, error };
  }
}

/** The answer to COMMIT did not come. */
class CommitLost<T> {
  readonly value: T;
  constructor(value: T) {
    this.value = value;
  }
}

async function runOnce<T>(
  engine: Engine,
  begin: string,
  work: (connection: Connection) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  let sent: CommitLost<T> | undefined;
  try {
    return await inTransaction(engine, begin, async (connection) => {
      const outcome = await finish(connection, work);
      if (!outcome.ok) return outcome;
      sent = new CommitLost(outcome.value);
      if (await connection.commit()) return outcome;
      throw new ApiKeysError('INTERNAL', 'the database rolled the transaction back; nothing was changed');
    }).then(unwrap);
  } catch (error) {
    if (sent === undefined || !isConnectionLost(error)) throw error;
    if (await resolveInDoubt(engine, options)) return sent.value;
    throw new ApiKeysError(
      'DATABASE_UNREACHABLE',
      'the connection to the database was lost; nothing was changed',
      {
        details: { reason: 'commit_lost' },
      },
    );
  }
}

/**
 * Asks on new connections until one gives a definite answer, interrupted or not. Gives up when the database stays away;
 * while the lost transaction is still under way there, not before the server would have ended it for standing idle.
 */
async function resolveInDoubt(engine: Engine, options: TransactionOptions): Promise<boolean> {
  const patience = engine.timeouts.answer / 2;
  let away = Date.now() + patience;
  const atLast = away + (options.idle ?? IDLE);
  for (;;) {
    try {
      return await engine.use(
        async (connection) => {
          // It is rolled back: a default of read-only keeps nobody from finding out.
          await connection.script(`${BEGIN}, READ WRITE; ${sessionSettings(engine.timeouts, IDLE)}`);
          const committed = await options.wasCommitted(connection);
          await connection.script('ROLLBACK').catch(() => undefined);
          return committed;
        },
        { evenIfInterrupted: true },
      );
    } catch (error) {
      const now = Date.now();
      if (sqlStateOf(error) === LOCK_TIMEOUT) away = now + patience;
      if (now > Math.min(away, atLast)) throw outcomeUnknown();
      await pause(250);
    }
  }
}

/** The database is there, and so is the transaction that was lost. */
const LOCK_TIMEOUT = '55P03';

function outcomeUnknown(): ApiKeysError {
  return new ApiKeysError(
    'OUTCOME_UNKNOWN',
    'the connection was lost while the change was being committed, and the database stays away: it may or may not be stored',
  );
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
