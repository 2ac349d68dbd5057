import type { ApiKeysError } from '../../errors.js';
import { errorJson } from '../../representation/error.js';
import { hintOf } from '../hints.js';
import type { ColourLevel } from './colour.js';
import { csvCell, tsvCell } from './delimited.js';
import { type Format, isJson } from './format.js';
import { jsonText, withoutActive } from './json.js';
import type { Pager } from './pager.js';
import type { Column, Formatter, Listing, Result } from './result.js';
import { ClosedOutput, type OutputStreams, type WriteOptions, writeOut } from './streams.js';
import type { Layout } from './table.js';
import type { TimeStyle } from './time.js';
import { guardTerminal, visible, withoutControls } from './visible.js';

export interface RendererOptions {
  readonly format: Format;
  readonly quiet: boolean;
  readonly streams: OutputStreams;
  /** Columns of the terminal; Infinity when a table goes elsewhere. */
  readonly width: number;
  /** How times are written for people. */
  readonly time?: TimeStyle | undefined;
  /** Columns of the terminal behind stderr, where words are wrapped; Infinity without one. */
  readonly stderrWidth: number;
  readonly colour: { readonly stdout: ColourLevel; readonly stderr: ColourLevel };
  readonly now: () => Date;
  /** Shows what is longer than the screen; none where no person looks. */
  readonly pager?: { readonly rows: number; open(): Promise<Pager | undefined> } | undefined;
  /** Ends the wait for a reader. */
  readonly signal?: AbortSignal | undefined;
}

export interface Renderer {
  /** Whether a listing is shown a page at a time: on a screen, and in a document that has `next_cursor`. */
  readonly paged: boolean;
  /** Whether what stands beside a result, such as how many there are, is shown at all. */
  readonly tells: boolean;
  /**
   * Prints a result and resolves once it is written; with `SECRET_WRITE`, a result that holds a new secret.
   *
   * @throws ClosedOutput, or ApiKeysError `OUTPUT_FAILED`, as `writeOut` does.
   */
  result<Row>(result: Result<Row>, options?: WriteOptions): Promise<void>;
  /** Prints a listing page by page, holding one page at a time; resolves to the number of rows. */
  stream<Row>(listing: Listing<Row>, pages: AsyncIterable<readonly Row[]>): Promise<number>;
  /** A line for people on stderr; nothing with JSON or `--quiet`. Never fails. */
  note(text: string): Promise<void>;
  /** What `note` is for a line, for something composed. */
  aside(compose: (ui: Formatter) => string): Promise<void>;
  /**
   * An error on stderr: an object where JSON was asked for, otherwise its message and hint. With `debug`,
   * also where it happened and the SQLSTATE, never another error's text. Never fails.
   */
  error(error: ApiKeysError, options?: { readonly debug?: boolean }): Promise<void>;
}

/**
 * The one way to stdout and stderr. `json` prints one object, whatever else was asked for; otherwise
 * `--quiet` prints its own lines instead of the format's.
 *
 * @example
 * ```ts
 * const renderer = createRenderer({ format: 'tsv', quiet: false, streams, width: 80, colour, now });
 * await renderer.result({ document: { keys }, rows: keys, columns: KEY_COLUMNS, quiet: keys.map((key) => key.id) });
 * ```
 */
