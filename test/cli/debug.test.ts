import { expect, test } from 'vitest';
import { testRole } from '../helpers/database.js';
import { useCli } from './apikeys.js';

const cli = useCli();

/** Words that only the text of a statement or of the server's answer has. */
const SQL = /select |insert |update |\bwhere\b|\$1|violates|relation "|parameters?:/i;

test('a failure has no stack without --debug, and one with it', async () => {
  const plain = await cli.apikeys(['show', 'nobody']);
  const debug = await cli.apikeys(['show', 'nobody', '--debug']);
  expect(plain.stderr).not.toMatch(/\bat .+:\d+:\d+/);
  expect(debug.stderr).toMatch(/code: KEY_NOT_FOUND/);
  expect(debug.stderr).toMatch(/\bat .+:\d+:\d+/);
});

test('with --json the stack is in the error object, still the only thing on stderr', async () => {
  const { stderr } = await cli.apikeys(['show', 'nobody', '--json', '--debug']);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'KEY_NOT_FOUND',
    sql_state: null,
    stack: expect.arrayContaining([expect.stringMatching(/^at /)]),
  });
});

test('what the database said is reduced to its SQLSTATE, even with --debug', async () => {
  await cli.database.query(`ALTER TABLE apikeys.keys ADD CONSTRAINT canary CHECK (name <> 'canary-name')`);
  for (const form of [[], ['--json']]) {
    const args = [
      'create',
      'canary-name',
      '--owner',
      'canary-owner',
      '--description',
      'canary-text',
      '--debug',
    ];
    const { exitCode, stderr } = await cli.apikeys([...args, ...form]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('23514');
    expect(stderr).not.toMatch(SQL);
    expect(stderr).not.toMatch(/canary/);
  }
});

test('a missing privilege is told without the text of the statement', async () => {
  const role = await testRole(cli.database, { grants: ['USAGE ON SCHEMA apikeys'] });
  try {
    const env = { APIKEYS_DATABASE_URL: role.url };
    const { exitCode, stderr } = await cli.apikeys(['list', '--debug'], { env });
    expect(exitCode).toBe(9);
    expect(stderr).toContain('42501');
    expect(stderr).not.toMatch(SQL);
    expect(stderr).not.toContain(role.password);
  } finally {
    await role.drop();
  }
});
