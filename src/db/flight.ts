import type pg from 'pg';
import type { Statement, TextRow } from './engine.js';

export interface FlightPlan {
  readonly statement: Statement;
  /** What the server knows the statement by; empty for one that is forgotten after this flight. */
  readonly name: string;
  /** True if the server has the statement by that name already. */
  readonly prepared: boolean;
  readonly parameters: readonly Buffer[];
  /** Told the rows of each execution, or an error; the first call counts. */
  readonly settle: (error: unknown, rows?: TextRow[][]) => void;
}

/**
 * One statement, executed once for each parameter in a single write, as something that a `pg` client can be given.
 *
 * `pg`'s own query asks for the columns' description each time, makes an object of each row, and knows one execution a
 * round trip: six times the work of this process for a row that is wanted as it came.
 */
export class Flight implements pg.Submittable {
  /** `pg` wraps it where the client has a `query_timeout`. */
  callback: FlightPlan['settle'];
  readonly #plan: FlightPlan;
  readonly #results: TextRow[][] = [];
  #rows: TextRow[] = [];

  constructor(plan: FlightPlan) {
    this.#plan = plan;
    this.callback = plan.settle;
  }

  submit(connection: pg.Connection): void {
    const { statement, name, prepared, parameters } = this.#plan;
    // Held back until all of it is written, so that it leaves as one packet.
    connection.stream.cork();
    try {
      if (!prepared) connection.parse({ name, text: statement.text, types: [] }, true);
      for (const parameter of parameters) {
        connection.bind({ statement: name, values: [parameter] }, true);
        connection.execute(null, true);
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    this.#results.push(this.#rows);
    this.#rows = [];
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {
    this.callback(undefined, this.#results);
  }

  handleError(error: unknown): void {
    this.callback(error);
  }
}
