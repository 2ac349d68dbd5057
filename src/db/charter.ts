import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { type ColumnType, DECODERS } from './columns.js';
import { type Execution, packetOf } from './packet.js';

/** A row before its columns' types are known to the compiler. */
export type Row = readonly unknown[];

/** One round trip: a statement, executed once for each parameter. */
export interface Flight extends Execution {
  readonly columns: readonly ColumnType[];
  /** Told the rows of each execution, or an error; called once. */
  readonly land: (error: unknown, rows?: Row[][]) => void;
}

type Listener = (chunk: Buffer) => void;

/** The first bytes of messages, by their names in PostgreSQL's documentation of its protocol. */
const PARSE_COMPLETE = 0x31;
const BIND_COMPLETE = 0x32;
const COMMAND_COMPLETE = 0x43;
const DATA_ROW = 0x44;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
/** Of a message: its first byte and its length. */
const HEAD = 5;
/** Outside a transaction. */
const READY = Buffer.from([READY_FOR_QUERY, 0, 0, 0, 5, 0x49]);

/**
 * A `pg` client's connection for a row of flights. To the client it is one query that takes its time; meanwhile its
 * socket is read here, and what says something of the connection (errors, notices, parameters) is handed on.
 *
 * `pg`'s own query asks for the columns' description each time, makes text and an object of each row, tells of each
 * message by an event, and knows one execution a round trip: several times the work.
 */
export class Charter implements pg.Submittable {
  /** `pg` wraps it in a timer where the client has a `query_timeout`: that is for one answer, and this is for many. */
  callback: (error?: unknown) => void = () => undefined;
  readonly query_timeout = 2 ** 31 - 1;
  #over = false;
  #stream: Duplex | undefined;
  #listeners: Listener[] = [];
  #flight: Flight | undefined;
  #results: Row[][] = [];
  #rows: Row[] = [];
  /** The beginning of a message whose end has yet to come. */
  #rest: Buffer | undefined;
  #failure: unknown;

  /** True once the client has its connection back, or that is lost: no more flights. */
  get over(): boolean {
    return this.#over;
  }

  /** Begins a flight; the one before has to have landed. An error of the server lands it, and ends the charter. */
  fly(flight: Flight): void {
    this.#flight = flight;
    this.#results = [];
    this.#rows = [];
    this.#failure = undefined;
    this.#stream?.write(packetOf(flight));
  }

  /** Gives the connection back, unless a flight is under way: then it is good for nothing but to be closed. */
  end(): void {
    if (this.#over || this.#flight !== undefined) return;
    this.#giveBack();
    this.#passOn(READY);
  }

  submit({ stream }: pg.Connection): void {
    this.#stream = stream;
    this.#listeners = stream.rawListeners('data') as Listener[];
    stream.removeAllListeners('data');
    stream.on('data', this.#listen);
    if (this.#flight !== undefined) stream.write(packetOf(this.#flight));
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  handleError(error: unknown): void {
    this.#over = true;
    this.#land(error);
    this.callback(error);
  }

  readonly #listen: Listener = (chunk) => {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD) {
      if (bytes[at] === ERROR_RESPONSE) {
        this.#giveBack();
        this.#passOn(bytes.subarray(at));
        return;
      }
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (end > bytes.length) break;
      this.#take(bytes, at, end);
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  };

  #take(bytes: Buffer, start: number, end: number): void {
    switch (bytes[start]) {
      case DATA_ROW:
        this.#takeRow(bytes, start + HEAD);
        break;
      case COMMAND_COMPLETE:
        this.#results.push(this.#rows);
        this.#rows = [];
        break;
      case READY_FOR_QUERY:
        if (this.#failure === undefined) this.#land(undefined, this.#results);
        else this.#land(this.#failure);
        break;
      case PARSE_COMPLETE:
      case BIND_COMPLETE:
        break;
      default:
        this.#passOn(bytes.subarray(start, end));
    }
  }

  #takeRow(bytes: Buffer, start: number): void {
    try {
      this.#rows.push(decodeRow(bytes, start, this.#flight?.columns ?? []));
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #land(error: unknown, rows?: Row[][]): void {
    const flight = this.#flight;
    this.#flight = undefined;
    flight?.land(error, rows);
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

/** Each column's length and bytes, behind the number of columns; a length of -1 is NULL. */
function decodeRow(bytes: Buffer, start: number, columns: readonly ColumnType[]): Row {
  let at = start + 2;
  return columns.map((type) => {
    const from = at + 4;
    const length = bytes.readInt32BE(at);
    at = from + Math.max(length, 0);
    return length < 0 ? null : DECODERS[type](bytes, from, at);
  });
}
