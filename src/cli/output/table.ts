import Table from 'cli-table3';
import type { Value } from './delimited.js';
import { type Cell, type Column, type Formatter, type StyledText, styledText } from './result.js';
import { visible } from './visible.js';
import { displayWidth, padEnd, truncateMiddle } from './width.js';

const GAP = '  ';
const LEAST_WIDTH = 8;

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
 * A table without lines, in at most `ui.width` columns: first flexible columns are cut in the middle, then
 * whole columns are left out, lowest priority first.
 */
export function renderTable<Row>({ columns, rows, ui, previous }: TableInput<Row>): RenderedTable {
  if (rows.length === 0) return { text: '', layout: previous ?? [] };
  const cells = rows.map((row) => columns.map((column) => cellOf(column, row, ui)));
  const hidden = new Set(
    columns.filter((column) => column.hidesEmpty && rows.every((row) => column.value(row) === null)),
  );
  const layout = layOut(columns, cells, ui.width, { previous, hidden });
  const printed = cells.map((row) => printedRow(columns, row, layout));
  if (previous !== undefined && isSame(previous, layout)) return { text: drawRows(printed, layout), layout };
  const header = columns.map(({ header }) => ({ text: header.toUpperCase(), style: ui.chalk.underline }));
  const text = drawRows([printedRow(columns, header, layout), ...printed], layout);
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

function layOut<Row>(
  columns: readonly Column<Row>[],
  cells: readonly (readonly StyledText[])[],
  width: number,
  { previous = [], hidden }: { previous?: Layout | undefined; hidden: ReadonlySet<Column<Row>> },
): Layout {
  const wanted = columns.map((column, index) => {
    const before = previous.find((shown) => shown.index === index)?.width ?? 0;
    const widest = cells.reduce(
      (most, row) => Math.max(most, boundedWidth(row[index]?.text ?? '', width)),
      Math.max(1, before, displayWidth(column.header)),
    );
    const natural = Math.min(widest, column.maxWidth ?? widest, width);
    const least = column.flexible ? Math.min(natural, column.minWidth ?? LEAST_WIDTH) : natural;
    return { index, width: natural, least, priority: column.priority ?? 0 };
  });
  const kept = wanted.filter(({ index }) => {
    const column = columns[index];
    return column === undefined || !hidden.has(column) || previous.some((before) => before.index === index);
  });
  const shown = fitting(kept, width);
  while (total(shown.map((column) => column.width)) > width) {
    const widest = shown.reduce((a, b) => (slack(b) > 0 && (slack(a) === 0 || b.width > a.width) ? b : a));
    if (slack(widest) === 0) break;
    widest.width -= 1;
  }
  return shown.map((column) => ({ index: column.index, width: column.width }));
}

interface Wanted {
  readonly index: number;
  width: number;
  readonly least: number;
  readonly priority: number;
}

const slack = (column: Wanted): number => column.width - column.least;

function fitting(columns: readonly Wanted[], width: number): Wanted[] {
  const shown = [...columns];
  while (shown.length > 1 && total(shown.map(({ least }) => least)) > width) {
    const lowest = Math.min(...shown.map(({ priority }) => priority));
    shown.splice(
      shown.findLastIndex(({ priority }) => priority === lowest),
      1,
    );
  }
  return shown;
}

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));

/** Measuring a megabyte takes longer than it is worth: it is wider than the terminal. */
const boundedWidth = (text: string, limit: number): number =>
  text.length > 32 * limit ? limit : displayWidth(text);

const isSame = (a: Layout, b: Layout): boolean =>
  a.length === b.length && a.every(({ index, width }, at) => b[at]?.index === index && b[at].width === width);

function printedRow<Row>(
  columns: readonly Column<Row>[],
  cells: readonly StyledText[],
  layout: Layout,
): readonly string[] {
  return layout.map(({ index, width }) => {
    const cell = cells[index];
    if (cell === undefined) return '';
    const text = truncateMiddle(cell.text, width);
    const gap = padEnd('', width - displayWidth(text));
    // Only the text is styled, so that no underline or background runs through the gaps.
    const shown = text === '' ? '' : cell.style(text);
    return columns[index]?.align === 'right' ? gap + shown : shown + gap;
  });
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
