import { expect, test } from 'vitest';
import { runInProcess } from '../../helpers/run-in-process.js';

const told = async (...argv: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runInProcess(argv);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  return stderr;
};

test.each([
  ['ls', 'apikeys list'],
  ['delete', 'apikeys revoke'],
  ['rm', 'apikeys revoke'],
  ['get', 'apikeys show'],
  ['logs', 'apikeys audit'],
  ['config', 'apikeys doctor'],
  ['whoami', 'apikeys doctor'],
  ['version', 'apikeys --version'],
])('%s is called something else here', async (word, command) => {
  expect(await told(word)).toBe(`apikeys: unknown command '${word}'\nhint: Did you mean \`${command}\`?\n`);
});

test.each([
  ['an unknown option', ['list', '--database-url', 'postgres://app:sesame@db/app'], '--database-url-file'],
  ['one with a value', ['--database-url=postgres://app:sesame@db/app', 'list'], '--database-url-file'],
  ['one with a quote in its value', ["--databas-url=postgres://app:'sesame@db/app", 'list'], 'shows what'],
  ['one with a line break in its value', ['--databas-url=a\nsesame', 'list'], 'shows what'],
])('%s is refused without repeating what was given', async (_what, argv, hint) => {
  const stderr = await told(...argv);
  expect(stderr).toMatch(/^apikeys: unknown option '--databas/);
  expect(stderr).toContain(hint);
  expect(stderr).not.toContain('sesame');
});

test('-v and what the options of every command take are told where they are', async () => {
  expect(await told('-v')).toContain('`apikeys --version`');
  for (const argv of [
    ['list', '-o', 'yaml'],
    ['--color', 'maybe', 'list'],
  ]) {
    expect(await told(...argv)).toContain('hint: `apikeys help options` shows what it takes.');
  }
  expect(await told('list', '--status', 'dead')).toContain('hint: `apikeys help list` shows what there is.');
});

test.each([
  ['abc', '--limit: "abc" is not a whole number'],
  ['-1', '--limit: "-1" is not a whole number'],
  ['9007199254740991', '--limit: "9007199254740991" is too large'],
])('--limit %s names the option and what it takes', async (text, message) => {
  for (const command of ['list', 'audit', 'usage']) {
    const stderr = await told(command, '--limit', text);
    expect(stderr).toBe(`apikeys: ${message}\nhint: Write digits alone, at most nine of them.\n`);
  }
});

test('help on create names its argument as the usage does', async () => {
  const { stdout } = await runInProcess(['help', 'create']);
  expect(stdout).toMatch(/^Usage: apikeys create <name> --owner <owner>/);
  expect(stdout).not.toContain('[name]');
});
