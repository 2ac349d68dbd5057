import { beforeAll, describe, expect, test } from 'vitest';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();
let prefix: string;

beforeAll(async () => {
  prefix = (await cli.create()).key_prefix;
});

const failures: readonly (readonly [
  what: string,
  code: string,
  exitCode: number,
  args: readonly string[],
])[] = [
  ['a key that does not exist', 'KEY_NOT_FOUND', 3, ['show', 'nobody']],
  ['an unknown option', 'INVALID_USAGE', 2, ['list', '--ownr', 'a']],
  ['an unknown option before the command', 'INVALID_USAGE', 2, ['--ownr', 'list']],
  ['an unknown command', 'INVALID_USAGE', 2, ['lst']],
  ['a missing argument', 'INVALID_USAGE', 2, ['show']],
  ['an argument too many', 'INVALID_USAGE', 2, ['show', 'a', 'b']],
  ['a missing option', 'INVALID_USAGE', 2, ['create', 'ci']],
  ['an option without its value', 'INVALID_USAGE', 2, ['create', 'ci', '--owner']],
  ['a status that is none', 'INVALID_USAGE', 2, ['list', '--status', 'dead']],
  ['a colour mode that is none', 'INVALID_USAGE', 2, ['list', '--color', 'sometimes']],
  ['options that exclude each other', 'INVALID_USAGE', 2, ['list', '--all', '--limit', '3']],
  ['an option of one value given twice', 'INVALID_USAGE', 2, ['list', '--owner', 'a', '--owner', 'b']],
  ['an option of the command above', 'INVALID_USAGE', 2, ['usage', 'import', '--since', '1d']],
  ['a schema of nothing', 'INVALID_USAGE', 2, ['schema', 'nothing']],
  ['a limit that is no number', 'INVALID_INPUT', 2, ['list', '--limit', 'ten']],
  ['a missing confirmation', 'CONFIRMATION_REQUIRED', 2, ['revoke', 'nobody']],
];

describe.each(failures)('%s', (_what, code, exitCode, args) => {
  test.each([
    ['after the command', [...args, '--json']],
    ['before it', ['--json', ...args]],
  ])('with --json %s, is one object on stderr and nothing on stdout', async (_where, line) => {
    // The value of an option at the end of the line would be `--json`.
    if (args.at(-1) === '--owner' && line.at(-1) === '--json') return;
    const result = await cli.apikeys(line);
    expect(errorOf(result)).toMatchObject({ code, message: expect.any(String) });
    expect(result.exitCode).toBe(exitCode);
  });

  test('without --json, is a sentence on stderr and nothing on stdout', async () => {
    const result = await cli.apikeys(args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(/^apikeys: .+\n(hint: .+\n)?$/);
  });
});

test('-o json is --json, for failures too', async () => {
  expect(errorOf(await cli.apikeys(['show', 'nobody', '-o', 'json'])).code).toBe('KEY_NOT_FOUND');
});

test('-o ndjson writes a failure as one line of JSON', async () => {
  const result = await cli.apikeys(['show', 'nobody', '-o', 'ndjson']);
  expect(result.stderr.split('\n')).toHaveLength(2);
  expect(errorOf(result).code).toBe('KEY_NOT_FOUND');
});

test('--json and another --output contradict each other', async () => {
  const result = await cli.apikeys(['list', '--json', '-o', 'csv']);
  expect(errorOf(result)).toMatchObject({ code: 'INVALID_USAGE', message: expect.stringContaining('csv') });
  expect(result.exitCode).toBe(2);
});

test('an output format that does not exist is refused as JSON when --json is there too', async () => {
  for (const args of [
    ['list', '--json', '-o', 'xml'],
    ['list', '-o', 'xml', '--json'],
  ]) {
    const result = await cli.apikeys(args);
    expect(errorOf(result).code).toBe('INVALID_USAGE');
    expect(result.exitCode).toBe(2);
  }
});

test('a misspelt option is answered with the one that was meant', async () => {
  expect((await cli.apikeys(['list', '--ownr', 'a'])).stderr).toMatch(/hint: .*--owner/);
});

test('with --json, a success leaves stderr empty, however much there is to note', async () => {
  const made = await cli.apikeys(['create', 'ci', '--owner', newOwner(), '--tenant', 'brand-new', '--json']);
  const empty = await cli.apikeys(['list', '--owner', 'nobody', '--json']);
  const revoked = await cli.apikeys([
    'revoke',
    made.stdout.match(/rv_[0-9a-f]{8}/)?.[0] ?? '',
    '-y',
    '--json',
  ]);
  for (const { stdout, stderr, exitCode } of [made, empty, revoked]) {
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(() => JSON.parse(stdout)).not.toThrow();
  }
});

test('without --json, a new tenant is noted on stderr, and stdout has the result alone', async () => {
  const { stdout, stderr, exitCode } = await cli.apikeys([
    'create',
    'ci',
    '--owner',
    newOwner(),
    '--tenant',
    'acme',
  ]);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^note: tenant "acme" is new/);
  expect(stdout).toMatch(/^rv_[0-9a-f]{64}\t[^\n]*\n$/);
});

test('the default tenant is no news', async () => {
  const { stderr } = await cli.apikeys(['create', 'ci', '--owner', newOwner()]);
  expect(stderr).toBe('');
});

test('help and version go to stdout and succeed without a database', async () => {
  const env = { APIKEYS_DATABASE_URL: '' };
  for (const args of [
    ['--help'],
    ['-h'],
    ['help'],
    ['help', 'list'],
    ['revoke', '--help'],
    [],
    ['--version'],
    ['-V'],
  ]) {
    const { stdout, stderr, exitCode } = await cli.apikeys(args, { env });
    expect({ args, stderr, exitCode }).toEqual({ args, stderr: '', exitCode: 0 });
    expect(stdout).toMatch(
      args.some((arg) => /^(-V|--version)$/.test(arg)) ? /^\d+\.\d+\.\d+\n$/ : /Usage: apikeys/,
    );
  }
});

test('global options work before and after the command', async () => {
  const before = await cli.apikeys(['--json', '--tenant', 'default', 'show', prefix]);
  const after = await cli.apikeys(['show', prefix, '--tenant', 'default', '--json']);
  expect(JSON.parse(before.stdout)).toEqual(JSON.parse(after.stdout));
});
