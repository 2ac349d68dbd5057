import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { asSent, isDirect } from '../connection.js';
import type { Engine, Pipeline, Session, Statement } from '../engine.js';
import { ConnectionLost, isUnprepared } from '../pg-errors.js';
import type { ColumnType, RowOf } from './binary-decoders.js';
import { DeadlineTimer } from './deadline-timer.js';
import { PipelinedQuery, type Row, SocketBusy } from './pipelined-query.js';

/** Lends a pipeline on whatever engine. Throws an ApiKeysError when no connection can be had, and what `work` throws. */
export function withPipeline<T>(engine: Engine, work: (pipeline: Pipeline) => Promise<T>): Promise<T> {
  return engine.pipeline === undefined
    ? engine.use((connection) => work(sequentialPipeline(connection)))
    : engine.pipeline(work);
}

/** Statements one by one through an ordinary session: right everywhere, fast nowhere. */
export function sequentialPipeline(session: Session): Pipeline {
  return {
    async run(statement, parameters) {
      const results: Row[][] = [];
      for (const parameter of parameters) {
        const rows = await session.rows<Record<string, unknown>>({
          compile: () => CompiledQuery.raw(statement.text, [parameter]),
        });
        results.push(rows.map((row) => Object.values(row)));
      }
      return asTyped(results);
    },
  };
}

/** The parsers of a connection and the decoders of a pipeline make the values that a statement's columns say. */
const asTyped = <Columns extends readonly ColumnType[]>(results: readonly Row[][]): RowOf<Columns>[][] =>
  results as unknown as RowOf<Columns>[][];

/** What is known of a client for as long as it lives. */
interface Known {
  /** See {@link isDirect}; false too once a statement that had been prepared was not found again. */
  direct: boolean;
  readonly prepared: Set<string>;
  readonly timer: DeadlineTimer;
}

const known = new WeakMap<pg.ClientBase, Known>();

/**
 * Makes a `pg` client, which nobody else uses meanwhile, a {@link Pipeline} until `end`. What it sends is pipelined: one
 * write, one Sync, one answer.
 */
export function pipelineOn(client: pg.ClientBase): Pipeline & { end(): void; readonly committing: false } {
  let query = new PipelinedQuery();
  let isQuerySent = false;

  /** Until the socket could be taken over: what was coming in is the client's. */
  async function execute(
    about: Known,
    statement: Statement,
    parameters: readonly Buffer[],
    limit: number,
  ): Promise<Row[][]> {
    for (const deadline = performance.now() + limit; ; ) {
      try {
        return await tryToExecute(about, statement, parameters, deadline - performance.now());
      } catch (error) {
        if (!(error instanceof SocketBusy)) throw error;
      }
    }
  }

  /** Throws what the server answered; after an error, the next batch has another query. */
  function tryToExecute(about: Known, statement: Statement, parameters: readonly Buffer[], limit: number) {
    const { direct, prepared, timer } = about;
    const { name, text, columns } = statement;
    const isPrepared = direct && prepared.has(name);
    if (query.over) {
      query = new PipelinedQuery();
      isQuerySent = false;
    }
    return new Promise<Row[][]>((resolve, reject) => {
      timer.start(limit, () => reject(new ConnectionLost(true)));
      query.execute({
        name: direct ? name : '',
        text: isPrepared ? undefined : text,
        columns,
        parameters,
        done(error, rows) {
          timer.stop();
          if (rows === undefined) {
            reject(error instanceof SocketBusy ? error : asSent(error));
            return;
          }
          if (direct) prepared.add(name);
          resolve(rows);
        },
      });
      if (!isQuerySent) client.query(query);
      isQuerySent = true;
    });
  }

  async function getToKnow(limit: number): Promise<Known> {
    const about = { direct: false, prepared: new Set<string>(), timer: new DeadlineTimer() };
    const [[row] = []] = await execute(about, PROCESS, [Buffer.alloc(0)], limit);
    about.direct = isDirect(client, row?.[0]);
    known.set(client, about);
    return about;
  }

  return {
    committing: false,
    async run(statement, parameters, limit) {
      const about = known.get(client) ?? (await getToKnow(limit));
      try {
        return asTyped(await execute(about, statement, parameters, limit));
      } catch (error) {
        if (!about.direct || !isUnprepared(error)) throw error;
        // For as long as this client lives, each batch brings its statement along.
        about.direct = false;
        return asTyped(await execute(about, statement, parameters, limit));
      }
    },
    end: () => query.end(),
  };
}

const PROCESS: Statement = {
  name: 'apikeys_process_2',
  text: 'SELECT pg_catalog.pg_backend_pid() WHERE $1::pg_catalog.bytea IS NOT NULL',
  columns: ['integer'],
};
