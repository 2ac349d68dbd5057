import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { TransactionLeftOpen } from '../pg-errors.js';
import { type ColumnType, DECODERS } from './binary-decoders.js';
import { isBetweenMessages, type Listener } from './parser-state.js';
import { type ExtendedQuery, encodeExtendedQuery } from './protocol-messages.js';

/** A row before its columns' types are known to the compiler. */
export type Row = readonly unknown[];

/** One round trip: a statement, executed once for each parameter. */
export interface ExecutionBatch extends ExtendedQuery {
  readonly columns: readonly ColumnType[];
  /** Told the rows of each execution, or an error; called once. */
  readonly done: (error: unknown, results?: Row[][]) => void;
}

/** The first bytes of messages, by their names in PostgreSQL's documentation of its protocol. */
const PARSE_COMPLETE = 0x31;
const BIND_COMPLETE = 0x32;
const COMMAND_COMPLETE = 0x43;
const DATA_ROW = 0x44;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
/** Of a message: its first byte and its length. */
const HEAD = 5;
/** What a length may be: it counts itself, and PostgreSQL builds no message beyond a gigabyte. */
const MIN_LENGTH = 4;
const MAX_LENGTH = 2 ** 30;
/** In ReadyForQuery: outside a transaction. */
const IDLE = 0x49;
const READY = Buffer.from([READY_FOR_QUERY, 0, 0, 0, 5, IDLE]);
const SYNC = Buffer.from('5300000004', 'hex');

/**
 * A `pg` client's connection for several batches of executions, one after the other. To the client it is one query that
 * takes its time; meanwhile its socket is read here, and what says something of the connection (errors, notices,
 * notifications, parameters) is handed on, byte for byte and in order.
 *
 * The socket is taken over between two messages alone: where the client's parser has the beginning of one, it gets the
 * rest first. What has been read of a message that has not come whole is handed on in the end.
 *
 * `pg`'s own query asks for the columns' description each time, makes text and an object of each row, tells of each
 * message by an event, and knows one execution a round trip: several times the work. So does its pipelining.
 */
export class PipelinedQuery implements pg.Submittable {
  /** `pg` wraps it in a timer where the client has a `query_timeout`: that is for one answer, and this is for many. */
  callback: (error?: unknown) => void = () => undefined;
  readonly query_timeout = 2 ** 31 - 1;
  #over = false;
  #stream: Duplex | undefined;
  #listeners: Listener[] = [];
  #batch: ExecutionBatch | undefined;
  #results: Row[][] = [];
  #rows: Row[] = [];
  /** The beginning of a message whose end has yet to come. */
  #rest: Buffer | undefined;
  #failure: unknown;

  /** True once the client has its connection back, or that is lost: no more batches. */
  get over(): boolean {
    return this.#over;
  }

  /** Begins a batch; the one before has to be done. An error of the server ends it, and this query with it. */
  execute(batch: ExecutionBatch): void {
    this.#batch = batch;
    this.#results = [];
    this.#rows = [];
    this.#failure = undefined;
    this.#stream?.write(encodeExtendedQuery(batch));
  }

