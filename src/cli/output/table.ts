import Table from 'cli-table3';
import type { Value } from './delimited.js';
import { type Cell, type Column, type Formatter, type StyledText, styledText } from './result.js';
import { visible } from './visible.js';
import { displayWidth, padEnd, truncateMiddle, wrap } from './width.js';

const GAP = '  ';
const LEAST_WIDTH = 8;

/** A column of this priority or more stays as long as it can; others go before a cell goes on in a second line. */
const KEPT = 7;
/** Words beyond this width are no reason to leave a column out: they go on in the next line. */
const COMFORTABLE = 32;
/** One word, such as an owner, is whole up to this width before another column has its place. */
const LONGEST_WORD = 48;

/** The columns that are shown, by their place in `columns`, and how wide. */
export type Layout = readonly { readonly index: number; readonly width: number }[];

export interface TableInput<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly ui: Formatter;
  /** The layout of the page before: its columns get no narrower, and while it fits, its header holds. */
  readonly previous?: Layout | undefined;
}

export interface RenderedTable {
  /** Lines that end in a newline; empty without rows. */
  readonly text: string;
  readonly layout: Layout;
}

/**
 * A table without lines, in at most `ui.width` columns. Columns that would say the same in every row are left out. Where
 * the others are too wide, those of lowest priority go first; then flexible ones are cut in the middle, and those that
 * wrap go on in the next line.
 */
export function renderTable<Row>({ columns, rows, ui, previous }: TableInput<Row>): RenderedTable {
  if (rows.length === 0) return { text: '', layout: previous ?? [] };
  const cells = rows.map((row) => columns.map((column) => cellOf(column, row, ui)));
  const told = columns.map(({ plain }) => plain === undefined || !rows.every((row) => plain(row)));
  const layout = layOut({ columns, told, cells, width: ui.width, previous });
  const printed = cells.flatMap((row) => printedLines(columns, row, layout));
  if (previous !== undefined && isSame(previous, layout)) return { text: drawRows(printed, layout), layout };
  const header = columns.map(({ header }) => ({ text: header.toUpperCase(), style: ui.chalk.underline }));
  const text = drawRows([...printedLines(columns, header, layout), ...printed], layout);
  return { text: previous === undefined ? text : `\n${text}`, layout };
}

function cellOf<Row>(column: Column<Row>, row: Row, ui: Formatter): StyledText {
  const { text, style } = styledText(column.cell?.(row, ui) ?? defaultCell(column.value(row), ui));
  return { text: visible(text), style };
}

