import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flawOf, pastedKey } from '../../../src/domain/pasted-key.js';
import { makeSecret, shownPrefixIn } from '../../../src/domain/secret.js';

const SHAPE = { prefix: 'rv_', secretBytes: 32 };
const RAW = makeSecret('rv_', 32);
const OTHER = makeSecret('rv_', 32);
const mistype = (secret: string) =>
  `${secret.slice(0, 40)}${secret[40] === '0' ? '1' : '0'}${secret.slice(41)}`;
const wrap = (text: string, at: number, by: string) => text.slice(0, at) + by + text.slice(at);

describe('a raw key is found in', () => {
  test.each([
    ['nothing around it', RAW],
    ['a line end', `${RAW}\r\n`],
    ['blanks and empty lines', `\n\n  \t${RAW} \n\n`],
    ['a byte order mark', `\ufeff${RAW}\r\n`],
    ['zero-width spaces', `\u200b${RAW}\u200b`],
    ['a no-break space', `\u00a0${RAW}\u00a0`],
    ['double quotes', `"${RAW}"`],
    ['single quotes', `'${RAW}'`],
    ['typographic quotes', `“${RAW}”`],
    ['backticks', `\`${RAW}\``],
    ['a bearer token', `Bearer ${RAW}`],
    ['a header', `Authorization: Bearer ${RAW}`],
    ['curl', `curl -H 'X-API-Key: ${RAW}' https://api.example.com/v1/orders`],
    ['a line of a log', `2026-11-28T03:00:00Z INFO auth[12]: token=${RAW}, ip=10.0.0.1`],
    ['a longer log, twice', `a ${RAW}\nb\nc ${RAW} d`],
    ['JSON', JSON.stringify({ headers: { authorization: `Bearer ${RAW}` } })],
    ['JSON in JSON', JSON.stringify(JSON.stringify({ note: `line\n${RAW}\ttab` }))],
    ['escapes of JavaScript', `\\u0022${RAW}\\x22`],
    ["a URL's query", `https://example.com/hook?api_key=${RAW}&x=1`],
    ['a URL, encoded', `/cb?h=Bearer%20${RAW}%0A`],
    ['an environment file', `export API_KEY=${RAW}`],
    ['YAML', `  key: ${RAW} # ours`],
    ['XML', `<key>${RAW}</key>`],
    ['Markdown', `**${RAW}**`],
    ['colours of a terminal', `\u001b[31m${RAW}\u001b[0m`],
    ['a table', `│ ${RAW} │`],
    ['two lines of a terminal', wrap(RAW, 33, '\n')],
    ['two lines of a quoted mail', `> ${wrap(RAW, 20, '\r\n> ')}`],
    ['a soft line break of a mail', wrap(RAW, 50, '=\r\n')],
    ['an end of a sentence', `The key is ${RAW}.`],
  ])('%s', (_where, text) => {
    expect(pastedKey(text, SHAPE)).toEqual({ kind: 'key', rawKey: RAW });
  });

  test('any text that has no key of its own', () => {
    const around = fc
      .string({ unit: 'grapheme-ascii' })
      .filter((text) => !/rv_|bearer|api-key|authorization/i.test(text));
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(pastedKey(`${before} ${RAW} ${after}`, SHAPE)).toEqual({ kind: 'key', rawKey: RAW });
      }),
    );
  });
});

test.each([
  ['on two lines', `${RAW}\n${OTHER}`],
  ['in one line', `${RAW} -> ${OTHER}`],
  ['of another prefix', `${RAW} ${makeSecret('acme_live_', 24)}`],
  ['of which one is encoded', `${RAW} %22${OTHER}%22`],
  ['mistyped both', `${mistype(RAW)} ${mistype(OTHER)}`],
  ['of any shape', 'Bearer abc123 and X-API-Key: def456'],
])('two different keys %s are told', (_how, text) => {
  expect(pastedKey(text, SHAPE)).toEqual({ kind: 'several' });
});

test.each([
  ['an imported one', 'sk-live.AbC/123+x==', 'sk-live.AbC/123+x=='],
  ['an imported one in a header', 'Authorization: Bearer AbC123', 'AbC123'],
  ['an imported one, quoted', '"AbC:123"\n', 'AbC:123'],
  ['one with a letter behind it', `${RAW}x`, `${RAW}x`],
  ['one with a letter before it', `x${RAW}`, `x${RAW}`],
  ['a mistyped one', mistype(RAW), mistype(RAW)],
  ['a mistyped one in a log', `token=${mistype(RAW)}, ip`, mistype(RAW)],
  ['one that is cut', RAW.slice(0, 30), RAW.slice(0, 30)],
  ['one that is cut, in a URL', `https://e.com/?k=${RAW.slice(0, 30)}`, RAW.slice(0, 30)],
  ['one that is cut, in JSON', `{"key": "${RAW.slice(0, 30)}"}`, RAW.slice(0, 30)],
])('without the right checksum, %s is taken as it is', (_what, text, rawKey) => {
  expect(pastedKey(text, SHAPE)).toEqual({ kind: 'key', rawKey });
});

test.each(['', ' \n', '\ufeff', '""', 'good morning', 'a\nb'])('%j holds no key', (text) => {
  expect(pastedKey(text, SHAPE)).toEqual({ kind: 'none' });
});

test('a long text takes little time', () => {
  for (const text of [
    'rv_'.repeat(300_000),
    `rv_${'0'.repeat(900_000)}`,
    `${'a-'.repeat(400_000)}`,
    ' "'.repeat(400_000),
  ]) {
    const began = performance.now();
    pastedKey(text, SHAPE);
    expect(performance.now() - began).toBeLessThan(2_000);
  }
});

test.each([
  ['a whole key', RAW, null],
  ['a whole key of another length', makeSecret('rv_', 24), null],
  ['an imported key', 'sk-live-1', null],
  ['an imported key with our prefix', 'rv_not-hex', null],
  ['a key that is cut', RAW.slice(0, 30), { kind: 'cut', has: 30, of: 67, keyPrefix: RAW.slice(0, 11) }],
  [
    'a key without its last digit',
    RAW.slice(0, 66),
    { kind: 'cut', has: 66, of: 67, keyPrefix: RAW.slice(0, 11) },
  ],
  ['a mistyped key', mistype(RAW), { kind: 'mistyped', keyPrefix: RAW.slice(0, 11) }],
  ['a key in capitals', RAW.toUpperCase(), { kind: 'mistyped', keyPrefix: RAW.slice(0, 11) }],
  ['a key with a digit too many', `${RAW}0`, { kind: 'mistyped', keyPrefix: RAW.slice(0, 11) }],
  [
    'a key with the letter O',
    `${RAW.slice(0, 30)}O${RAW.slice(31)}`,
    { kind: 'mistyped', keyPrefix: RAW.slice(0, 11) },
  ],
])('what is wrong with %s', (_what, raw, flaw) => {
  expect(flawOf(raw, SHAPE)).toEqual(flaw);
});

test.each([
  [RAW, RAW.slice(0, 11)],
  [`key=${RAW}.`, RAW.slice(0, 11)],
  [RAW.toUpperCase(), RAW.slice(0, 11)],
  [RAW.slice(0, 28), RAW.slice(0, 11)],
  ['acme_live_0123456789abcdef0123456789abcdef0123456789abcdef', 'acme_live_01234567'],
  ['rv_1a2b3c4d', undefined],
  ['nothing', undefined],
])('the prefix to show of a text (%#)', (text, prefix) => {
  expect(shownPrefixIn(text, 'rv_')).toBe(prefix);
});
