import type { ChalkInstance } from 'chalk';
import type { Value } from './delimited.js';

/** Text with a style that is put on after the text was made visible, cut and padded. */
export interface StyledText {
  readonly text: string;
  readonly style: (text: string) => string;
}

/** What a person sees in a cell. Never contains escape sequences of its own: those would be made visible. */
export type Cell = string | StyledText;

export const styledText = (cell: Cell): StyledText =>
  typeof cell === 'string' ? { text: cell, style: (text) => text } : cell;

export interface Column<Row> {
  /** snake_case, as in the JSON; the header of csv. */
  readonly name: string;
  /** The header of the table. */
  readonly header: string;
  /** What machines read. */
  value(row: Row): Value;
  /** What people read, where it is not the value itself (a Date is shown as relative time). */
  cell?(row: Row, ui: Formatter): Cell;
  /** Numbers go right. Default `left`. */
  readonly align?: 'left' | 'right';
  /** When the terminal is too narrow, the column with the lowest priority goes first. Default 0. */
  readonly priority?: number;
  /** Cells may be cut in the middle, down to `minWidth` columns (default 8). */
  readonly flexible?: boolean;
  readonly minWidth?: number;
  readonly maxWidth?: number;
  /** Cells are never cut: what is too wide goes on in the next line, at `minWidth` columns or more (default 8). */
  readonly wraps?: boolean;
  /** Where this holds of every row of a table, the column would say the same in all of them, and is left out. */
  plain?(row: Row): boolean;
}

export interface RecordField {
  /** A style is put on the whole label. */
  readonly label: Cell;
  /** null is shown as `-`. */
  readonly value: Cell | null;
}

export interface RecordSection {
  readonly title: string;
  readonly fields?: readonly RecordField[];
  /** A text that `ui` rendered, such as a table. */
  readonly body?: string;
  /** Said instead of an empty body. */
  readonly empty?: string;
}

/** One thing shown at length. */
export interface RecordView {
  readonly fields: readonly RecordField[];
  readonly sections?: readonly RecordSection[];
}

/** What a view for people is composed with: everything it returns is safe to print. */
export interface Formatter {
  /** Columns of the terminal. */
  readonly width: number;
  readonly now: Date;
  /** For our own words. Text from the database goes through `text`, a cell or a field. */
  readonly chalk: ChalkInstance;
  /** Makes control and bidi characters visible. */
  text(text: string): string;
  /** `in 90 days`, `3 hours ago`, `never`. */
  relative(date: Date | null): string;
  /** `2026-04-01 00:00:00 UTC (in 90 days)`, `never`. */
  when(date: Date | null): string;
  /** `relative` of the end of something, in a warning's colour where it is near. */
  end(date: Date | null): StyledText;
  /** `1,234,567`. */
  number(value: number): string;
  /** The word of a status in its colour; the word is there without colour, too. */
  status(status: string): StyledText;
  dim(text: string): StyledText;
  bold(text: string): StyledText;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string;
  record(view: RecordView): string;
}

/** What a command hands over to be printed: one result, in all its forms. */
export interface Result<Row> {
  /** The one object of `--json`. */
  readonly document: unknown;
  /** The lines of table, tsv, csv and, with `record`, ndjson. */
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  /** The object of a row's ndjson line; without it, ndjson is the document on one line. */
  record?(row: Row): unknown;
  /** The lines of `--quiet`. */
  readonly quiet: readonly string[];
  /** Replaces the table, for one thing shown at length. */
  human?(ui: Formatter): string;
  /** What to do next when there are no rows; a note. */
  readonly empty?: string;
  /** What there is to know beside the table; a note. */
  readonly footer?: string | undefined;
  /** A command for what comes next, which stands on one line of its own under the footer, however long. */
  readonly next?: string | undefined;
}

/** A listing of any length, printed page by page. */
export interface Listing<Row> {
  /** The name of the array in the JSON document: `keys`. */
  readonly name: string;
  /** What follows the array in the JSON document: `{ next_cursor: null }`. */
  readonly rest?: Readonly<Record<string, unknown>>;
  /** A row's JSON object. */
  record(row: Row): unknown;
  /** The text of that object on one line, where it can be had faster than by JSON.stringify. */
  line?(row: Row): string;
  readonly columns: readonly Column<Row>[];
  /** Replaces the table of a page. */
  human?(rows: readonly Row[], ui: Formatter): string;
  /** A row's line of `--quiet`. */
  quiet(row: Row): string;
  /** What to do next when there are no rows; a note. */
  readonly empty?: string;
}
