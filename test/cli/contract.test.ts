import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import type { CommandDefinition } from '../../src/cli/definition/command.js';
import { buildProgram } from '../../src/cli/program.js';
import { SCHEMAS } from '../../src/representation/schemas.js';
import { newOwner, useCli } from './apikeys.js';

/** A raw control byte, other than a line end, a tab and the colours and cursor moves of our own on a terminal. */
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/;

/** What a contract needs of a command beside its definition: a command line that succeeds. */
interface Line {
  /** What follows the name; keys are made for each run, so that no run depends on another. */
  args(made: { readonly id: string; readonly owner: string }): readonly string[];
  readonly input?: (made: { readonly apiKey: string }) => string;
  /** Whether it prints something even with -q. */
  readonly loud?: boolean;
  /** Where a dry run is not said by `dry_run`: what it leaves in the document. */
  readonly rehearsed?: Readonly<Record<string, unknown>>;
  /** For a command that asks: the arguments that leave a question open. */
  readonly open?: (made: { readonly id: string }) => readonly string[];
}

const LINES: Readonly<Record<string, Line>> = {
  create: { args: ({ owner }) => ['contract', '--owner', owner], loud: true, open: () => ['contract'] },
  list: { args: ({ owner }) => ['--owner', owner], loud: true },
  show: { args: ({ id }) => [id], loud: true },
  update: { args: ({ id }) => [id, '--description', 'x'], loud: true },
  rotate: { args: ({ id }) => [id], loud: true },
  scopes: { args: ({ id }) => [id, '--set', 'read'], loud: true },
  limits: { args: ({ id }) => [id, '--rate', '1/1m'] },
  revoke: { args: ({ id }) => [id, '--yes'], loud: true, open: ({ id }) => [id] },
  freeze: { args: ({ id }) => [id], loud: true },
  unfreeze: { args: ({ id }) => [id], loud: true },
  verify: { args: () => [], input: ({ apiKey }) => apiKey, open: () => [] },
  usage: { args: ({ id }) => [id], loud: true },
  'usage record': { args: ({ id }) => [id, '--requests', '1'], loud: true },
  'usage import': { args: () => [], input: () => '' },
  audit: { args: ({ id }) => [id], loud: true },
  'audit head': { args: () => [], loud: true },
  'audit verify': { args: () => [] },
  policy: { args: () => [] },
  'policy set': { args: () => ['--max-keys', '1000'] },
  'policy unset': { args: () => ['--max-keys'] },
  cleanup: { args: () => [] },
  migrate: { args: () => [] },
  doctor: { args: () => [], loud: true },
  grants: { args: () => ['--role', 'someone', '--as', 'auditor'], loud: true, rehearsed: { changed: 0 } },
  schema: { args: () => ['list'], loud: true },
  completion: { args: () => ['bash'], loud: true },
  help: { args: () => ['exit-codes'], loud: true },
};

interface Row extends Line {
  /** A command, or a command of a command. */
  readonly name: string;
  readonly definition: CommandDefinition;
}

const TABLE: readonly Row[] = COMMANDS.flatMap((command) => rowsOf(command, []));

function rowsOf(definition: CommandDefinition, before: readonly string[]): Row[] {
  const path = [...before, definition.name];
  const name = path.join(' ');
  const line = LINES[name];
  const below = (definition.commands ?? []).flatMap((child) => rowsOf(child, path));
  return [...(line === undefined ? [] : [{ ...line, name, definition }]), ...below];
}

const cli = useCli();

interface Made {
  readonly words: readonly string[];
  readonly input: string;
}

/** The command line of a row, with a key of its own. */
async function make(row: Row): Promise<Made> {
  const owner = newOwner();
  const key = await cli.create('made', ['--owner', owner]);
  return {
    words: [...row.name.split(' '), ...row.args({ id: key.id, owner })],
    input: row.input?.({ apiKey: key.api_key ?? '' }) ?? '',
  };
}

test('the table has every command of the tree', () => {
  const program = buildProgram(async () => undefined, { out: () => undefined });
  const names = program.commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((child) => `${command.name()} ${child.name()}`),
  ]);
  expect(TABLE.map(({ name }) => name).sort()).toEqual(names.sort());
  expect(Object.keys(LINES).sort()).toEqual(names.sort());
});

