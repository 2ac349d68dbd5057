import { expect, test } from 'vitest';
import { useCli } from './apikeys.js';

const cli = useCli();

const create = (...more: string[]): string[] => ['create', 'ci', '--owner', 'alice', ...more];

const BAD: readonly (readonly [what: string, args: readonly string[]])[] = [
  ['an empty name', ['create', '', '--owner', 'alice']],
  ['a name of white space', ['create', '  ', '--owner', 'alice']],
  ['a name with an escape sequence', ['create', 'a\u001b[31mred', '--owner', 'alice']],
  ['a name with a line break', ['create', 'a\nb', '--owner', 'alice']],
  ['a name with a bidi override', ['create', 'a\u202eb', '--owner', 'alice']],
  ['a name of 10 kB', ['create', 'a'.repeat(10_240), '--owner', 'alice']],
  ['the name -', ['create', '-', '--owner', 'alice']],
  ['an empty owner', ['create', 'ci', '--owner', '']],
  ['an owner with C1 controls', ['create', 'ci', '--owner', 'a\u009b31m']],
  ['a scope with a space', create('--scope', 'read all')],
  ['a scope with an escape sequence', create('--scope', '\u001b]0;title\u0007')],
  ['an empty scope', create('--scope', '')],
  ['a lifetime that is a bare number', create('--expires', '30')],
  ['a lifetime in months', create('--expires', '3M')],
  ['a freeze of zero', ['freeze', 'ci', '--until', '0']],
  ['a lifetime to a day that does not exist', create('--expires', '2099-02-29')],
  ['a lifetime of 10 kB', create('--expires', '9'.repeat(10_240))],
  ['an end in the past', create('--expires', '2020-01-01T00:00:00Z')],
  ['an end without a zone', create('--expires', '2099-01-01T00:00:00')],
  ['an end on a day that has passed', create('--expires', '2020-01-01')],
  ['a description with an escape sequence', create('--description', '\u001b[2J')],
  ['metadata without =', create('--metadata', 'team')],
  ['metadata given twice', create('--metadata', 'a=1', '--metadata', 'a=2')],
  ['metadata named __proto__', create('--metadata', '__proto__=x')],
  ['an empty tenant', create('--tenant', '')],
  ['an actor with a line break', create('--actor', 'a\nb')],
  ['a reason of 10 kB', ['revoke', 'ci', '--yes', '--reason', 'a'.repeat(10_240)]],
  ['an empty reference', ['show', '']],
  ['a reference of 10 kB', ['show', 'a'.repeat(10_240)]],
  ['a page of 0 keys', ['list', '--limit', '0']],
  ['a page of 1,001 keys', ['list', '--limit', '1001']],
  ['a page of -1 keys', ['list', '--limit', '-1']],
  ['a page of 1e3 keys', ['list', '--limit', '1e3']],
  ['a cursor of noise', ['list', '--cursor', 'noise']],
  ['a cursor with an escape sequence', ['list', '--cursor', '\u001b[31m']],
  ['an unknown option with an escape sequence', ['list', '--\u001b[31m']],
  ['an unknown option of 10 kB', ['list', `--${'x'.repeat(10_240)}`]],
  ['an unknown command with an escape sequence', ['\u001b[31mlist']],
  ['a status with an escape sequence', ['list', '--status', '\u001b[31m']],
  ['a status of 10 kB', ['list', '--status', 'x'.repeat(10_240)]],
];

test.each(BAD)(
  '%s is refused with exit 2, in one clear sentence, and nothing is stored',
  async (_what, args) => {
    const { exitCode, stdout, stderr } = await cli.apikeys(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^apikeys: .+\n(hint: .+\n)?$/);
    expect(stderr.length).toBeLessThan(500);
    // No stack trace, and nothing that acts on a terminal.
    expect(stderr).not.toMatch(
      /\n\s+at |[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
    );
    expect(await cli.keyCount()).toBe(0);
  },
);

test('create has no dry run: a key that would be made is not made', async () => {
  const result = await cli.apikeys(create('--dry-run'));
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(await cli.keyCount()).toBe(0);
});
