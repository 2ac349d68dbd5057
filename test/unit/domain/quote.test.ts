import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote } from '../../../src/domain/quote.js';
import { makeSecret } from '../../../src/domain/secret.js';

describe('quote', () => {
  test.each([
    ['', '""'],
    ['7 days', '"7 days"'],
    ['naïve 日本 🔑', '"naïve 日本 🔑"'],
    ['say "hi" \\', '"say \\"hi\\" \\\\"'],
    ['\u001b[31m', '"\\u{1b}[31m"'],
    ['a\nb\0', '"a\\u{a}b\\u{0}"'],
    ['\u202e\u2066\u200b\ufeff\u00a0\u2028', '"\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{a0}\\u{2028}"'],
    ['\ud800', '"\\u{d800}"'],
    ['\u{e0041}', '"\\u{e0041}"'],
  ])('%j', (text, shown) => {
    expect(quote(text)).toBe(shown);
  });

  test('shows 40 characters and cuts the rest, never inside a character', () => {
    expect(quote('x'.repeat(40))).toBe(`"${'x'.repeat(40)}"`);
    expect(quote('x'.repeat(41))).toBe(`"${'x'.repeat(40)}…"`);
    expect(quote('🔑'.repeat(41))).toBe(`"${'🔑'.repeat(40)}…"`);
    expect(quote('x'.repeat(1_000_000))).toBe(`"${'x'.repeat(40)}…"`);
  });

  test('keeps a UUID whole and shows 8 digits of anything longer', () => {
    const id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
    expect(quote(id)).toBe(`"${id}"`);
    expect(quote('a'.repeat(23))).toBe(`"${'a'.repeat(23)}"`);
    expect(quote('rv_0123456789abcdef01234567')).toBe('"rv_01234567…"');
    expect(quote('rv_0123456789ABCDEF01234567')).toBe('"rv_01234567…"');
  });

  test('no more than 8 digits of a secret, wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.integer({ min: 24, max: 64 }),
        (before, bytes) => {
          const secret = makeSecret('rv_', bytes);
          expect(quote(`${before}-${secret}`)).not.toContain(secret.slice(0, 12));
        },
      ),
    );
  });

  test('nothing unprintable comes out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(quote(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
