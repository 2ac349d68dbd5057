import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible } from '../../../src/cli/output/visible.js';
import { displayWidth, padEnd, padStart, truncateMiddle, wrap } from '../../../src/cli/output/width.js';

const shown = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })).map(visible);

describe('truncateMiddle', () => {
  it.each([
    ['short', 5, 'short'],
    ['deployment-pipeline', 9, 'depl…line'],
    ['deployment-pipeline', 8, 'depl…ine'],
    ['abc', 2, 'a…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['在庫同期サービス', 9, '在庫…ビス'],
    ['在庫同期サービス', 8, '在庫…ス'],
    ['👩‍💻👩‍💻👩‍💻👩‍💻', 5, '👩‍💻…👩‍💻'],
    ['e\u0301e\u0301e\u0301e\u0301', 3, 'e\u0301…e\u0301'],
  ])('%s to %i columns', (text, width, cut) => {
    expect(truncateMiddle(text, width)).toBe(cut);
  });

  it('never exceeds the width nor tears a grapheme apart', () => {
    fc.assert(
      fc.property(shown, fc.integer({ min: 0, max: 40 }), (text, width) => {
        const cut = truncateMiddle(text, width);
        expect(displayWidth(cut)).toBeLessThanOrEqual(width);
        if (cut !== text && cut !== '') {
          const [head = '', tail = ''] = [cut.slice(0, cut.indexOf('…')), cut.slice(cut.indexOf('…') + 1)];
          expect(text.startsWith(head) || text.includes('…')).toBe(true);
          expect(text.endsWith(tail) || text.includes('…')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts a megabyte at once', () => {
    const start = performance.now();
    expect(displayWidth(truncateMiddle('é👩‍💻'.repeat(200_000), 40))).toBeLessThanOrEqual(40);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('padding', () => {
  it('fills up by display width', () => {
    expect(padEnd('在庫', 6)).toBe('在庫  ');
    expect(padStart('🚀', 4)).toBe('  🚀');
    expect(padEnd('too long', 3)).toBe('too long');
  });
});

describe('wrap', () => {
  it.each([
    ['one two three', 8, ['one two', 'three']],
    ['keeps  inner   spaces', 40, ['keeps  inner   spaces']],
    ['abcdefghij xyz', 4, ['abcd', 'efgh', 'ij', 'xyz']],
    ['在庫同期', 5, ['在庫', '同期']],
    ['', 10, ['']],
  ])('%j at %i columns', (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });

  it('loses nothing but spaces and never exceeds the width', () => {
    fc.assert(
      fc.property(shown, fc.integer({ min: 20, max: 60 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
      { numRuns: 1000 },
    );
  });
});
