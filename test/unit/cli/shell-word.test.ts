import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellWord } from '../../../src/cli/output/shell-word.js';

test.each([
  ['billing-api', 'billing-api'],
  ['team/ops@example.com:42', 'team/ops@example.com:42'],
  ['', "''"],
  ['two words', "'two words'"],
  ["O'Brien & Co", "'O'\\''Brien & Co'"],
  ['$HOME', "'$HOME'"],
  ['~', "'~'"],
  ['größe', "'größe'"],
])('%j is %s', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

test('sh reads every word as it was', () => {
  const texts = fc.sample(
    fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
    500,
  );
  texts.push(`'"\`$(exit 1)\\!*?[a]{b,c}#;|&<>\n\t`, '-n', '~root', "''", '\\');
  const script = `printf '%s\\0' ${texts.map(shellWord).join(' ')}`;
  const read = execFileSync('sh', ['-c', script], { encoding: 'utf8' });
  expect(read.split('\0').slice(0, -1)).toEqual(texts);
});
