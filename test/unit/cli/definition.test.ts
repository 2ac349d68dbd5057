import { describe, expect, expectTypeOf, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.js';
import { type CommandDefinition, defineCommand } from '../../../src/cli/definition/command.js';
import { flagOf } from '../../../src/cli/definition/parser.js';
import { GLOBAL_OPTIONS } from '../../../src/cli/global-options.js';
import { buildProgram } from '../../../src/cli/program.js';

const FACTS = {
  name: 'make',
  description: 'make something',
  examples: ['apikeys make'],
  result: null,
} as const;

let seen: unknown;

const child = defineCommand({
  ...FACTS,
  name: 'more',
  options: { size: { value: '<n>', description: 'how large' } },
  dryRun: 'refused',
  print: async (input) => show(input),
});

const make = defineCommand({
  ...FACTS,
  group: 'Keys',
  arguments: { things: { value: '[thing...]', description: 'what to make' } },
  options: {
    owner: { value: '<owner>', description: 'whose' },
    tag: { value: '<tag>', description: 'repeatable', repeatable: true },
    kind: { value: '<kind>', description: 'of which kind', choices: ['a', 'b'] },
    outFile: { value: '<file>', description: 'where to' },
    actor: { value: '<name>', description: 'by whom' },
    all: { description: 'all of them' },
    wait: { description: 'then wait' },
  },
  excludes: { things: ['all'], all: ['outFile'], wait: ['dryRun'] },
  needs: { wait: 'outFile' },
  atLeastOne: { of: ['things', 'all', 'owner'], missing: 'nothing was named' },
  dryRun: 'shown',
  commands: [child],
  print: async (input) => show(input),
});

const read = defineCommand({ ...FACTS, name: 'read', group: 'Keys', print: async (input) => show(input) });

async function show(input: unknown): Promise<string> {
  seen = input;
  return '';
}

async function parse(line: string): Promise<unknown> {
  const program = buildProgram(async () => undefined, { out: () => undefined }, [make, read]);
  seen = undefined;
  await program.parseAsync(line.split(' '), { from: 'user' });
  return seen;
}

const refusal = (message: string, hint: string) =>
  expect.objectContaining({ code: 'INVALID_USAGE', message, hint });

describe('what an action is given', () => {
  test('has the names of the definition, and leaves out what was not given', async () => {
    expect(await parse('make x y --out-file f --wait --tag 1 --tag 2 --kind a')).toEqual({
      things: ['x', 'y'],
      outFile: 'f',
      wait: true,
      tag: ['1', '2'],
      kind: 'a',
    });
    expect(await parse('make --all')).toEqual({ things: [], all: true });
  });

  test('has an option that the program has, too, wherever on the line it stood', async () => {
    expect(await parse('--actor me make --all')).toEqual({ things: [], all: true, actor: 'me' });
    expect(await parse('make --all --actor me')).toEqual({ things: [], all: true, actor: 'me' });
  });

  test('has the types that the definition says', () => {
    defineCommand({
      ...FACTS,
      arguments: { first: { value: '<first>' }, rest: { value: '[rest...]' } },
      options: {
        kind: { value: '<kind>', description: '', choices: ['a', 'b'], required: true },
        size: { value: '<n>', description: '', parse: Number },
        tag: { value: '<tag>', description: '', repeatable: true },
        all: { description: '' },
      },
      async print(input) {
        expectTypeOf(input.first).toEqualTypeOf<string>();
        expectTypeOf(input.rest).toEqualTypeOf<readonly string[]>();
        expectTypeOf(input.kind).toEqualTypeOf<'a' | 'b'>();
        expectTypeOf(input.size).toEqualTypeOf<number | undefined>();
        expectTypeOf(input.tag).toEqualTypeOf<readonly string[] | undefined>();
        expectTypeOf(input.all).toEqualTypeOf<boolean | undefined>();
        return '';
      },
    });
  });
});

describe('a line is refused', () => {
  const exclusive = 'Use one of them.';
  const once = 'It takes one value: give it once.';
  test.each([
    ['make x --all', 'things and --all exclude each other', exclusive],
    ['make --all --out-file f', '--all and --out-file exclude each other', exclusive],
    ['make x --wait', '--wait goes with --out-file', 'Add --out-file.'],
    ['make', 'nothing was named', 'Give things, --all or --owner.'],
    ['make x --owner a --owner b', '--owner was given twice', once],
    ['make x --kind a --kind a', '--kind was given twice', once],
    ['make x --config a --config b', '--config was given twice', once],
    ['make x -o csv --output csv', '--output was given twice', once],
    ['make x --out-file f --wait -n', '--wait and --dry-run exclude each other', exclusive],
    ['read -n', 'read has no --dry-run; nothing was changed', 'It changes nothing anyway. Leave it out.'],
    [
      'make more --dry-run',
      'make more has no --dry-run; nothing was changed',
      'Leave it out to make the change.',
    ],
    ['make more --owner a', 'make more has no --owner', 'It would have no effect here. Leave it out.'],
    ['make --all more', 'make more has no --all', 'It would have no effect here. Leave it out.'],
  ])('%s', async (line, message, hint) => {
    await expect(parse(line)).rejects.toThrow(refusal(message, hint));
    expect(seen).toBeUndefined();
  });

  test('but not for a dry run that is shown, or a switch that is given again', async () => {
    expect(await parse('make x --dry-run')).toEqual({ things: ['x'] });
    expect(await parse('make --all --all')).toEqual({ things: [], all: true });
  });
});

test('a definition that names what is not there does not compile', () => {
  const print = async () => '';
  // @ts-expect-error no schema has this name
  defineCommand({ ...FACTS, result: 'lists', print });
  // @ts-expect-error no group has this name
  defineCommand({ ...FACTS, group: 'Others', print });
  const options = { all: { description: 'every one' } } as const;
  // @ts-expect-error no option has this name
  defineCommand({ ...FACTS, options, excludes: { all: ['limit'] }, print });
  // @ts-expect-error no option has this name
  defineCommand({ ...FACTS, options, needs: { al: 'all' }, print });
});

describe.each(COMMANDS.flatMap((command) => withCommands(command, [])))(
  '$path',
  ({ definition, parents }) => {
    const { arguments: args = {}, options = {}, group } = definition;

    test('is in a group if it is no command of a command', () => {
      expect(group === undefined).toBe(parents.length > 0);
    });

    test('has no two of one name, and no option that its parent would take', () => {
      const names = [...Object.keys(args), ...Object.keys(options)];
      expect(new Set(names).size).toBe(names.length);
      expect(
        parents.flatMap((parent) => Object.keys(parent.options ?? {}).filter((name) => name in options)),
      ).toEqual([]);
    });

    test('has an option of the program only if it gives another meaning to the same value', () => {
      const same = Object.entries(GLOBAL_OPTIONS).filter(([name]) => name in options);
      expect(same.map(([name, spec]) => flagOf(name, spec)).filter((flag) => flag !== '--actor')).toEqual([]);
    });
  },
);

interface Placed {
  readonly path: string;
  readonly definition: CommandDefinition;
  readonly parents: readonly CommandDefinition[];
}

function withCommands(definition: CommandDefinition, parents: readonly CommandDefinition[]): Placed[] {
  const path = [...parents, definition].map(({ name }) => name).join(' ');
  const below = (definition.commands ?? []).flatMap((one) => withCommands(one, [...parents, definition]));
  return [{ path, definition, parents }, ...below];
}
