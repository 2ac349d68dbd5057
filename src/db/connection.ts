import type pg from 'pg';
import { BugError } from '../errors.js';
import { build } from './builder.js';
import type { Connection, Query } from './engine.js';
import { ConnectionLost, interrupted, isUnprepared, sqlStateOf } from './pg-errors.js';
import { timeFromText } from './time-text.js';

/** `pg` gives int8 as strings. Ours are all bounded to safe integers by constraints of the schema. */
function parseInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('an int8 beyond 2^53 - 1 came back');
  return number;
}

const asText = (text: string): string => text;

/** By type oid. `date` stays text: a Date would shift it by the host's zone. */
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [1082, asText],
  [1184, timeFromText],
]);

export interface ConnectionOptions {
  /** Parses the types that are not ours. */
  readonly fallback: typeof pg.types;
  /** For the answer to one query, in milliseconds. */
  readonly answerTimeout: number;
  /** After it nothing more is sent. */
  readonly signal?: AbortSignal | undefined;
  /** What all connections of an engine know of preparing; left out, they never do it. */
  readonly preparing?: Preparing;
}

export interface Preparing {
  /** False once a statement that had been prepared was not found again: whoever owns the connections tidies them up. */
  works: boolean;
}

/**
 * Makes a `pg` client a {@link Connection}. The parsers go with each query, so that a client of the
 * application's own keeps its settings.
 */
export function connectionOf(
  client: pg.ClientBase,
  { fallback, answerTimeout, signal, preparing }: ConnectionOptions,
): Connection {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text') =>
      PARSERS.get(oid) ?? fallback.getTypeParser(oid, format)) as typeof fallback.getTypeParser,
  };
  let committing = false;

  async function send(text: string, options: SendOptions = {}): Promise<Answer[]> {
    if (signal?.aborted) throw interrupted();
    const query = { query_timeout: answerTimeout, ...options, text, types };
    try {
      const answer: pg.QueryResult | pg.QueryResult[] = await client.query(query);
      return Array.isArray(answer) ? answer : [answer];
    } catch (error) {
      throw asSent(error);
    }
  }

  async function keepsPrepared(): Promise<boolean> {
    if (preparing?.works !== true) return false;
    const asked = direct.get(client);
    if (asked !== undefined) return asked;
    const [answer] = await send('SELECT pg_catalog.pg_backend_pid() AS process');
    const [{ process } = {}] = (answer?.rows ?? []) as { process?: unknown }[];
    const known = isDirect(client, process);
    direct.set(client, known);
    return known;
  }

  return {
    get committing() {
      return committing;
    },
    async rows<Row>(query: Query<Row>) {
      const { sql, parameters } = query.compile(build);
      const { prepareAs } = query;
      const isNamed = prepareAs !== undefined && (await keepsPrepared());
      const sent = send(sql, { values: [...parameters], ...(isNamed && { name: prepareAs }) });
      const [answer] = await sent.catch((error: unknown) => {
        if (isNamed && preparing !== undefined && isUnprepared(error)) preparing.works = false;
        throw error;
      });
      return (answer?.rows ?? []) as Row[];
    },
    async script(statements) {
      await send(statements);
    },
    async commit() {
      committing = true;
      const [answer] = await send('COMMIT', { query_timeout: answerTimeout / 2 });
      committing = false;
      return answer?.command === 'COMMIT';
    },
  };
}

/** Whether each client is {@link isDirect}, once it was asked. */
const direct = new WeakMap<pg.ClientBase, boolean>();

/**
 * True where a prepared statement will be found again: on a direct connection, whose server process is the one that
 * the login named. A pooler gives each transaction whatever server connection is free.
 */
export const isDirect = (client: pg.ClientBase, process: unknown): boolean =>
  'processID' in client && client.processID === process;

interface SendOptions {
  readonly name?: string;
  readonly values?: unknown[];
  readonly query_timeout?: number;
}

interface Answer {
  readonly command: string;
  readonly rows: unknown[];
}

/** An error that is neither the server's answer, nor a value we could not read, nor a defect, means that no answer came. */
export function asSent(error: unknown): unknown {
  if (sqlStateOf(error) !== undefined || error instanceof BugError) return error;
  if ([ConnectionLost, RangeError, TypeError].some((kind) => error instanceof kind)) return error;
  return new ConnectionLost(error instanceof Error && error.message === 'Query read timeout');
}