function defaultCell(value: Value, ui: Formatter): Cell {
  if (typeof value === 'string') return value;
  if (value === null) return ui.dim('-');
  if (value instanceof Date) return ui.relative(value);
  if (typeof value === 'number') return ui.number(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value.length === 0 ? ui.dim('-') : value.join(', ');
}

interface Room<Row> {
  readonly columns: readonly Column<Row>[];
  /** Which columns have something to say. */
  readonly told: readonly boolean[];
  readonly cells: readonly (readonly StyledText[])[];
  readonly width: number;
  readonly previous: Layout | undefined;
}

function layOut<Row>({ columns, told, cells, width, previous = [] }: Room<Row>): Layout {
  const all = columns.map((column, index) => {
    const before = previous.find((shown) => shown.index === index)?.width ?? 0;
    const widest = cells.reduce(
      (most, row) => Math.max(most, boundedWidth(row[index]?.text ?? '', width)),
      Math.max(1, before, displayWidth(column.header)),
    );
    const natural = Math.min(widest, column.maxWidth ?? widest, width);
    const { flexible = false, wraps = false, minWidth = LEAST_WIDTH, priority = 0 } = column;
    const least = flexible || wraps ? Math.min(natural, minWidth) : natural;
    const word = wraps ? Math.min(natural, widestWord(cells, index, width), LONGEST_WORD) : least;
    const unbroken = Math.max(least, word);
    const comfortable = wraps ? Math.max(unbroken, Math.min(natural, COMFORTABLE)) : least;
    return { index, width: natural, least, unbroken, comfortable, priority };
  });
  const telling = all.filter(({ index }) => told[index]);
  const shown = fitting(telling.length > 0 ? telling : all, width);
  narrow(shown, width, ({ unbroken }) => unbroken);
  narrow(shown, width, ({ least }) => least);
  return shown.map((column) => ({ index: column.index, width: column.width }));
}

interface Wanted {
  readonly index: number;
  width: number;
  readonly least: number;
  /** So wide that no word has to be broken. */
  readonly unbroken: number;
  readonly comfortable: number;
  readonly priority: number;
}

/** Takes columns from the widest on until all fit, or none can give any more. */
function narrow(shown: readonly Wanted[], width: number, floor: (column: Wanted) => number): void {
  const slack = (column: Wanted): number => column.width - floor(column);
  while (total(shown.map((column) => column.width)) > width) {
    const widest = shown.reduce((a, b) => (slack(b) > 0 && (slack(a) <= 0 || b.width > a.width) ? b : a));
    if (slack(widest) <= 0) return;
    widest.width -= 1;
  }
}

const widestWord = (cells: readonly (readonly StyledText[])[], index: number, limit: number): number =>
  cells.reduce((most, row) => {
    const words = (row[index]?.text ?? '').split(' ');
    return Math.max(most, ...words.map((word) => boundedWidth(word, limit)));
  }, 1);

function fitting(columns: readonly Wanted[], width: number): Wanted[] {
  const shown = [...columns];
  const lowest = (): number => Math.min(...shown.map(({ priority }) => priority));
  const leaveOut = (priority: number): unknown =>
    shown.splice(
      shown.findLastIndex((column) => column.priority === priority),
      1,
    );
  const isTooWide = (room: (column: Wanted) => number): boolean =>
    shown.length > 1 && total(shown.map(room)) > width;
  while (isTooWide(({ comfortable }) => comfortable) && lowest() < KEPT) leaveOut(lowest());
  while (isTooWide(({ least }) => least)) leaveOut(lowest());
  return shown;
}

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));

/** Measuring a megabyte takes longer than it is worth: it is wider than the terminal. */
const boundedWidth = (text: string, limit: number): number =>
  text.length > 32 * limit ? limit : displayWidth(text);

const isSame = (a: Layout, b: Layout): boolean =>
  a.length === b.length && a.every(({ index, width }, at) => b[at]?.index === index && b[at].width === width);

/** One row, over as many lines as its longest cell takes. */
function printedLines<Row>(
  columns: readonly Column<Row>[],
  cells: readonly StyledText[],
  layout: Layout,
): string[][] {
  const parts = layout.map(({ index, width }) => {
    const text = cells[index]?.text ?? '';
    return columns[index]?.wraps ? wrap(text, width) : [truncateMiddle(text, width)];
  });
  const height = Math.max(1, ...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    layout.map(({ index, width }, at) => {
      const text = parts[at]?.[line] ?? '';
      const gap = padEnd('', width - displayWidth(text));
      // Only the text is styled, so that no underline or background runs through the gaps.
      const shown = text === '' ? '' : (cells[index]?.style(text) ?? text);
      return columns[index]?.align === 'right' ? gap + shown : shown + gap;
    }),
  );
}

const FILLER = 'x';

/**
 * cli-table3 measures with rules of 2020 and would misplace new emoji, flags and joined sequences, and it compares
 * each cell with every row above it. So it lays out one row of fillers, whose width it cannot get wrong, and the
 * cells of every row, padded by our own measure, take their places.
 */
function drawRows(rows: readonly (readonly string[])[], layout: Layout): string {
  const fillers = emptyTable();
  fillers.push(layout.map(({ width }) => FILLER.repeat(width)));
  const template = fillers.toString();
  return rows.map((cells) => `${fill(template, cells).replace(/ +$/, '')}\n`).join('');
}

function fill(template: string, cells: readonly string[]): string {
  const next = cells.values();
  return template.replace(/x+/g, () => next.next().value ?? '');
}

function emptyTable(): Table.Table {
  return new Table({
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: GAP,
    },
    // Its own colours would appear even where colour is off.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
}
