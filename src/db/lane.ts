import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { Charter, type Row } from './charter.js';
import type { ColumnType, RowOf } from './columns.js';
import { asSent, isDirect } from './connection.js';
import type { Connection, Engine, Lane, Statement } from './engine.js';
import { ConnectionLost, isUnprepared } from './pg-errors.js';
import { ignore } from './pool.js';

/** Lends a lane on whatever engine. Throws an ApiKeysError when no connection can be had, and what `work` throws. */
export function withLane<T>(engine: Engine, work: (lane: Lane) => Promise<T>): Promise<T> {
  return engine.lane === undefined
    ? engine.use((connection) => work(laneOver(connection)))
    : engine.lane(work);
}

/** Statements one by one through an ordinary connection: right everywhere, fast nowhere. */
export function laneOver(connection: Connection): Lane {
  return {
    async run(statement, parameters) {
      const results: Row[][] = [];
      for (const parameter of parameters) {
        const rows = await connection.rows<Record<string, unknown>>({
          compile: () => CompiledQuery.raw(statement.text, [parameter]),
        });
        results.push(rows.map((row) => Object.values(row)));
      }
      return asTyped(results);
    },
  };
}

/** The parsers of a connection and the decoders of a flight make the values that a statement's columns say. */
const asTyped = <Columns extends readonly ColumnType[]>(results: readonly Row[][]): RowOf<Columns>[][] =>
  results as unknown as RowOf<Columns>[][];

/** What is known of a client for as long as it lives. */
interface Known {
  /** See {@link isDirect}; false too once a statement that had been prepared was not found again. */
  direct: boolean;
  readonly prepared: Set<string>;
  readonly clock: FlightClock;
}

const known = new WeakMap<pg.ClientBase, Known>();

/**
 * Makes a `pg` client, which nobody else uses meanwhile, a {@link Lane} until `end`. What it sends is pipelined: one
 * write, one Sync, one answer.
 */
export function laneOn(client: pg.ClientBase): Lane & { end(): void; readonly committing: false } {
  let charter = new Charter();
  let begun = false;

  /** Throws what the server answered; after an error, the next flight has another charter. */
  function fly(about: Known, statement: Statement, parameters: readonly Buffer[], limit: number) {
    const { direct, prepared, clock } = about;
    const { name, text, columns } = statement;
    const isPrepared = direct && prepared.has(name);
    if (charter.over) {
      charter = new Charter();
      begun = false;
    }
    return new Promise<Row[][]>((resolve, reject) => {
      clock.start(limit, () => reject(new ConnectionLost(true)));
      charter.fly({
        name: direct ? name : '',
        text: isPrepared ? undefined : text,
        columns,
        parameters,
        land(error, rows) {
          clock.stop();
          if (rows === undefined) {
            reject(asSent(error));
            return;
          }
          if (direct) prepared.add(name);
          resolve(rows);
        },
      });
      if (!begun) client.query(charter);
      begun = true;
    });
  }

  async function getToKnow(limit: number): Promise<Known> {
    const about = { direct: false, prepared: new Set<string>(), clock: new FlightClock() };
    const [[row] = []] = await fly(about, PROCESS, [Buffer.alloc(0)], limit);
    about.direct = isDirect(client, row?.[0]);
    known.set(client, about);
    return about;
  }

  return {
    committing: false,
    async run(statement, parameters, limit) {
      const about = known.get(client) ?? (await getToKnow(limit));
      try {
        return asTyped(await fly(about, statement, parameters, limit));
      } catch (error) {
        if (!about.direct || !isUnprepared(error)) throw error;
        // For as long as this client lives, each flight brings its statement along.
        about.direct = false;
        return asTyped(await fly(about, statement, parameters, limit));
      }
    },
    end: () => charter.end(),
  };
}

const PROCESS: Statement = {
  name: 'apikeys_process_2',
  text: 'SELECT pg_catalog.pg_backend_pid() WHERE $1::pg_catalog.bytea IS NOT NULL',
  columns: ['integer'],
};

/**
 * Tells when the answer to a flight is overdue. A timer for each flight would cost more than the rest of sending it, so
 * one goes on from flight to flight, and looks what has become of them when its time comes.
 */
class FlightClock {
  #deadline = Number.POSITIVE_INFINITY;
  #onOverdue = ignore;
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;

  start(limit: number, onOverdue: () => void): void {
    this.#deadline = performance.now() + limit;
    this.#onOverdue = onOverdue;
    if (this.#deadline < this.#ringsAt) this.#ringAt(this.#deadline);
  }

  stop(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#onOverdue = ignore;
  }

  #ringAt(time: number): void {
    clearTimeout(this.#timer);
    this.#ringsAt = time;
    // The socket keeps the process alive while a flight is under way, and nothing should after it.
    this.#timer = setTimeout(() => this.#ring(), Math.ceil(time - performance.now())).unref();
  }

  #ring(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    if (this.#deadline <= performance.now()) this.#onOverdue();
    else if (this.#deadline < Number.POSITIVE_INFINITY) this.#ringAt(this.#deadline);
  }
}
