import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataHome } from '../helpers/embedded.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();
const NOWHERE = 'postgres://u:p@127.0.0.1:1/nowhere';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-database-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const file = async (text: string, mode = 0o600): Promise<string> => {
  const path = join(folder, `${++files}.txt`);
  await writeFile(path, text, { mode });
  return path;
};

/** Whether this configuration leads to the test's database, and not to the one that is nowhere. */
const reaches = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<boolean> => {
  const { exitCode } = await runInProcess(['list', ...args], { env });
  if (exitCode !== 0 && exitCode !== 6) throw new Error(`exit ${exitCode}`);
  return exitCode === 0;
};

test('without a terminal and without a setting there is no database', async () => {
  for (const command of [['list'], ['create', 'ci', '--owner', 'alice'], ['migrate']]) {
    const home = await mkdtemp(join(folder, 'home-'));
    const result = await runInProcess([...command, '--json'], { home });
    expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
      exitCode: 2,
      code: 'NO_DATABASE',
    });
    expect(existsSync(join(home, '.local'))).toBe(false);
  }
});

test('each way to name the database outranks those after it', async () => {
  const good = cli.database.url;
  const goodFile = await file(`${good}\n`);
  const badFile = await file(NOWHERE);
  const goodYaml = await file(`apikeys:\n  database_url: ${good}\n`);
  const badYaml = await file(`apikeys:\n  database_url: ${NOWHERE}\n`);
  const ranks: readonly (readonly [args: readonly string[], env: Readonly<Record<string, string>>])[] = [
    [['--database-url-file', goodFile], { APIKEYS_DATABASE_URL_FILE: badFile }],
    [[], { APIKEYS_DATABASE_URL_FILE: goodFile, APIKEYS_DATABASE_URL: NOWHERE }],
    [[], { APIKEYS_DATABASE_URL: good, APIKEYS_CONFIG: badYaml }],
    [[], { APIKEYS_CONFIG: goodYaml, DATABASE_URL: NOWHERE }],
    [[], { DATABASE_URL: good, PGHOST: '127.0.0.1', PGPORT: '1' }],
  ];
  for (const [args, env] of ranks) expect({ env, ok: await reaches(args, env) }).toEqual({ env, ok: true });
});

test('libpq’s variables name a database', async () => {
  const { hostname, port, username, password, pathname } = new URL(cli.database.url);
  const env = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: pathname.slice(1),
  };
  expect(await reaches([], env)).toBe(true);
});

test.each([
  ['does not exist', undefined],
  ['is empty', ''],
  ['holds two lines', 'postgres://u:hunter2@h/d\npostgres://u:hunter2@h/e'],
  ['holds no URL', 'hunter2'],
])('a file of the database URL that %s is refused and not printed', async (_what, text) => {
  const path = text === undefined ? join(folder, 'absent') : await file(text);
  const result = await runInProcess(['list', '--database-url-file', path, '--json', '--debug']);
  expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
    exitCode: 2,
    code: 'INVALID_CONFIG',
  });
  expect(result.stderr).not.toContain('hunter2');
});

test('a file of the database URL that others may read is warned about, with the command that closes it', async () => {
  const path = join(folder, "a path that's longer than a message repeats of what it quotes.txt");
  await writeFile(path, cli.database.url, { mode: 0o644 });
  const list = () => runInProcess(['list', '--database-url-file', path]);
  const [, command = ''] = /^warning: .*; run: (chmod 600 .*)\n/.exec((await list()).stderr) ?? [];
  expect(await cli.shell(command)).toMatchObject({ exitCode: 0 });
  expect((await list()).stderr).toBe('');
});

test('--embedded and --database-url-file exclude each other', async () => {
  const result = await runInProcess(['list', '--embedded', '--database-url-file', '/x', '--json']);
  expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
    exitCode: 2,
    code: 'INVALID_USAGE',
  });
});

test('an embedded database without an absolute path is refused', async () => {
  const result = await runInProcess(['list', '--json'], { env: { APIKEYS_DATABASE_URL: 'embedded:here' } });
  expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
    exitCode: 2,
    code: 'INVALID_CONFIG',
  });
});

