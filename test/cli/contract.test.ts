import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.js';
import { SCHEMAS } from '../../src/representation/schemas.js';
import { newOwner, useCli } from './apikeys.js';

/** A raw control byte, other than a line end, a tab and the colours and cursor moves of our own on a terminal. */
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/;

interface Row {
  /** A command, or a command of a command. */
  readonly name: string;
  readonly schema: keyof typeof SCHEMAS | null;
  /** What follows the name; keys are made for each run, so that no run depends on another. */
  args(made: { readonly id: string; readonly owner: string }): readonly string[];
  readonly input?: (made: { readonly apiKey: string }) => string;
  /** Whether it prints something even with -q. */
  readonly loud?: boolean;
  /** Whether it has a `--dry-run`. */
  readonly rehearses?: boolean;
}

const TABLE: readonly Row[] = [
  { name: 'create', schema: 'create', args: ({ owner }) => ['contract', '--owner', owner], loud: true },
  { name: 'list', schema: 'list', args: ({ owner }) => ['--owner', owner], loud: true },
  { name: 'show', schema: 'show', args: ({ id }) => [id], loud: true },
  { name: 'update', schema: 'update', args: ({ id }) => [id, '--description', 'x'], loud: true },
  { name: 'rotate', schema: 'rotate', args: ({ id }) => [id], loud: true },
  { name: 'scopes', schema: 'scopes', args: ({ id }) => [id, '--set', 'read'], loud: true },
  { name: 'revoke', schema: 'revoke', args: ({ id }) => [id, '--yes'], loud: true, rehearses: true },
  { name: 'freeze', schema: 'freeze', args: ({ id }) => [id], loud: true, rehearses: true },
  { name: 'unfreeze', schema: 'unfreeze', args: ({ id }) => [id], loud: true, rehearses: true },
  { name: 'verify', schema: 'verify', args: () => [], input: ({ apiKey }) => apiKey },
  { name: 'usage', schema: 'usage', args: ({ id }) => [id], loud: true },
  { name: 'usage record', schema: 'usage-record', args: ({ id }) => [id, '--requests', '1'], loud: true },
  { name: 'usage import', schema: 'usage-import', args: () => [], input: () => '', rehearses: true },
  { name: 'audit', schema: 'audit', args: ({ id }) => [id], loud: true },
  { name: 'audit head', schema: null, args: () => [], loud: true },
  { name: 'audit verify', schema: 'audit-verify', args: () => [] },
  { name: 'cleanup', schema: 'cleanup', args: () => [], rehearses: true },
  { name: 'migrate', schema: 'migrate', args: () => [], rehearses: true },
  { name: 'doctor', schema: 'doctor', args: () => [], loud: true },
  { name: 'grants', schema: 'grants', args: () => ['--role', 'someone', '--as', 'auditor'], loud: true },
  { name: 'schema', schema: null, args: () => ['list'], loud: true },
  { name: 'completion', schema: null, args: () => ['bash'], loud: true },
  { name: 'help', schema: null, args: () => ['exit-codes'], loud: true },
];

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
    if (row.schema !== null) expect(SCHEMAS[row.schema].safeParse(JSON.parse(stdout)).error).toBeUndefined();
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

  test.runIf(row.rehearses)('with --dry-run: exit 0, and the document says so', async () => {
    const { words, input } = await make(row);
    const { exitCode, stdout } = await cli.apikeys([...words, '--dry-run', '--json'], { input });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true });
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
