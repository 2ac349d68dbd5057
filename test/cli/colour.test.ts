import { beforeAll, expect, test } from 'vitest';
import { useCli } from './apikeys.js';

const cli = useCli();
const COLOUR = /\u001b\[/;

beforeAll(async () => {
  await cli.create();
});

const coloured = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const ok = await cli.apikeys(['list', '-o', 'table', ...args], { env });
  const failed = await cli.apikeys(['show', 'nobody', ...args], { env });
  return { stdout: COLOUR.test(ok.stdout), stderr: COLOUR.test(failed.stderr) };
};

const NONE = { stdout: false, stderr: false };
const BOTH = { stdout: true, stderr: true };

test.each([
  ['nothing said, and no terminal', [], {}, NONE],
  ['--color always', ['--color', 'always'], {}, BOTH],
  [
    '--color always against NO_COLOR and TERM=dumb',
    ['--color', 'always'],
    { NO_COLOR: '1', TERM: 'dumb' },
    BOTH,
  ],
  ['--color never against FORCE_COLOR', ['--color', 'never'], { FORCE_COLOR: '1' }, NONE],
  ['--color auto', ['--color', 'auto'], {}, NONE],
  ['FORCE_COLOR', [], { FORCE_COLOR: '1' }, BOTH],
  ['FORCE_COLOR against TERM=dumb', [], { FORCE_COLOR: '1', TERM: 'dumb' }, BOTH],
  ['NO_COLOR against FORCE_COLOR', [], { NO_COLOR: '1', FORCE_COLOR: '1' }, NONE],
  ['an empty NO_COLOR against FORCE_COLOR', [], { NO_COLOR: '', FORCE_COLOR: '1' }, BOTH],
  ['FORCE_COLOR=0', [], { FORCE_COLOR: '0' }, NONE],
] as const)('%s', async (_what, args, env, expected) => {
  expect(await coloured(args, env)).toEqual(expected);
});

test('nothing that a machine reads is ever coloured', async () => {
  for (const format of ['tsv', 'csv', 'json', 'ndjson']) {
    const { stdout } = await cli.apikeys(['list', '-o', format, '--color', 'always']);
    expect({ format, coloured: COLOUR.test(stdout) }).toEqual({ format, coloured: false });
  }
  const { stderr } = await cli.apikeys(['show', 'nobody', '--json', '--color', 'always']);
  expect(stderr).not.toMatch(COLOUR);
});
