import { describe, expect, test } from 'vitest';
import { dataHome } from '../helpers/embedded.js';
import { runInTerminal, type TerminalOptions } from '../helpers/terminal.js';
import { newOwner, useCli } from './apikeys.js';

const ENTER = '\r';
const CTRL_C = '\u0003';
const DOWN = '\u001b[B';

const cli = useCli();
const terminal = (args: readonly string[], options: TerminalOptions = {}) =>
  runInTerminal(args, { ...options, env: { APIKEYS_DATABASE_URL: cli.database.url, ...options.env } });

const secrets = (text: string): string[] => [...new Set(text.match(/rv_[0-9a-f]{64}/g))];

describe('create on a terminal', () => {
  test('asks for nothing when name and owner are given', async () => {
    const { exitCode, output } = await terminal(['create', 'given', '--owner', newOwner()]);
    expect(exitCode).toBe(0);
    expect(secrets(output)).toHaveLength(1);
    expect(output).not.toContain('?');
  });

  test('asks for what is missing, again where the answer will not do', async () => {
    const owner = newOwner();
    const { exitCode, output } = await terminal(['create'], {
      answers: [
        { when: 'Name of the key:', type: `asked${ENTER}` },
        { when: 'Owner', type: ENTER },
        { when: 'the owner is empty', type: `${owner}${ENTER}` },
        { when: 'Scopes', type: `read,orders:*${ENTER}` },
        { when: 'It expires after', type: `${DOWN}${ENTER}` },
      ],
    });
    expect({ exitCode, count: secrets(output).length }).toEqual({ exitCode: 0, count: 1 });
    const [key] = await cli.database.query<{ scopes: string[]; days: string }>(
      `SELECT scopes, extract(day FROM expires_at - created_at)::text AS days FROM apikeys.keys WHERE owner_id = $1`,
      [owner],
    );
    expect(key).toEqual({ scopes: ['orders:*', 'read'], days: '30' });
  });

  test('Ctrl-C at a question is 130, and nothing was made', async () => {
    const before = await cli.keyCount();
    const { exitCode, output } = await terminal(['create'], {
      answers: [{ when: 'Name of the key:', type: CTRL_C }],
    });
    expect(exitCode).toBe(130);
    expect(output).toContain('nothing was changed');
    expect(await cli.keyCount()).toBe(before);
  });

  for (const [why, args, env] of [
    ['--no-input', ['create', '--no-input'], {}],
    ['CI', ['create'], { CI: '1' }],
    ['-q', ['create', '-q'], {}],
    ['--json', ['create', '--json'], {}],
  ] as const) {
    test(`asks nothing with ${why}: exit 2`, async () => {
      const { exitCode, output, timedOut } = await terminal(args, { env });
      expect({ exitCode, timedOut }).toEqual({ exitCode: 2, timedOut: false });
      expect(output).toContain('the name of the key is missing');
    });
  }

  test('CI=false is as good as none', async () => {
    const { exitCode } = await terminal(['create'], {
      env: { CI: 'false' },
      answers: [{ when: 'Name of the key:', type: CTRL_C }],
    });
    expect(exitCode).toBe(130);
  });
});

describe('revoke on a terminal', () => {
  test('shows the impact and the database, and takes a yes', async () => {
    const key = await cli.create('to-revoke');
    const { exitCode, output } = await terminal(['revoke', key.id], {
      answers: [{ when: '(y/N)', type: `y${ENTER}` }],
    });
    expect(exitCode).toBe(0);
    expect(output).toMatch(/KEY .*LAST USED .*TODAY/);
    expect(output).toMatch(/to-revoke .*never +0/);
    expect(output).toContain(new URL(cli.database.url).host);
    expect(output).toContain('revoked');
  });

  test('Enter means no: exit 2, and nothing was changed', async () => {
    const key = await cli.create('to-keep');
    const { exitCode, output } = await terminal(['revoke', key.id], {
      answers: [{ when: '(y/N)', type: ENTER }],
    });
    expect(exitCode).toBe(2);
    expect(output).toContain('nothing was changed');
    expect(await cli.json(['show', key.id])).toMatchObject({ status: 'active' });
  });

  test("an owner's keys are revoked only where the owner's name is typed", async () => {
    const owner = newOwner();
    const key = await cli.create('of-owner', ['--owner', owner]);
    const wrong = await terminal(['revoke', '--owner', owner], {
      answers: [{ when: "owner's name", type: `y${ENTER}` }],
    });
    expect(wrong.exitCode).toBe(2);
    expect(await cli.json(['show', key.id])).toMatchObject({ status: 'active' });
    const right = await terminal(['revoke', '--owner', owner], {
      answers: [{ when: "owner's name", type: `${owner}${ENTER}` }],
    });
    expect(right.exitCode).toBe(0);
    expect(await cli.json(['show', key.id])).toMatchObject({ status: 'revoked' });
  });

  test('no lock is held while a person thinks', async () => {
    const key = await cli.create('thinking');
    const meanwhile: (number | null)[] = [];
    const { exitCode } = await terminal(['revoke', key.id], {
      answers: [
        {
          when: '(y/N)',
          type: async () => {
            meanwhile.push((await cli.apikeys(['update', key.id, '--description', 'x'])).exitCode);
            return CTRL_C;
          },
        },
      ],
    });
    expect({ exitCode, meanwhile }).toEqual({ exitCode: 130, meanwhile: [0] });
  });
});

describe('tables', () => {
  test('fit the terminal, at any width from 40 to 200 columns', async () => {
    const owner = newOwner();
    await cli.create(`a name that is rather long ${'x'.repeat(60)} 🚀在庫`, ['--owner', owner]);
    for (const columns of [40, 80, 120, 200]) {
      const { output } = await terminal(['list', '--owner', owner], { columns, env: { NO_COLOR: '1' } });
      const { default: stringWidth } = await import('string-width');
      for (const line of output.split(/\r?\n/)) expect(stringWidth(line), line).toBeLessThanOrEqual(columns);
    }
  });

  test('a name put there by other means cannot move the cursor or forge a row', async () => {
    const key = await cli.create('hostile');
    const evil = '\u001b[2J\u001b[Hforged\u202e\n\tx';
    await cli.database.query('ALTER TABLE apikeys.keys DROP CONSTRAINT IF EXISTS keys_name_ok');
    await cli.database.query('UPDATE apikeys.keys SET name = $1 WHERE id = $2', [evil, key.id]);
    for (const args of [
      ['list', '--owner', key.owner_id],
      ['show', key.id],
    ]) {
      const { output } = await terminal(args, { env: { NO_COLOR: '1' } });
      expect(output).not.toContain('\u001b');
      expect(output).not.toContain('\u202e');
      expect(output).toContain('\\x1b');
    }
  });

  test('an empty list says what to do next', async () => {
    const { output, exitCode } = await terminal(['list', '--owner', newOwner()]);
    expect(exitCode).toBe(0);
    expect(output).toContain('No keys match');
  });
});

test('without any configuration a terminal gets the embedded database, and is told so', async () => {
  const { exitCode, output } = await runInTerminal(['list'], { env: { XDG_DATA_HOME: await dataHome() } });
  expect(exitCode).toBe(0);
  expect(output).toContain('uses the embedded one');
});
