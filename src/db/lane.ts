import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { asSent } from './connection.js';
import type { Connection, Engine, Lane, Statement, TextRow } from './engine.js';
import { Flight } from './flight.js';
import { ConnectionLost, sqlStateOf } from './pg-errors.js';

/** Lends a lane on whatever engine. Throws an ApiKeysError when no connection can be had, and what `work` throws. */
export function withLane<T>(engine: Engine, work: (lane: Lane) => Promise<T>): Promise<T> {
  return engine.lane === undefined
    ? engine.use((connection) => work(laneOver(connection)))
    : engine.lane(work);
}

/** Statements one by one through an ordinary connection: right everywhere, fast nowhere. */
function laneOver(connection: Connection): Lane {
  return {
    async run(statement, parameters) {
      const results: TextRow[][] = [];
      for (const parameter of parameters) {
        const rows = await connection.rows<Record<string, string | null>>({
          compile: () => CompiledQuery.raw(statement.text, [parameter]),
        });
        results.push(rows.map((row) => Object.values(row)));
      }
      return results;
    },
  };
}

/** What is known of a client for as long as it lives. */
interface Known {
  /**
   * True where a prepared statement will be found again: on a direct connection, whose server process is the one that
   * the login named. A pooler gives each transaction whatever server connection is free.
   */
  direct: boolean;
  readonly prepared: Set<string>;
}

const known = new WeakMap<pg.ClientBase, Known>();

/** Makes a `pg` client a {@link Lane}. What it sends is pipelined: one write, one Sync, one answer. */
export function laneOn(client: pg.ClientBase): Lane & { readonly committing: false } {
  async function fly(statement: Statement, parameters: readonly Buffer[], limit: number, about: Known) {
    const prepared = about.direct && about.prepared.has(statement.name);
    const name = about.direct ? statement.name : '';
    const rows = await within<TextRow[][]>(limit, (settle) => {
      client.query(new Flight({ statement, name, prepared, parameters, settle }));
    });
    if (about.direct) about.prepared.add(statement.name);
    return rows;
  }

  return {
    committing: false,
    async run(statement, parameters, limit) {
      const about = known.get(client) ?? (await getToKnow(client, limit));
      try {
        return await fly(statement, parameters, limit, about);
      } catch (error) {
        if (!about.direct || !UNPREPARED.includes(sqlStateOf(error) ?? '')) throw error;
        // For as long as this client lives, each flight brings its statement along.
        about.direct = false;
        return fly(statement, parameters, limit, about);
      }
    },
  };
}

async function getToKnow(client: pg.ClientBase, limit: number): Promise<Known> {
  const [[row] = []] = await within<TextRow[][]>(limit, (settle) => {
    const statement = { name: '', text: 'SELECT pg_backend_pid()::text WHERE $1::bytea IS NOT NULL' };
    client.query(new Flight({ statement, name: '', prepared: false, parameters: [Buffer.alloc(0)], settle }));
  });
  const about = {
    direct: 'processID' in client && String(client.processID) === row?.[0],
    prepared: new Set<string>(),
  };
  known.set(client, about);
  return about;
}

/** No statement of that name; one of that name already; one that a migration has made unfit. */
const UNPREPARED = ['26000', '42P05', '0A000'];

type Settle<T> = (error: unknown, value?: T) => void;

function within<T>(limit: number, send: (settle: Settle<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ConnectionLost(true)), limit);
    send((error, value) => {
      clearTimeout(timer);
      if (value === undefined) reject(asSent(error));
      else resolve(value);
    });
  });
}