test('every schema is that of a command, or of the error', () => {
  const results = TABLE.flatMap(({ definition: { result } }) => result ?? []);
  expect([...results, 'error'].sort()).toEqual(Object.keys(SCHEMAS).sort());
});

describe.each(TABLE)('$name', (row) => {
  test('in a pipe: the result on stdout, no control bytes, exit 0', async () => {
    const { words, input } = await make(row);
    const { exitCode, stdout } = await cli.apikeys(words, { input });
    expect(exitCode).toBe(0);
    expect(stdout).not.toMatch(CONTROL);
  });

  test('with --json: one document of its schema on stdout, nothing on stderr', async () => {
    const { words, input } = await make(row);
    const { exitCode, stdout, stderr } = await cli.apikeys([...words, '--json'], { input });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { result } = row.definition;
    const documents = row.name === 'audit head' ? stdout.trimEnd().split('\n') : [stdout];
    for (const document of documents) {
      if (result !== null) expect(SCHEMAS[result].safeParse(JSON.parse(document)).error).toBeUndefined();
    }
  });

  test('with -q: nothing on stderr, and on stdout only what a script wants', async () => {
    const { words, input } = await make(row);
    const { exitCode, stdout, stderr } = await cli.apikeys([...words, '-q'], { input });
    expect({ exitCode, stderr, loud: stdout !== '' }).toEqual({
      exitCode: 0,
      stderr: '',
      loud: row.loud ?? false,
    });
  });

  test.runIf(row.definition.dryRun === 'shown')(
    'with --dry-run: exit 0, and the document says so',
    async () => {
      const { words, input } = await make(row);
      const { exitCode, stdout } = await cli.apikeys([...words, '--dry-run', '--json'], { input });
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject(row.rehearsed ?? { dry_run: true });
    },
  );

  const { dryRun } = row.definition;
  const refusing = dryRun !== undefined && dryRun !== 'shown';
  test.runIf(refusing)('with --dry-run: exit 2, since it has none', async () => {
    const { words, input } = await make(row);
    const { exitCode, stdout, stderr } = await cli.apikeys([...words, '--dry-run'], { input });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(`${row.name} has no --dry-run`);
  });

  test.runIf(row.definition.prompts)('where it has to ask and cannot: exit 2 without waiting', async () => {
    expect(row.open).toBeDefined();
    const { id } = await cli.create('made');
    const argv = [...row.name.split(' '), ...(row.open?.({ id }) ?? []), '--no-input'];
    const { exitCode, timedOut } = await cli.apikeys(argv, { terminal: true });
    expect({ exitCode, timedOut }).toEqual({ exitCode: 2, timedOut: false });
  });

  test('with closed stdin, CI, --no-input and the bare environment of cron it does not wait', async () => {
    const { words, input } = await make(row);
    const env = { CI: '1' };
    const { exitCode, timedOut } = await cli.apikeys([...words, '--no-input'], {
      input,
      env,
      timeout: 20_000,
    });
    expect({ exitCode, timedOut }).toEqual({ exitCode: 0, timedOut: false });
    if (row.input !== undefined) return;
    const again = (await make(row)).words.map((word) => `'${word}'`).join(' ');
    const bare = await cli.shell(
      `env -i PATH="$PATH" HOME="$HOME" APIKEYS_DATABASE_URL="$APIKEYS_DATABASE_URL" "$NODE" "$PROGRAM" ${again} <&-`,
    );
    expect(bare.exitCode).toBe(0);
  });

  // Where a terminal is asked for the input, that is a question.
  test.skipIf(row.input)('on a terminal: exit 0 without a question', async () => {
    const { words } = await make(row);
    const { exitCode, timedOut } = await cli.apikeys(words, { terminal: true });
    expect({ exitCode, timedOut }).toEqual({ exitCode: 0, timedOut: false });
  });

  test('an unknown option: exit 2, stdout empty, one sentence, and JSON for JSON', async () => {
    const { words, input } = await make(row);
    const plain = await cli.apikeys([...words, '--no-such-option'], { input });
    expect({ exitCode: plain.exitCode, stdout: plain.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^apikeys: .*no-such-option/);
    expect(plain.stderr).not.toMatch(/\n\s+at /);
    const json = await cli.apikeys([...words, '--no-such-option', '--json'], { input });
    expect({ exitCode: json.exitCode, stdout: json.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(SCHEMAS.error.safeParse(JSON.parse(json.stderr)).error).toBeUndefined();
  });
});
