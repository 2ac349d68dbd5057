import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardTerminal, visible, withoutControls } from '../../../src/cli/output/visible.js';

const C0_C1 = /[\u0000-\u001f\u007f-\u009f]/u;
const DANGEROUS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

describe('visible', () => {
  it.each([
    ['plain text stays', 'plain text stays'],
    ['back\\slash', 'back\\slash'],
    [
      'naïve Ünïcode – “quotes” 在庫 한글 हिन्दी ไทย עברית',
      'naïve Ünïcode – “quotes” 在庫 한글 हिन्दी ไทย עברית',
    ],
    ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
    ['a\tb\nc\rd', 'a\\tb\\nc\\rd'],
    ['\u0000\u007f\u009b31m', '\\x00\\x7f\\x9b31m'],
    ['abc\u202edef\u2066', 'abc\\u{202e}def\\u{2066}'],
    ['line\u2028paragraph\u2029', 'line\\u{2028}paragraph\\u{2029}'],
    ['zero\u200bwidth\u2060\ufeff\u00ad', 'zero\\u{200b}width\\u{2060}\\u{feff}\\xad'],
    ['\u3164filler\u034f', '\\u{3164}filler\\u{34f}'],
    ['a\ufe0f', 'a\\u{fe0f}'],
    ['\ud800 lone \udfff', '\\u{d800} lone \\u{dfff}'],
    ['private \ue000', 'private \\u{e000}'],
    ['unassigned \u{1fffe}\u0378', 'unassigned \\u{1fffe}\\u{378}'],
    ['tags \u{e0041}', 'tags \\u{e0041}'],
    ['\u0301stray mark', '\\u{301}stray mark'],
    [`z${'\u0301'.repeat(6)}`, `z${'\u0301'.repeat(4)}\\u{301}\\u{301}`],
    ['dot reph \u0d4e', 'dot reph \\u{d4e}'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it.each(['🚀', '❤️', '👩‍💻', '👨‍👩‍👧‍👦', '🇩🇪', '👍🏽', '1️⃣', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏳️‍🌈'])('keeps the emoji %s', (emoji) => {
    expect(visible(`${emoji} x${emoji}`)).toBe(`${emoji} x${emoji}`);
  });

  it('shows joiners and skin tones outside of an emoji', () => {
    expect(visible('a\u200db')).toBe('a\\u{200d}b');
    expect(visible('👩\u200d')).toBe('👩\\u{200d}');
    expect(visible('a\u{1f3fd}')).toBe('a\\u{1f3fd}');
  });

  it('lets nothing through that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const shown = visible(text);
        expect(shown).not.toMatch(DANGEROUS);
        expect(visible(shown)).toBe(shown);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }), (units) => {
        expect(visible(String.fromCharCode(...units))).not.toMatch(DANGEROUS);
      }),
      { numRuns: 1000 },
    );
  });

  it('holds for every code point by itself', () => {
    const passed: number[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      if (/\p{C}|\p{Zl}|\p{Zp}/u.test(visible(String.fromCodePoint(code)))) passed.push(code);
    }
    expect(passed).toEqual([]);
  });

  it('is quick with a megabyte of escapes', () => {
    const start = performance.now();
    visible('\u001b'.repeat(1_000_000));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('withoutControls', () => {
  it('changes nothing but what acts on a terminal or ends a line', () => {
    expect(withoutControls('👩‍💻 \u200b \ue000 \u0301')).toBe('👩‍💻 \u200b \ue000 \u0301');
    expect(withoutControls('\u001b\n\u202e\u2028')).toBe('\\x1b\\n\\u{202e}\\u{2028}');
  });
});

describe('guardTerminal', () => {
  it('lets our own colours and newlines pass, and nothing else', () => {
    const text = '\u001b[32mactive\u001b[39m\n\u001b[2J\u001b]8;;x\u0007\r\u009b1m';
    expect(guardTerminal(text, true)).toBe('\u001b[32mactive\u001b[39m\n\\x1b[2J\\x1b]8;;x\\x07\\r\\x9b1m');
    expect(guardTerminal('\u001b[32mx\n', false)).toBe('\\x1b[32mx\n');
  });

  it('holds for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(guardTerminal(text, false).replaceAll('\n', '')).not.toMatch(C0_C1);
      }),
    );
  });
});
