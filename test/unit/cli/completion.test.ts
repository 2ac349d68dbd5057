import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { completionScript } from '../../../src/cli/completion/script.js';
import { SHELLS } from '../../../src/cli/completion/shells.js';
import { commandTree, withDescendants } from '../../../src/cli/completion/tree.js';
import { buildProgram } from '../../../src/cli/program.js';

const FILES = { bash: 'apikeys.bash', zsh: '_apikeys', fish: 'apikeys.fish' };

const program = buildProgram(async () => undefined, { out: () => undefined });
const root = commandTree(program);
const commands = withDescendants(root);
const command = (name: string) => commands.find(({ path }) => path.join(' ') === name);
const option = (name: string, long: string) =>
  command(name)?.options.find(({ names }) => names.includes(long));

test.each(SHELLS)('the %s script of this folder is the one that the program prints', (shell) => {
  const committed = readFileSync(new URL(`../../../completions/${FILES[shell]}`, import.meta.url), 'utf8');
  expect(committed, 'after a change of commands or options: npm run completions').toBe(
    completionScript(shell, program),
  );
});

describe('the tree', () => {
  test('has every command, and its options without those of the program', () => {
    expect(command('create')?.options.map(({ names }) => names.join(' '))).toContain('--owner');
    expect(command('create')?.options.flatMap(({ names }) => names)).not.toContain('--json');
    expect(root.options.flatMap(({ names }) => names)).toEqual(
      expect.arrayContaining(['--json', '-o', '--output', '--no-input', '-h', '--help', '-V', '--version']),
    );
  });

  test('knows what a value is', () => {
    expect(option('list', '--status')?.value).toEqual({
      kind: 'words',
      words: ['active', 'revoked', 'frozen', 'expired'],
    });
    expect(option('', '--config')?.value).toEqual({ kind: 'file' });
    expect(option('create', '--out-file')?.value).toEqual({ kind: 'file' });
    expect(option('create', '--owner')?.value).toEqual({ kind: 'anything' });
    expect(option('list', '--all')?.value).toBeUndefined();
  });

  test('knows what may be repeated', () => {
    expect(option('create', '--scope')?.repeatable).toBe(true);
    expect(option('create', '--owner')?.repeatable).toBe(false);
  });

  test('knows the topics of help', () => {
    const value = command('help')?.arguments[0]?.value;
    expect(value).toMatchObject({
      kind: 'words',
      words: expect.arrayContaining(['create', 'exit-codes', 'help']),
    });
  });
});

test('what a shell offers has nothing in it that a shell would read as more than a word', () => {
  const offered = commands.flatMap(({ path, options, arguments: args }) => [
    ...path,
    ...options.flatMap(({ names }) => names),
    ...[...options, ...args].flatMap(({ value }) => (value?.kind === 'words' ? value.words : [])),
  ]);
  expect(offered.filter((word) => !/^[A-Za-z-][A-Za-z0-9._-]*$/.test(word))).toEqual([]);
});

test('descriptions are one line', () => {
  const texts = commands.flatMap(({ description, options }) => [
    description,
    ...options.map((one) => one.description),
  ]);
  expect(texts.filter((text) => text === '' || /[\n\r\t]/.test(text))).toEqual([]);
});
