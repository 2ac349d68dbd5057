import { displayWidth } from './width.js';

/** A command in backquotes is one word, so that it can be copied whole. */
const WORDS = /`[^`]+`\S*|\S+/g;

/**
 * Breaks a text between words and only there, into lines of at most `width` columns where the words allow it. All
 * lines but the first are indented.
 *
 * @example
 * ```ts
 * paragraph('one two three', { width: 8 }); // 'one two\nthree'
 * ```
 */
export function paragraph(text: string, { width, indent = 0 }: { width: number; indent?: number }): string {
  if (displayWidth(text) <= width - indent) return text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(WORDS) ?? []) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || displayWidth(longer) <= width - indent) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
