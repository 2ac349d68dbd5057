import stringWidth from 'string-width';

const ELLIPSIS = '…';
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The number of terminal columns of a text; colour counts nothing. */
export function displayWidth(text: string): number {
  return stringWidth(text);
}

/** No grapheme of a text made visible is longer than this for each column it fills. */
const UNITS_PER_COLUMN = 16;

/** Whether a text fits; measuring a megabyte takes longer than it is worth. */
function isAtMost(text: string, width: number): boolean {
  return text.length <= UNITS_PER_COLUMN * Math.max(width, 1) && displayWidth(text) <= width;
}

/**
 * Cuts the middle out of a text that is wider than `width` columns; whole graphemes stay.
 *
 * @example
 * ```ts
 * truncateMiddle('deployment-pipeline', 9); // 'depl…line'
 * ```
 */
export function truncateMiddle(text: string, width: number): string {
  if (isAtMost(text, width)) return text;
  if (width < 1) return '';
  const window = UNITS_PER_COLUMN * width;
  const long = text.length > 2 * window;
  const tailWidth = Math.floor((width - 1) / 2);
  const head = takeStart(split(long ? text.slice(0, window) : text), width - 1 - tailWidth);
  const tail = takeEnd(split(long ? text.slice(-window) : text.slice(head.length)), tailWidth);
  return head + ELLIPSIS + tail;
}

function takeStart(parts: readonly string[], width: number): string {
  let taken = '';
  let used = 0;
  for (const part of parts) {
    used += displayWidth(part);
    if (used > width) break;
    taken += part;
  }
  return taken;
}

function takeEnd(parts: readonly string[], width: number): string {
  let taken = '';
  let used = 0;
  for (const part of parts.toReversed()) {
    used += displayWidth(part);
    if (used > width) break;
    taken = part + taken;
  }
  return taken;
}

function split(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** Fills up with spaces at the end, by display width. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Fills up with spaces at the start, by display width. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/**
 * Breaks a text into lines of at most `width` columns: between words, inside a word only where it is
 * wider than a line.
 *
 * @example
 * ```ts
 * wrap('one two three', 8); // ['one two', 'three']
 * ```
 */
export function wrap(text: string, width: number): string[] {
  if (isAtMost(text, width)) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (isAtMost(longer, width)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = isAtMost(word, width) ? [word] : breakWord(word, width);
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

function breakWord(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const part of split(word)) {
    const partWidth = displayWidth(part);
    if (used + partWidth > width && piece !== '') {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += part;
    used += partWidth;
  }
  return [...pieces, piece];
}