export function createRenderer(options: RendererOptions): Renderer {
  const { format, quiet, streams, colour } = options;
  const { stdout, stderr } = streams;
  const silent = quiet || isJson(format);

  const print = (text: string, write: WriteOptions = {}): Promise<void> =>
    writeOut(stdout, text, { signal: options.signal, ...write });

  const openUi = async (): Promise<Formatter> => {
    const { createUi } = await import('./ui.js');
    return createUi({ width: options.width, level: colour.stdout, now: options.now(), time: options.time });
  };

  const toStderr = async (text: string): Promise<void> => {
    try {
      await writeOut(stderr, text);
    } catch {
      // Nobody listens there, and that is no reason to fail.
    }
  };

  const note = async (text: string): Promise<void> => {
    if (!silent) await toStderr(`${await folded(visible(text), options.stderrWidth)}\n`);
  };

  const humanText = async <Row>(result: Result<Row>): Promise<string> => {
    const ui = await openUi();
    return guardTerminal(result.human?.(ui) ?? ui.table(result.columns, result.rows), colour.stdout > 0);
  };

  /** The pager for a text that is longer than the screen, unless there is none or it would keep something from arriving. */
  const pagerFor = async (text: string, write: WriteOptions): Promise<Pager | undefined> => {
    const { pager } = options;
    if (pager === undefined || write.paged === false || write.mustArrive || write.done !== undefined)
      return undefined;
    return text.split('\n').length > pager.rows ? await pager.open() : undefined;
  };

  const printPaged = async (text: string, write: WriteOptions): Promise<void> => {
    const pager = await pagerFor(text, write);
    if (pager === undefined) return print(text, write);
    try {
      await writeOut(pager.stream, text, { signal: options.signal });
    } catch (error) {
      if (!(error instanceof ClosedOutput)) throw error;
    } finally {
      if (!(await pager.close())) await print(text, write);
    }
  };

  const printHuman = async <Row>(result: Result<Row>, write: WriteOptions): Promise<void> => {
    await printPaged(ended(await humanText(result)), write);
    if (result.human === undefined && result.rows.length === 0 && result.empty !== undefined)
      await note(result.empty);
    if (result.footer !== undefined) await note(result.footer);
    // Never folded: whoever copies it would copy the line end, too.
    if (result.next !== undefined) await toStderr(`  ${visible(result.next)}\n`);
  };

  return {
    paged: format === 'json' || (format === 'table' && !quiet),
    tells: format === 'table' && !quiet,

    async result(result, write = {}) {
      if (format === 'json') return print(ended(jsonText(result.document, 'indented')), write);
      if (quiet) return print(quietLines(result.quiet), write);
      if (format === 'ndjson') return print(ndjson(result), write);
      if (format === 'tsv') return print(tsvLines(result.columns, result.rows), write);
      if (format === 'csv') {
        return print(csvHeader(result.columns) + csvLines(result.columns, result.rows), write);
      }
      return printHuman(result, write);
    },

    async stream(listing, pages) {
      const printer = pagePrinter(listing, options, openUi);
      let pager: Pager | undefined;
      const put = async (text: string, first: boolean): Promise<void> => {
        if (first && format === 'table' && !quiet) pager = await pagerFor(text, {});
        if (pager === undefined) await print(text);
        else await writeOut(pager.stream, text, { signal: options.signal });
      };
      // Held back until there is a first page, or none: when nothing can be read, stdout stays empty.
      let head = printer.head;
      let count = 0;
      try {
        for await (const rows of pages) {
          if (rows.length === 0) continue;
          await put(head + (await printer.page(rows, count === 0)), count === 0);
          head = '';
          count += rows.length;
        }
        await put(head + printer.tail(count), false);
      } finally {
        await pager?.close();
      }
      if (count === 0 && format === 'table' && listing.empty !== undefined) await note(listing.empty);
      return count;
    },

    note,

    async aside(compose) {
      if (silent) return;
      const { createUi } = await import('./ui.js');
      const ui = createUi({
        width: options.stderrWidth,
        level: colour.stderr,
        now: options.now(),
        time: options.time,
      });
      await toStderr(ended(guardTerminal(compose(ui), colour.stderr > 0)));
    },

    async error(error, { debug = false } = {}) {
      const text = isJson(format)
        ? `${jsonText(errorDocument(error, debug), format === 'json' ? 'indented' : 'line')}\n`
        : await errorText(error, {
            debug,
            level: colour.stderr,
            width: options.stderrWidth,
            hint: !quiet,
            now: options.now(),
          });
      await toStderr(text);
    },
  };
}

interface PagePrinter<Row> {
  readonly head: string;
  page(rows: readonly Row[], first: boolean): string | Promise<string>;
  tail(count: number): string;
}

function pagePrinter<Row>(
  listing: Listing<Row>,
  { format, quiet, colour }: RendererOptions,
  openUi: () => Promise<Formatter>,
): PagePrinter<Row> {
  const { columns } = listing;
  const none = { head: '', tail: () => '' };
  if (format === 'json') return jsonPages(listing);
  if (quiet) return { ...none, page: (rows) => quietLines(rows.map((row) => listing.quiet(row))) };
  if (format === 'ndjson') {
    const line = (row: Row): string =>
      listing.line === undefined ? jsonText(listing.record(row), 'line') : withoutActive(listing.line(row));
    return { ...none, page: (rows) => lines(rows, line) };
  }
  if (format === 'tsv') return { ...none, page: (rows) => tsvLines(columns, rows) };
  if (format === 'csv') return { ...none, head: csvHeader(columns), page: (rows) => csvLines(columns, rows) };
  const { human } = listing;
  if (human !== undefined) {
    return { ...none, page: async (rows) => guardTerminal(human(rows, await openUi()), colour.stdout > 0) };
  }
  let previous: Layout | undefined;
  return {
    ...none,
    async page(rows) {
      const [ui, { renderTable }] = await Promise.all([openUi(), import('./table.js')]);
      const { text, layout } = renderTable({ columns, rows, ui, previous });
      previous = layout;
      return guardTerminal(text, colour.stdout > 0);
    },
  };
}

