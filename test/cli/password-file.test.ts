import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApiKeys } from '../../src/index.js';
import { runApikeys } from '../helpers/program.js';
import { errorOf, useCli } from './apikeys.js';

const cli = useCli();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-pgpass-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The URL of the test's database without its password, and the line of a password file that has it. */
function withoutPassword(): { url: string; line: string } {
  const url = new URL(cli.database.url);
  const password = decodeURIComponent(url.password).replaceAll(/[\\:]/g, '\\$&');
  url.password = '';
  return { url: url.href, line: `*:*:*:*:${password}\n` };
}

let files = 0;
async function passwordFile(text: string, mode = 0o600): Promise<string> {
  const path = join(folder, `${++files}`);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe("libpq's password file", () => {
  test('gives the password, and nothing is written to stderr', async () => {
    const { url, line } = withoutPassword();
    const env = { APIKEYS_DATABASE_URL: url, PGPASSFILE: await passwordFile(line) };
    for (const args of [
      ['list', '--json'],
      ['cleanup', '-q'],
    ]) {
      expect(await runApikeys(args, { env })).toMatchObject({ exitCode: 0, stderr: '' });
    }
    const strict = { ...env, NODE_OPTIONS: '--throw-deprecation' };
    expect(await runApikeys(['list'], { env: strict })).toMatchObject({ exitCode: 0 });
  });

  test('is found in the home', async () => {
    const { url, line } = withoutPassword();
    const home = await mkdtemp(join(folder, 'home-'));
    await writeFile(join(home, '.pgpass'), line, { mode: 0o600 });
    expect(await runApikeys(['list'], { env: { APIKEYS_DATABASE_URL: url }, home })).toMatchObject({
      exitCode: 0,
    });
  });

  test('that others may read, or that is no plain file, is not used, and one error says so', async () => {
    const { url, line } = withoutPassword();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    for (const [path, why] of [
      [await passwordFile(line, 0o644), 'others may read it'],
      [pipe, 'no plain file'],
    ] as const) {
      const result = await runApikeys(['list', '--json'], {
        env: { APIKEYS_DATABASE_URL: url, PGPASSFILE: path },
      });
      expect(result.exitCode).toBe(9);
      expect(errorOf(result)).toMatchObject({ code: 'LOGIN_REFUSED', message: expect.stringContaining(why) });
    }
  });

  test('without a line that fits leaves no password', async () => {
    const { url } = withoutPassword();
    const env = { APIKEYS_DATABASE_URL: url, PGPASSFILE: await passwordFile('elsewhere:*:*:*:x\n') };
    expect(errorOf(await runApikeys(['list', '--json'], { env })).code).toBe('LOGIN_REFUSED');
  });
});

describe("libpq's variables", () => {
  test.each([
    ['PGSSLNEGOTIATION', 'direct'],
    ['PGSSLNEGOTIATION', 'x'],
    ['PGSERVICE', 'mine'],
    ['PGHOSTADDR', 'db.example.com'],
    ['PGTARGETSESSIONATTRS', 'standby'],
  ])('%s=%s is refused by its name', async (variable, value) => {
    const result = await cli.apikeys(['list', '--json'], { env: { [variable]: value } });
    expect(result.exitCode).toBe(2);
    expect(errorOf(result)).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(variable === 'PGSERVICE' ? 'service' : variable),
    });
  });

  test('PGSERVICE alone is no reason to use another database', async () => {
    const result = await runApikeys(['list', '--json'], { env: { PGSERVICE: 'mine' } });
    expect(errorOf(result).code).toBe('INVALID_CONFIG');
  });

  test.each([
    ['NODE_PG_FORCE_NATIVE', '1'],
    ['PGREPLICATION', 'true'],
    ['PGCLIENT_ENCODING', 'LATIN1'],
    ['PGOPTIONS', '-c statement_timeout=60000'],
  ])('%s=%s does no harm', async (variable, value) => {
    expect(await cli.apikeys(['list'], { env: { [variable]: value } })).toMatchObject({ exitCode: 0 });
  });

  test('a PGOPTIONS that the server refuses is no defect of ours', async () => {
    const result = await cli.apikeys(['list', '--json'], { env: { PGOPTIONS: '-c nosuch=1' } });
    expect(result.exitCode).toBe(9);
    expect(errorOf(result).code).toBe('LOGIN_REFUSED');
  });

  test('a library heeds its options, and of these variables PGPASSWORD alone', async () => {
    const { url } = withoutPassword();
    const { hostname } = new URL(url);
    const set = {
      PGPASSWORD: decodeURIComponent(new URL(cli.database.url).password),
      PGOPTIONS: '-c nosuch=1',
      PGREPLICATION: 'true',
      PGSSLNEGOTIATION: 'direct',
      PGHOSTADDR: hostname,
      PGDATABASE: 'elsewhere',
    };
    for (const [name, value] of Object.entries(set)) vi.stubEnv(name, value);
    const keys = createApiKeys({ connectionString: url });
    try {
      expect(await keys.count()).toBeTypeOf('number');
    } finally {
      await keys.close();
      vi.unstubAllEnvs();
    }
  });
});
