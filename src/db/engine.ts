import type { CompiledQuery, QueryExecutorProvider } from 'kysely';
import type { ColumnType, RowOf } from './pipeline/binary-decoders.js';

/** A query that was built and can be sent: every Kysely builder and raw `sql` is one. */
export interface Query<Row> {
  compile(provider: QueryExecutorProvider): CompiledQuery<Row>;
  /** See {@link prepared}. */
  readonly prepareAs?: string;
}

/**
 * A query that is sent so often, with other parameters, that planning it once is worth it. The name stands for one text
 * for ever: a connection keeps it prepared under this name, where the next transaction finds it again.
 */
export const prepared = <Row>(name: string, query: Query<Row>): Query<Row> => ({
  compile: (provider) => query.compile(provider),
  prepareAs: name,
});

/** What a repository function needs: somewhere to run one query and get its rows. */
export interface Session {
  /** Throws the driver's own error; `transaction` and `read` translate it at the border. */
  rows<Row>(query: Query<Row>): Promise<Row[]>;
}

/** One connection, held by one caller at a time. */
export interface Connection extends Session {
  /** Runs statements without parameters, separated by semicolons, in one round trip. */
  script(statements: string): Promise<void>;
  /**
   * Sends COMMIT. False if the server answered it with ROLLBACK, as it does when a statement had failed.
   * Waits half as long as for other answers, so that time is left to find out on another connection.
   */
  commit(): Promise<boolean>;
  /** True from the moment COMMIT is sent until its answer: now the outcome is the server's. */
  readonly committing: boolean;
}

/** A statement whose text never changes, sent so often that it is worth keeping prepared. */
export interface Statement<Columns extends readonly ColumnType[] = readonly ColumnType[]> {
  /** Names one text for ever: a connection keeps it prepared under this name. */
  readonly name: string;
  /** Takes one parameter of type `bytea`, as `$1`. Its columns each have a name of their own. */
  readonly text: string;
  /** The types of its columns, in their order. */
  readonly columns: Columns;
}

/** A connection for statements that stand by themselves, each its own transaction. */
export interface Pipeline {
  /**
   * Runs the statement once for each parameter, all in one round trip, and gives the rows of each in their order.
   * Waits at most `limit` milliseconds. Throws the driver's own error, as {@link Session.rows} does.
   */
  run<Columns extends readonly ColumnType[]>(
    statement: Statement<Columns>,
    parameters: readonly Buffer[],
    limit: number,
  ): Promise<RowOf<Columns>[][]>;
}

/** How long the parts of one operation may take, all in milliseconds. */
export interface Timeouts {
  readonly connect: number;
  readonly lock: number;
  readonly statement: number;
  /** For the answer to one query, seen from here; after it the connection is destroyed. */
  readonly answer: number;
}

export interface UseOptions {
  /** For finding out what became of a COMMIT: that question is asked to its end. */
  readonly evenIfInterrupted?: boolean;
}

/** A PostgreSQL to talk to: a server, or the one that is built in. */
export interface Engine {
  readonly kind: 'server' | 'embedded';
  /** Where it is, for people, without a password: `db.example.com:5432/app`, or the embedded folder. */
  readonly location: string;
  /** Whether the connection is encrypted and the server's certificate verified; null where there is no network. */
  readonly tls: boolean | null;
  /** What the data takes on this machine's disk, in bytes; null for a server. */
  sizeBytes(): number | null;
  readonly timeouts: Timeouts;
  /**
   * Lends a connection to `work` and takes it back. A connection whose work threw is destroyed, never used again.
   * Throws an ApiKeysError when no connection can be had.
   */
  use<T>(work: (connection: Connection) => Promise<T>, options?: UseOptions): Promise<T>;
  /** Lends a connection as `use` does, where the engine has a faster way than transactions; see `withPipeline`. */
  pipeline?<T>(work: (pipeline: Pipeline) => Promise<T>): Promise<T>;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}