/** The text of `JSON.stringify(document, null, 2)`, without ever holding the document. */
function jsonPages<Row>(listing: Listing<Row>): PagePrinter<Row> {
  const item = (row: Row): string =>
    `\n    ${jsonText(listing.record(row), 'indented').replaceAll('\n', '\n    ')}`;
  const rest = Object.entries(listing.rest ?? {}).map(
    ([name, value]) =>
      `,\n  ${jsonText(name, 'line')}: ${jsonText(value, 'indented').replaceAll('\n', '\n  ')}`,
  );
  return {
    head: `{\n  ${jsonText(listing.name, 'line')}: [`,
    page: (rows, first) => (first ? '' : ',') + rows.map(item).join(','),
    tail: (count) => `${count === 0 ? '' : '\n  '}]${rest.join('')}\n}\n`,
  };
}

function ndjson<Row>(result: Result<Row>): string {
  const { record } = result;
  if (record === undefined) return ended(jsonText(result.document, 'line'));
  return lines(result.rows, (row) => jsonText(record(row), 'line'));
}

const quietLines = (values: readonly string[]): string => lines(values, withoutControls);

const tsvLines = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  lines(rows, (row) => columns.map((column) => tsvCell(column.value(row))).join('\t'));

const csvHeader = <Row>(columns: readonly Column<Row>[]): string =>
  `${columns.map(({ name }) => csvCell(name)).join(',')}\n`;

const csvLines = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  lines(rows, (row) => columns.map((column) => csvCell(column.value(row))).join(','));

function lines<Item>(items: readonly Item[], line: (item: Item) => string): string {
  let text = '';
  for (const item of items) text += `${line(item)}\n`;
  return text;
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

function errorDocument(error: ApiKeysError, debug: boolean): unknown {
  const details = debug ? { sql_state: error.sqlState, stack: stackOf(error) } : {};
  const { code, message } = error;
  return errorJson({ code, message, hint: hintOf(error), candidates: error.details.candidates }, details);
}

interface ErrorStyle {
  readonly debug: boolean;
  readonly level: ColourLevel;
  readonly width: number;
  /** Not with `--quiet`: an error is one line then, as a log of cron wants it. */
  readonly hint: boolean;
  readonly now: Date;
}

async function errorText(
  error: ApiKeysError,
  { debug, level, width, hint, now }: ErrorStyle,
): Promise<string> {
  const { red, bold, dim } = level === 0 ? PLAIN : (await import('./paint.js')).createPaint(level);
  const part = async (label: string, style: (text: string) => string, words: string): Promise<string> =>
    `${style(label)} ${await folded(visible(words), width, label.length + 1)}`;
  const text = [await part('apikeys:', red, error.message)];
  const { candidates } = error.details;
  if (hint && candidates !== undefined) {
    const { candidateTable } = await import('./candidate-table.js');
    text.push(candidateTable(candidates, { width, level, now }));
  }
  const next = hint ? hintOf(error) : null;
  if (next !== null) text.push(await part('hint:', bold, next));
  if (debug) {
    text.push(dim(`code: ${error.code}`));
    if (error.sqlState !== null) text.push(dim(`sqlstate: ${visible(error.sqlState)}`));
    text.push(...stackOf(error).map((frame) => dim(`  ${visible(frame)}`)));
  }
  return `${text.join('\n')}\n`;
}

const unstyled = (text: string): string => text;
const PLAIN = { red: unstyled, bold: unstyled, dim: unstyled };

/** Most texts fit, and what would wrap them is loaded for the others alone. */
async function folded(text: string, width: number, indent = 0): Promise<string> {
  // No character takes more than two columns.
  if (2 * text.length <= width - indent) return text;
  const { paragraph } = await import('./paragraph.js');
  return paragraph(text, { width, indent });
}

/** The frames of our own code. The stack begins with the message, which may hold anything, lines like frames included. */
function stackOf(error: ApiKeysError): string[] {
  const header = `: ${error.message}\n`;
  const stack = error.stack ?? '';
  const at = stack.indexOf(header);
  if (at === -1) return [];
  return stack
    .slice(at + header.length)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !/node_modules[\\/]|\(?node:/.test(line));
}
