import { beforeAll, describe, expect, test } from 'vitest';
import { pagerCommand } from '../../src/cli/output/pager.js';
import { overUrl } from '../helpers/run-sql.js';
import { runInTerminal, type TerminalOptions } from '../helpers/terminal.js';
import { insert, population } from '../integration/life/population.js';
import { useCli } from './apikeys.js';

const KEYS = 60;
const CTRL_C = '\u0003';

const cli = useCli();
beforeAll(() => overUrl(cli.database.url, (rows) => insert(rows, population(KEYS))));

const terminal = (args: readonly string[], { env, ...more }: TerminalOptions = {}) =>
  runInTerminal(args, { ...more, env: { APIKEYS_DATABASE_URL: cli.database.url, NO_COLOR: '1', ...env } });

/** Marks each line that it is given, so that it can be told from what was printed without it. */
const MARKING = 'sed s/^/paged:/';
const rowsOf = (output: string) => output.split(/\r?\n/).filter((line) => /rv_/.test(line));
const pagedRows = (output: string) => rowsOf(output).filter((line) => line.startsWith('paged:'));

describe('a list that is longer than the screen', () => {
  test.each([['list'], ['list --all'], ['audit --limit 60']])('%s goes through the pager', async (line) => {
    const { exitCode, output } = await terminal(line.split(' '), {
      env: { APIKEYS_PAGER: MARKING, PAGER: 'false' },
    });
    expect(exitCode).toBe(0);
    if (line.startsWith('list')) expect(pagedRows(output).length).toBeGreaterThanOrEqual(50);
    else expect(output).not.toContain('paged:');
  });

  test.each([
    ['--no-pager', ['--no-pager'], {}],
    ['PAGER=cat', [], { APIKEYS_PAGER: 'cat' }],
    ['-q', ['-q'], {}],
    ['--json', ['--json'], {}],
    ['-o tsv', ['-o', 'tsv'], {}],
    ['in CI', [], { CI: '1' }],
    ['a page that fits', ['--limit', '10'], {}],
  ])('does not with %s', async (_why, more, env) => {
    const { exitCode, output } = await terminal(['list', ...more], {
      env: { APIKEYS_PAGER: MARKING, ...env },
    });
    expect(exitCode).toBe(0);
    expect(output).not.toContain('paged:');
  });

  test.each([['no-such-pager'], ['no-such-pager | cat -n "x"'], ['/etc/passwd']])(
    'is printed whole where %s cannot be started',
    async (pager) => {
      const { exitCode, output } = await terminal(['list'], { env: { APIKEYS_PAGER: pager } });
      expect(exitCode).toBe(0);
      if (!pager.includes('|')) expect(rowsOf(output).length).toBeGreaterThanOrEqual(50);
    },
  );

  test('ends quietly when the pager is left early', async () => {
    const { exitCode, output, timedOut } = await terminal(['list', '--all'], {
      env: { APIKEYS_PAGER: 'head -3' },
    });
    expect({ exitCode, timedOut }).toEqual({ exitCode: 0, timedOut: false });
    expect(rowsOf(output)).toHaveLength(2);
    expect(output).not.toContain('apikeys:');
  });

  test('less shows a screen, heeds Ctrl-C itself and is left with q', async () => {
    const { exitCode, output, timedOut } = await terminal(['list'], {
      env: { APIKEYS_PAGER: 'less -RX' },
      answers: [
        { when: 'rv_', type: CTRL_C },
        { when: '\n', type: 'q' },
      ],
    });
    expect({ exitCode, timedOut }).toEqual({ exitCode: 0, timedOut: false });
    expect(output).not.toContain('interrupted');
  });
});

test('APIKEYS_PAGER comes before PAGER, and an empty one says nothing', () => {
  expect(pagerCommand({ APIKEYS_PAGER: 'a', PAGER: 'b' }, 'less -FRX')).toBe('a');
  expect(pagerCommand({ APIKEYS_PAGER: '', PAGER: 'b -c' }, 'less -FRX')).toBe('b -c');
  expect(pagerCommand({}, 'less -FRX')).toBe('less -FRX');
  expect(pagerCommand({ PAGER: 'cat' }, 'less -FRX')).toBeNull();
});
