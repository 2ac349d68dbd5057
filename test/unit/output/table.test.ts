import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../../src/cli/output/result.js';
import { renderTable } from '../../../src/cli/output/table.js';
import { colourUi, plainUi, SAMPLE_COLUMNS, SAMPLE_KEYS } from './sample.js';

interface Pair {
  readonly name: string;
  readonly owner: string;
}

const PAIR_COLUMNS: readonly Column<Pair>[] = [
  { name: 'mark', header: 'mark', value: () => '|', priority: 9 },
  { name: 'name', header: 'name', value: (row) => row.name, flexible: true, priority: 5 },
  { name: 'between', header: 'b', value: () => '|', priority: 9 },
  { name: 'owner', header: 'owner', value: (row) => row.owner, flexible: true, priority: 5 },
  { name: 'end', header: 'e', value: () => '|', priority: 9 },
];

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

/** The display columns at which a mark stands. */
const offsets = (line: string): number[] =>
  Array.from(line.matchAll(/\|/g), ({ index }) => stringWidth(line.slice(0, index)));

const HOSTILE = [
  '在庫同期サービス',
  '👨‍👩‍👧‍👦'.repeat(3),
  '🇩🇪🇫🇷🇯🇵',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿 England',
  '🫩🪾🫆 new emoji',
  `Z${'\u0301\u0316\u0334'.repeat(30)}algo`,
  '\u0301 begins with a mark',
  '\u0d4e',
  '한글 각',
  'ｶﾞ ｷﾞ half width',
  'हिन्दी क्षत्रिय',
  '\u001b[31mred\u001b[0m',
  '\u001b]8;;http://x\u0007link\u001b]8;;\u0007',
  'a\nforged  row\nb',
  '\u202eevil\u2066',
  'NUL \u0000 \ud800',
  '=cmd',
  '__proto__',
  '🚀'.repeat(200),
  'x'.repeat(1000),
  '1️⃣ ❤️ 👍🏽',
  '',
];

describe('renderTable', () => {
  it.each([40, 80, 120, 200])('prints the sample in %i columns', (width) => {
    const text = plainUi(width).table(SAMPLE_COLUMNS, SAMPLE_KEYS);
    expect(`\n${text}`).toMatchSnapshot();
    for (const line of linesOf(text)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
  });

  it.each([40, 57, 80, 200])('keeps its columns in %i columns whatever stands in the cells', (width) => {
    const rows = HOSTILE.map((name, index) => ({ name, owner: HOSTILE.at(-index) ?? '' }));
    const lines = linesOf(plainUi(width).table(PAIR_COLUMNS, rows));
    expect(lines).toHaveLength(rows.length + 1);
    for (const line of lines) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
      expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\p{Cs}]/u);
    }
    const [expected] = lines.slice(1).map(offsets);
    expect(expected).toHaveLength(3);
    for (const line of lines.slice(1)) expect(offsets(line)).toEqual(expected);
  });

  it('keeps its columns for any text and any width', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom(...HOSTILE),
    );
    const cell = text.map((value) => value.replaceAll('|', '/'));
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: cell, owner: cell }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 40, max: 200 }),
        (rows, width) => {
          const lines = linesOf(plainUi(width).table(PAIR_COLUMNS, rows)).slice(1);
          expect(lines).toHaveLength(rows.length);
          const [expected] = lines.map(offsets);
          for (const line of lines) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
            expect(offsets(line)).toEqual(expected);
            expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\p{Cs}]/u);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('colours nothing when colour is off, and words alone when it is on', () => {
    expect(plainUi().table(SAMPLE_COLUMNS, SAMPLE_KEYS)).not.toContain('\u001b');
    const coloured = colourUi().table(SAMPLE_COLUMNS, SAMPLE_KEYS);
    for (const word of ['32mactive', '36mfrozen', '33mexpired', '31mrevoked']) {
      expect(coloured).toContain(`\u001b[${word}\u001b[39m`);
    }
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/ +$/gm, '')).toBe(
      plainUi().table(SAMPLE_COLUMNS, SAMPLE_KEYS),
    );
  });

  it('makes escape sequences in a styled cell visible', () => {
    const columns: Column<string>[] = [
      { name: 'a', header: 'a', value: (text) => text, cell: (text, ui) => ui.bold(text) },
    ];
    expect(colourUi().table(columns, ['\u001b[2J'])).toContain('\u001b[1m\\x1b[2J\u001b[22m');
  });

  it('leaves columns out by their priority', () => {
    const header = (width: number): string[] =>
      (linesOf(plainUi(width).table(SAMPLE_COLUMNS, SAMPLE_KEYS))[0] ?? '')
        .split(/ {2,}/)
        .map((word) => word.trim());
    expect(header(40)).toEqual(['KEY', 'NAME', 'STATUS']);
    expect(header(80)).toEqual(['KEY', 'NAME', 'OWNER', 'STATUS', 'LAST USED', 'EXPIRES']);
    expect(header(200)).toHaveLength(SAMPLE_COLUMNS.length);
  });

  it('cuts even the last column rather than exceed the width', () => {
    const columns: Column<string>[] = [{ name: 'a', header: 'a', value: (text) => text }];
    expect(plainUi(10).table(columns, ['abcdefghijklmno'])).toBe('A\nabcde…lmno\n');
  });

  it('cuts nothing when the width is unlimited', () => {
    const text = plainUi(Number.POSITIVE_INFINITY).table(SAMPLE_COLUMNS, SAMPLE_KEYS);
    expect(text).not.toContain('…');
    expect(text).toContain('deployment-pipeline-production');
  });

  it('shows each kind of value in its own way', () => {
    const columns: Column<null>[] = [
      { name: 'a', header: 'number', value: () => 1234567, align: 'right' },
      { name: 'b', header: 'b', value: () => null },
      { name: 'c', header: 'c', value: () => true },
      { name: 'd', header: 'd', value: () => ['x', 'y'] },
      { name: 'e', header: 'e', value: () => new Date('2026-03-15T09:26:53.589Z') },
    ];
    expect(plainUi().table(columns, [null])).toBe(
      '   NUMBER  B  C    D     E\n1,234,567  -  yes  x, y  in 24 hours\n',
    );
  });

  it('repeats the header of a later page only where the columns moved', () => {
    const ui = plainUi(60);
    const columns: Column<string>[] = [
      { name: 'a', header: 'a', value: (text) => text },
      { name: 'b', header: 'b', value: () => '|' },
    ];
    const first = renderTable({ columns, rows: ['long'], ui });
    const second = renderTable({ columns, rows: ['s'], ui, previous: first.layout });
    const third = renderTable({ columns, rows: ['longer'], ui, previous: second.layout });
    expect([first.text, second.text, third.text]).toEqual([
      'A     B\nlong  |\n',
      's     |\n',
      '\nA       B\nlonger  |\n',
    ]);
  });

  it('prints many rows in linear time', () => {
    const rows = Array.from({ length: 5000 }, (_, index) => ({ name: `name-${index}`, owner: 'o' }));
    const start = performance.now();
    expect(linesOf(plainUi().table(PAIR_COLUMNS, rows))).toHaveLength(5001);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
