import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.js';
import type { CommandDefinition } from '../../../src/cli/definition/command.js';
import { flagOf } from '../../../src/cli/definition/parser.js';
import { refuseSwallowedOptions } from '../../../src/cli/definition/swallowed.js';
import type { OptionSpecs } from '../../../src/cli/definition/values.js';
import { GLOBAL_OPTIONS } from '../../../src/cli/global-options.js';
import { buildProgram } from '../../../src/cli/program.js';
import { runInProcess } from '../../helpers/run-in-process.js';

const program = buildProgram(async () => undefined, { out: () => undefined });

interface Placed {
  readonly path: readonly string[];
  readonly definition: CommandDefinition;
}

const placed = (definition: CommandDefinition, before: readonly string[]): Placed[] => {
  const path = [...before, definition.name];
  return [{ path, definition }, ...(definition.commands ?? []).flatMap((one) => placed(one, path))];
};

const flags = (options: OptionSpecs, valued: boolean): string[] =>
  Object.entries(options)
    .filter(([, { value }]) => (value !== undefined) === valued)
    .map(([name, spec]) => flagOf(name, spec));

/** The parser's own error, which leaves out what it was about, where none is thrown. */
function refused(...argv: readonly string[]): string | null {
  try {
    refuseSwallowedOptions(program, argv);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe.each(COMMANDS.flatMap((one) => placed(one, [])))('$path', ({ path, definition }) => {
  const own = definition.options ?? {};
  const valued = [...flags(own, true), ...flags(GLOBAL_OPTIONS, true), '-o'];
  const anything = [...valued, ...flags(own, false), ...flags(GLOBAL_OPTIONS, false), '-n', '-qy', '-ojson'];

  test.each(valued)('%s takes no option for its value', (flag) => {
    for (const other of [...anything, '--', '--help', '-h', '--dry-runn', '--tenant=acme']) {
      expect(refused(...path, 'x', flag, other), other).toMatch(/^option '.*' argument missing$/);
    }
    expect(refused(...path, flag), 'at the end').toMatch(/argument missing$/);
  });

  test.each(valued)('%s takes what only begins like one', (flag) => {
    for (const value of ['-', '-1', '-5d', '-z', '--no option', '---', 'x', '']) {
      expect(refused(...path, flag, value, '--json'), value).toBeNull();
    }
    if (flag.startsWith('--')) expect(refused(...path, `${flag}=--dry-run`, '-n')).toBeNull();
  });
});

test.each(flags(GLOBAL_OPTIONS, true))('%s takes no option before the command either', (flag) => {
  expect(refused(flag, '--json', 'list')).toMatch(/argument missing$/);
  expect(refused('-q', flag, 'x', 'list', '--owner', '--count')).toMatch(
    /^option '--owner <owner>' argument missing$/,
  );
});

test('behind -- everything is an argument', () => {
  expect(refused('revoke', '--yes', '--', '--actor', '--dry-run')).toBeNull();
  expect(refused('revoke', '-yo', 'csv', '--', '-o')).toBeNull();
  expect(refused('revoke', 'k', '-yo', '--dry-run')).toMatch(/argument missing$/);
  expect(refused('revoke', 'k', '-ojson', '--reason', 'left')).toBeNull();
});

test('is told with what to write, and as JSON where that was asked for', async () => {
  const plain = await runInProcess(['revoke', 'k1', '--yes', '--actor', '--dry-run']);
  expect(plain).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr:
      "apikeys: option '--actor <name>' argument missing\n" +
      'hint: --dry-run behind it is read as an option. If it is the value, write --actor=--dry-run\n',
  });
  const { exitCode, stderr } = await runInProcess(['create', 'k2', '--owner', 'o1', '--tenant', '--json']);
  expect(exitCode).toBe(2);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'INVALID_USAGE' } });
});
