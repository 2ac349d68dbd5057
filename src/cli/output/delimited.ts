import { withoutControls } from './visible.js';

/** What a column may hold. */
export type Value = string | number | boolean | null | Date | readonly string[];

const TSV_SPECIAL = /[\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const ALL_TSV_SPECIAL = new RegExp(TSV_SPECIAL.source, 'gu');

/** The short escapes of COPY's text format. */
const COPY_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);

/**
 * One cell of a tsv line, escaped as in the text format of PostgreSQL's COPY and readable by it: `\t`, `\n`,
 * `\\`, and `\xHH` for every UTF-8 byte of other control characters, bidi controls and line separators.
 * One row is always one line. Unlike COPY, null is an empty cell.
 *
 * @example
 * ```ts
 * tsvCell('a\tb'); // 'a\\tb'
 * ```
 */
export function tsvCell(value: Value): string {
  const text = plainText(value);
  return TSV_SPECIAL.test(text) ? text.replace(ALL_TSV_SPECIAL, copyEscape) : text;
}

function copyEscape(character: string): string {
  const short = COPY_ESCAPES.get(character);
  if (short !== undefined) return short;
  const hex = Buffer.from(character, 'utf8').toString('hex');
  return hex.replace(/../g, '\\x$&');
}

/** What makes a spreadsheet run a cell, full-width forms included, at its start or after a `;`, where some split. */
const FORMULA = /(^|;)(?=[\s'"]*[=+\-@＝＋－＠])/g;
const NEEDS_QUOTES = /[",;'\s]/;

/**
 * One cell of a csv line: RFC 4180 quoting, text that a spreadsheet would run defused by an apostrophe,
 * control characters made visible so that one row is always one line. Numbers stay numbers.
 *
 * @example
 * ```ts
 * csvCell('=1+1'); // `"'=1+1"`
 * csvCell(-5); // '-5'
 * ```
 */
export function csvCell(value: Value): string {
  const text = plainText(value);
  if (typeof value === 'number') return text;
  const safe = withoutControls(text.replace(FORMULA, "$1'"));
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plainText(value: Value): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return value.join(',');
  return String(value);
}