  /** Gives the connection back, unless a batch is under way: then it is good for nothing but to be closed. */
  end(): void {
    if (this.#over || this.#batch !== undefined) return;
    this.#giveBack();
    this.#passOn(READY);
    // The client's parser keeps the beginning, and its end comes to it directly.
    if (this.#rest !== undefined) this.#passOn(this.#rest);
  }

  /** `pg` may call this while its parser is in the middle of a chunk, whose rest it reads before anything else runs. */
  submit({ stream }: pg.Connection): void {
    process.nextTick(() => this.#takeOver(stream));
  }

  #takeOver(stream: Duplex): void {
    // The connection may have been lost meanwhile.
    if (this.#over) return;
    const listeners = stream.rawListeners('data') as Listener[];
    if (!isBetweenMessages(listeners, stream)) {
      // ReadyForQuery comes after the message that has begun: `handleReadyForQuery` has another look.
      stream.write(SYNC);
      return;
    }
    this.#stream = stream;
    this.#listeners = listeners;
    stream.removeAllListeners('data');
    stream.on('data', this.#listen);
    if (this.#batch !== undefined) stream.write(encodeExtendedQuery(this.#batch));
  }

  handleReadyForQuery(): void {
    // Where the socket was not taken over: whoever waits tries again.
    this.#over = true;
    this.callback();
    if (this.#batch !== undefined) this.#finish(new SocketBusy());
  }

  handleError(error: unknown): void {
    this.#over = true;
    this.#finish(error);
    this.callback(error);
  }

  /** Nothing is thrown into the socket's event, where nobody could catch it: what cannot be read ends the connection. */
  readonly #listen: Listener = (chunk) => {
    try {
      this.#read(chunk);
    } catch (error) {
      this.#over = true;
      this.#finish(error);
      this.#stream?.off('data', this.#listen);
      this.#stream?.destroy(error instanceof Error ? error : undefined);
    }
  };

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const length = bytes.readInt32BE(at + 1);
      if (length < MIN_LENGTH || length > MAX_LENGTH) throw new BrokenProtocol();
      if (bytes[at] === ERROR_RESPONSE) {
        this.#rest = undefined;
        this.#giveBack();
        this.#passOn(bytes.subarray(at));
        return;
      }
      const end = at + 1 + length;
      if (end > bytes.length) break;
      this.#take(bytes, at, end);
      at = end;
      if (this.#over) {
        // Whoever was answered gave the connection back at once: what follows is the client's.
        this.#rest = undefined;
        if (at < bytes.length) this.#passOn(bytes.subarray(at));
        return;
      }
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    switch (bytes[start]) {
      case DATA_ROW:
        this.#takeRow(bytes, start + HEAD, end);
        break;
      case COMMAND_COMPLETE:
        this.#results.push(this.#rows);
        this.#rows = [];
        break;
      case READY_FOR_QUERY:
        this.#takeReady(bytes[start + HEAD]);
        break;
      case PARSE_COMPLETE:
      case BIND_COMPLETE:
        break;
      default:
        this.#passOn(bytes.subarray(start, end));
    }
  }

  #takeRow(bytes: Buffer, start: number, end: number): void {
    try {
      this.#rows.push(decodeRow(bytes, start, end, this.#batch?.columns ?? []));
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** An answer that is not to this batch would give each caller another's, so one of another size is none. */
  #takeReady(status: number | undefined): void {
    if (status !== IDLE) throw new TransactionLeftOpen();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#results.length !== this.#batch?.parameters.length) throw new BrokenProtocol();
    this.#finish(undefined, this.#results);
  }

  #finish(error: unknown, results?: Row[][]): void {
    const batch = this.#batch;
    this.#batch = undefined;
    batch?.done(error, results);
  }

  #giveBack(): void {
    this.#over = true;
    this.#stream?.off('data', this.#listen);
    for (const listener of this.#listeners) this.#stream?.on('data', listener);
  }

  #passOn(message: Buffer): void {
    for (const listener of this.#listeners) listener.call(this.#stream, message);
  }
}

/** The client's parser had the beginning of a message: nothing was sent, and it is to be tried again. */
export class SocketBusy extends Error {}

/** What came is no message of PostgreSQL's protocol. */
class BrokenProtocol extends Error {}

/** Each column's length and bytes, behind the number of columns; a length of -1 is NULL. */
function decodeRow(bytes: Buffer, start: number, end: number, columns: readonly ColumnType[]): Row {
  let at = start + 2;
  const row = columns.map((type) => {
    const from = at + 4;
    const length = bytes.readInt32BE(at);
    at = from + Math.max(length, 0);
    if (at > end) throw new BrokenProtocol();
    return length < 0 ? null : DECODERS[type](bytes, from, at);
  });
  if (at !== end) throw new BrokenProtocol();
  return row;
}
