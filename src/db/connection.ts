import type pg from 'pg';
import { build } from './builder.js';
import type { Connection, Query } from './engine.js';
import { ConnectionLost, interrupted, sqlStateOf } from './pg-errors.js';

const TIME_SHAPE = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:?\d\d)?$/;

/** `pg` gives int8 as strings. Ours are all bounded to safe integers by constraints of the schema. */
function parseInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('an int8 beyond 2^53 - 1 came back');
  return number;
}

/** Accepts DateStyle ISO alone: any other could be read as another day without a word. */
function parseTimestamp(text: string): Date {
  const [, day, time, hours, minutes = ':00'] = TIME_SHAPE.exec(text) ?? [];
  if (day === undefined) throw new RangeError('a time came back that is not in DateStyle ISO');
  return new Date(`${day}T${time}${hours}${minutes}`);
}

const asText = (text: string): string => text;

/** By type oid. `date` stays text (a Date would shift it by the host's zone), and so does `json` (it is hashed as written). */
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [114, asText],
  [1082, asText],
  [1184, parseTimestamp],
]);

/**
 * Makes a `pg` client a {@link Connection}. The parsers go with each query, so that a client of the
 * application's own keeps its settings. After `signal` nothing more is sent.
 */
export function connectionOf(
  client: pg.ClientBase,
  fallback: typeof pg.types,
  answerTimeout: number,
  signal?: AbortSignal,
): Connection {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text') =>
      PARSERS.get(oid) ?? fallback.getTypeParser(oid, format)) as typeof fallback.getTypeParser,
  };
  let committing = false;

  async function send(text: string, values?: unknown[], timeout = answerTimeout): Promise<Answer[]> {
    if (signal?.aborted) throw interrupted();
    const query = { text, types, query_timeout: timeout, ...(values && { values }) };
    try {
      const answer: pg.QueryResult | pg.QueryResult[] = await client.query(query);
      return Array.isArray(answer) ? answer : [answer];
    } catch (error) {
      throw asSent(error);
    }
  }

  return {
    get committing() {
      return committing;
    },
    async rows<Row>(query: Query<Row>) {
      const { sql, parameters } = query.compile(build);
      const [answer] = await send(sql, [...parameters]);
      return (answer?.rows ?? []) as Row[];
    },
    async script(statements) {
      await send(statements);
    },
    async commit() {
      committing = true;
      const [answer] = await send('COMMIT', undefined, answerTimeout / 2);
      committing = false;
      return answer?.command === 'COMMIT';
    },
  };
}

interface Answer {
  readonly command: string;
  readonly rows: unknown[];
}

/** An error that is neither the server's answer nor a value we could not read means that no answer came. */
export function asSent(error: unknown): unknown {
  if (sqlStateOf(error) !== undefined || error instanceof RangeError || error instanceof TypeError)
    return error;
  return new ConnectionLost(error instanceof Error && error.message === 'Query read timeout');
}
