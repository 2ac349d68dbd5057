import { expect, test } from 'vitest';
import { runInProcess } from '../helpers/run-in-process.js';

const NO_DATABASE = { exitCode: 0, stderr: '' };

test('apikeys alone shows on stdout what to do first', async () => {
  const { stdout, ...rest } = await runInProcess([]);
  expect(rest).toMatchObject(NO_DATABASE);
  expect(stdout).toMatch(/^Usage: apikeys <command> /);
  expect(stdout.split('\n').length).toBeLessThan(8);
});

test.each([
  ['the program', ['--help'], ['help']],
  ['the program, among options', ['--json', '-h', '-q'], ['help']],
  ['a command', ['create', '--help'], ['help', 'create']],
  ['a command, whose arguments are missing', ['show', '-h'], ['help', 'show']],
  ['a command of a command', ['audit', 'verify', '--help'], ['help', 'audit', 'verify']],
])('--help of %s is what help prints', async (_what, option, command) => {
  const [one, other] = await Promise.all([runInProcess(option), runInProcess(command)]);
  expect(one).toMatchObject(NO_DATABASE);
  expect(other).toMatchObject({ ...NO_DATABASE, stdout: one.stdout });
  expect(one.stdout).toMatch(/^Usage: apikeys /);
});

test.each(['options', 'environment', 'exit-codes'])('help %s goes to stdout', async (topic) => {
  const { stdout, ...rest } = await runInProcess(['help', topic]);
  expect(rest).toMatchObject(NO_DATABASE);
  expect(stdout.split('\n').length).toBeGreaterThan(10);
});

test('help is the same text with colour asked for', async () => {
  const plain = await runInProcess(['help', 'list']);
  const colour = await runInProcess(['help', 'list', '--color', 'always'], { env: { FORCE_COLOR: '1' } });
  expect(colour.stdout).toBe(plain.stdout);
  expect(plain.stdout).not.toContain('\u001b');
});

test.each([
  ['a command', ['crate', 'ci'], "unknown command 'crate'", 'Did you mean create?'],
  ['a command, asked for help', ['crate', '--help'], "unknown command 'crate'", 'Did you mean create?'],
  [
    'a command like none',
    ['nonsense'],
    "unknown command 'nonsense'",
    '`apikeys --help` shows what there is.',
  ],
  [
    'a command of a command',
    ['help', 'audit', 'verfy'],
    'there is no help on "verfy"',
    'Did you mean verify?',
  ],
  ['an option', ['list', '--stauts', 'active'], "unknown option '--stauts'", 'Did you mean --status?'],
  ['an option of every command', ['list', '--jsno'], "unknown option '--jsno'", 'Did you mean --json?'],
  ['a topic', ['help', 'exit-code'], 'there is no help on "exit-code"', 'Did you mean exit-codes?'],
  [
    'a topic like none',
    ['help', 'nonsense'],
    'there is no help on "nonsense"',
    '`apikeys --help` shows what there is.',
  ],
  [
    'a topic of a command',
    ['help', 'create', 'options'],
    'there is no help on "options"',
    '`apikeys --help` shows what there is.',
  ],
  [
    'a topic too many',
    ['help', 'audit', 'verify', 'x'],
    /too many arguments/,
    '`apikeys --help` shows what there is.',
  ],
  ['nothing but options', ['--no-input'], 'no command was given', '`apikeys --help` shows what there is.'],
])('%s that does not exist is refused, with a guess', async (_what, args, message, hint) => {
  const plain = await runInProcess(args);
  expect(plain).toMatchObject({ exitCode: 2, stdout: '' });
  expect(plain.stderr).toMatch(message);
  expect(plain.stderr).toContain(`\nhint: ${hint}\n`);
  const json = await runInProcess([...args, '--json']);
  expect(json).toMatchObject({ exitCode: 2, stdout: '' });
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'INVALID_USAGE', hint } });
});

test.each([
  ['an argument that is missing', ['rotate'], "missing required argument 'key'"],
  ['a choice that is none', ['list', '--status', 'pink'], "argument 'pink' is invalid"],
  ['an argument too many', ['rotate', 'x', 'y'], 'too many arguments'],
])('%s is refused with a word on where to look', async (_what, args, message) => {
  const { exitCode, stderr } = await runInProcess(args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain(`\nhint: \`apikeys help ${args[0]}\` shows what there is.\n`);
});