describe('blanks, line ends and byte order marks around it are no part of it:', () => {
  const around = (text: string): string[] => [`${text}\n`, ` \t${text}\r\n`, `\uFEFF${text} `];

  test('of a URL, wherever it stands', async () => {
    for (const url of around(cli.database.url)) {
      expect(await reaches([], { APIKEYS_DATABASE_URL: url })).toBe(true);
      expect(await reaches([], { DATABASE_URL: url })).toBe(true);
      expect(await reaches(['--database-url-file', await file(url)], {})).toBe(true);
    }
    const yaml = `apikeys:\n  database_url: |\n    ${cli.database.url}\n`;
    expect(await reaches([], { APIKEYS_CONFIG: await file(yaml) })).toBe(true);
    const utf16 = join(folder, 'utf16');
    await writeFile(utf16, Buffer.from(`\uFEFF${cli.database.url}\r\n`, 'utf16le'), { mode: 0o600 });
    expect(await reaches(['--database-url-file', utf16], {})).toBe(true);
  });

  test('of a path', async () => {
    const path = await file(cli.database.url);
    for (const blank of around(path)) {
      expect(await reaches([], { APIKEYS_DATABASE_URL_FILE: blank })).toBe(true);
      expect(await reaches(['--database-url-file', blank], {})).toBe(true);
    }
  });

  test('of the embedded folder', async () => {
    const place = join(folder, 'blank');
    for (const url of around(`embedded:${place}`)) {
      const doctor = await runInProcess(['doctor', '--json'], { env: { APIKEYS_DATABASE_URL: url } });
      expect(JSON.parse(doctor.stdout).database.place).toBe(place);
    }
  });
});

test.each([
  [{ APIKEYS_DATABASE_URL: 'embedded:/srv/keys?x=1' }, []],
  [{ APIKEYS_DATABASE_URL: 'embedded:/srv/keys?x=1' }, ['--embedded']],
  [{ DATABASE_URL: 'embedded:keys' }, []],
  [{ APIKEYS_DATABASE_URL_FILE: 'postgres://u:hunter2@h/d' }, []],
  [{}, ['--database-url-file', 'postgres://u:hunter2@h/d']],
  [{ APIKEYS_CONFIG: 'postgres://u:hunter2@h/d' }, []],
  [
    {
      DATABASE_URL: 'postgres://u@h/d',
      PGPASSFILE: 'x',
      PGSERVICEFILE: 'postgres://u:hunter2@h/d',
      PGSERVICE: 's',
    },
    [],
  ],
])('%j %j is refused, and no password is shown', async (env, args) => {
  const result = await runInProcess(['list', '--json', ...args], { env });
  expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
    exitCode: 2,
    code: 'INVALID_CONFIG',
  });
  expect(result.stderr).not.toContain('hunter2');
});

describe('the embedded database', () => {
  test('is where APIKEYS_DATABASE_URL says, migrates itself and keeps its keys', async () => {
    const place = join(folder, 'embedded');
    const env = { APIKEYS_DATABASE_URL: `embedded:${place}` };
    const made = await runInProcess(['create', 'ci', '--owner', newOwner(), '-q'], { env });
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    expect(existsSync(join(place, 'data', 'PG_VERSION'))).toBe(true);
    // --embedded means the same folder, not the usual one.
    const listed = await runInProcess(['list', '--embedded', '-o', 'ndjson'], { env });
    expect(JSON.parse(listed.stdout).key_prefix).toBe(made.stdout.slice(0, 11));
  });

  test('with --embedded alone is in the user’s data folder', async () => {
    const XDG_DATA_HOME = await dataHome();
    const url = `embedded:${join(XDG_DATA_HOME, 'apikeys')}`;
    await runInProcess(['create', 'ci', '--owner', newOwner()], { env: { APIKEYS_DATABASE_URL: url } });
    const env = { DATABASE_URL: NOWHERE, XDG_DATA_HOME };
    const { exitCode, stdout } = await runInProcess(['list', '--embedded', '--count'], { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '1\n' });
  });
});
