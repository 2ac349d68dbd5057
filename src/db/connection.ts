import type pg from 'pg';
import type { Connection } from './engine.js';

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
 * application's own keeps its settings.
 */
export function connectionOf(
  client: pg.ClientBase,
  fallback: typeof pg.types,
  answerTimeout: number,
): Connection {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text') =>
      PARSERS.get(oid) ?? fallback.getTypeParser(oid, format)) as typeof fallback.getTypeParser,
  };
  return {
    async rows<Row>(query: { compile(): { sql: string; parameters: readonly unknown[] } }) {
      const { sql, parameters } = query.compile();
      const { rows } = await client.query<Row & pg.QueryResultRow>({
        text: sql,
        values: [...parameters],
        types,
        query_timeout: answerTimeout,
      } as pg.QueryConfig);
      return rows;
    },
    async script(statements) {
      const answer: pg.QueryResult | pg.QueryResult[] = await client.query({
        text: statements,
        query_timeout: answerTimeout,
      } as pg.QueryConfig);
      return (Array.isArray(answer) ? answer.at(-1) : answer)?.command ?? '';
    },
  };
}
