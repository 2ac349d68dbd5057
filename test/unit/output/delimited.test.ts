import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, tsvCell } from '../../../src/cli/output/delimited.js';

/** Reads a value as COPY ... FROM does in its text format. */
function copyDecode(text: string): string {
  const short: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  const bytes: Buffer[] = [];
  for (const [, hex, letter, plain] of text.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gsu)) {
    if (hex !== undefined) bytes.push(Buffer.from(hex, 'hex'));
    else bytes.push(Buffer.from(plain ?? short[letter ?? ''] ?? letter ?? '', 'utf8'));
  }
  return Buffer.concat(bytes).toString('utf8');
}

/** Reads one line of csv as RFC 4180 says. */
function csvDecode(line: string): string[] {
  const cells = [''];
  let quoted = false;
  for (const [token] of line.matchAll(/""|"|,|[^",]+/g)) {
    if (token === ',' && !quoted) cells.push('');
    else if (token === '"') quoted = !quoted;
    else cells[cells.length - 1] += token === '""' ? (quoted ? '"' : '') : token;
  }
  expect(quoted).toBe(false);
  return cells;
}

describe('tsvCell', () => {
  it.each([
    ['plain', 'plain'],
    ['a\tb\nc\rd\\e', 'a\\tb\\nc\\rd\\\\e'],
    ['\b\f\v', '\\b\\f\\v'],
    ['\u001b[0m\u0000\u007f', '\\x1b[0m\\x00\\x7f'],
    ['\u009b\u202e\u2028', '\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80\\xa8'],
    ['👩‍💻', '👩‍💻'],
    ['=1+1', '=1+1'],
    [null, ''],
    [true, 'true'],
    [-1.5, '-1.5'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [['read', 'orders:*'], 'read,orders:*'],
  ])('%j', (value, cell) => {
    expect(tsvCell(value)).toBe(cell);
  });

  it('is one line of one cell, and COPY reads it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (a, b) => {
        const text = a + b;
        const cell = tsvCell(text);
        expect(cell).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\p{Bidi_Control}]/u);
        expect(copyDecode(cell)).toBe(Buffer.from(text, 'utf8').toString('utf8'));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('csvCell', () => {
  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=cmd|calc', `"'=cmd|calc"`],
    ['+49', `"'+49"`],
    ['-5', `"'-5"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['＝1', `"'＝1"`],
    [' =1', `"' =1"`],
    ['\t=1', `"'\\t=1"`],
    ['\r=1', `"'\\r=1"`],
    ['"=1', `"'""=1"`],
    ['a;=1', `"a;'=1"`],
    ['a\u001b\nb', 'a\\x1b\\nb'],
    [-5, '-5'],
    [null, ''],
    [false, 'false'],
    [['read', 'write'], '"read,write"'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('%j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  it('is one cell of one line, and never a formula', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('=', '+', '-', '@', ';', ',', '"', "'", ' ', '\t', '\r', '\n', 'a'),
    });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostile, fc.string({ unit: 'binary' })), { minLength: 2, maxLength: 4 }),
        (cells) => {
          const line = cells.map(csvCell).join(',');
          expect(line).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029]/u);
          const read = csvDecode(line);
          expect(read).toHaveLength(cells.length);
          for (const cell of read) {
            for (const part of [cell, ...cell.split(';')]) expect(part).not.toMatch(/^[\s"]*[=+\-@＝＋－＠]/);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
