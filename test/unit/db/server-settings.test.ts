import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { locationOf, serverSettings } from '../../../src/db/server/server-settings.js';
import { ApiKeysError } from '../../../src/errors.js';

const LOCAL = { ssl: false, application_name: 'apikeys' };

/** The settings of a server with one host, flat. */
function settingsOf(url: string | undefined, env = {}) {
  const { hosts, sessions: _sessions, requireBinding: _requireBinding, ...rest } = serverSettings(url, env);
  const [host] = hosts;
  if (host === undefined || hosts.length > 1) throw new Error('not one host');
  return { ...host, ...rest };
}

function refusal(url: string, env = {}): ApiKeysError {
  try {
    serverSettings(url, env);
  } catch (error) {
    if (error instanceof ApiKeysError) return error;
    throw error;
  }
  throw new Error(`accepted: ${url}`);
}

describe('a database URL', () => {
  test.each([
    ['postgres://ann:pw@localhost:5433/app', { user: 'ann', password: 'pw', port: 5433, database: 'app' }],
    ['postgresql://ann@localhost', { user: 'ann', port: 5432, database: 'ann' }],
    [
      'postgres://localhost?user=ann&password=pw',
      { user: 'ann', password: 'pw', port: 5432, database: 'ann' },
    ],
    [
      'postgres://a%40b:p%3A%2F%3F%23%5B%5D%40%25%20%2B+@localhost/d%20b',
      { user: 'a@b', password: 'p:/?#[]@% ++', port: 5432, database: 'd b' },
    ],
  ])('%s is read, its escapes undone', (url, expected) => {
    expect(settingsOf(url, {})).toEqual({ host: 'localhost', ...LOCAL, ...expected });
  });

  test.each([
    ['postgres://u@[::1]:5433/app', '::1', 5433, '[::1]:5433/app'],
    ['postgres://u@db.example.com/app', 'db.example.com', 5432, 'db.example.com:5432/app'],
    ['postgres://u@%2Ftmp%2Fpg/app', '/tmp/pg', 5432, '/tmp/pg:5432/app'],
    ['postgres://u@/app?host=/tmp/pg&port=5433', '/tmp/pg', 5433, '/tmp/pg:5433/app'],
  ])('%s leads to a host, or a socket', (url, host, port, place) => {
    const settings = serverSettings(url, {});
    expect(settings.hosts).toMatchObject([{ host, port }]);
    expect(locationOf(settings)).toBe(place);
  });

  test.each([
    ['mysql://u:hunter2@h/d', 'does not start with postgres://'],
    ['h/d?password=hunter2', 'does not start with postgres://'],
    ['postgres://u:hunter2@h:0/d', 'port'],
    ['postgres://u:hunter2@h:99999/d', 'cannot be read'],
    ['postgres://u:hunter2@h:abc/d', 'cannot be read'],
    ['postgres://u:hunter2#@h/d', 'cannot be read'],
    ['postgres://u:hunter2@h/d?sslmode=no-verify', 'sslrootcert'],
    ['postgres://u:hunter2@h/d?ssl=false', 'sslmode=disable'],
    ['postgres://u:hunter2@a,b/d?port=1,2,3', '3 numbers for 2 hosts'],
    ['postgres://u:hunter2@a,b/d?hostaddr=127.0.0.1', '1 addresses for 2 hosts'],
    ['postgres://u:hunter2@a/d?hostaddr=a', 'no IP address'],
    ['postgres://u:hunter2@a/d?target_session_attrs=standby', 'primary'],
    ['postgres://u:hunter2@a/d?connect_timeout=soon', 'seconds'],
    ['postgres://u:hunter2@a/d\nb', 'line end'],
    ['postgres://u:hunter2@h/d?sslmode=never', 'sslmode'],
    ['postgres://u:hunter2@h/d?sslrootcert=/nowhere/hunter2', 'sslrootcert'],
  ])('%s is refused, and not repeated', (url, why) => {
    const error = refusal(url);
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message).toContain(why);
    expect(JSON.stringify([error.message, hintOf(error), error.details, error.stack])).not.toContain(
      'hunter2',
    );
  });

  test.each([
    ['a slash too many', 'postgres:///app:hunter2@127.0.0.1:5432/d'],
    ['a raw slash in a password that begins with digits', 'postgres://app:7/hunter2@127.0.0.1:5432/d'],
    ['a raw question mark in it', 'postgres://app:7?hunter2@127.0.0.1:5432/d'],
    ['a raw question mark and an equals sign', 'postgres://app:7?hunter2=x@127.0.0.1:5432/d'],
    ['a raw number sign in it', 'postgres://app:7#hunter2@127.0.0.1:5432/d'],
    ['two slashes too many', 'postgres:////app:hunter2@127.0.0.1/d'],
    ['user and password alone after the slashes', 'postgres:///app:hunter2'],
    ['everything encoded', 'postgres://app%3Ahunter2%40127.0.0.1%3A5432/d'],
    ['an encoded @', 'postgres://app:hunter2%40127.0.0.1/d'],
    ['a parameter whose name is a piece of it', 'postgres://u:p@h/d?hunter2'],
    ['no host, and a question mark in the password', 'postgres://u:7?hunterhunter'],
    ['a database that is a URL, encoded', 'postgres://h/app%3Ahunter2%40db%2Fd'],
    ['one slash', 'postgres:/app:hunter2@h/d'],
    ['two colons', 'postgres://app:x:hunter2:5432/d'],
    ['a wrong escape', 'postgres://app:hunter2%zz@h/d%zz'],
    ['a comma in a password without a host', 'postgres://app:x,hunter2:y/d'],
  ])('with %s is refused, and no part of the password is told', (_what, url) => {
    const error = refusal(url);
    expect(error.code).toBe('INVALID_CONFIG');
    expect(JSON.stringify([error.message, hintOf(error), error.details, error.stack])).not.toMatch(/hunter/);
  });

  test.each([
    'sslcrl=/x',
    'database=other',
    'keepalives=1',
    'connection_limit=1',
    'load_balance_hosts=random',
    'nobody_knows_this=1',
    'service=nosuch',
    'sslmod=verify-full',
    'schema=public',
  ])('with the parameter %s is refused by its name', (parameter) => {
    const error = refusal(`postgres://u@h/d?sslmode=require&${parameter}`);
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message).toContain(parameter.split('=')[0]);
  });

  test('may ask for what is done anyhow, and name the sessions', () => {
    const url =
      'postgres://u@h/d?target_session_attrs=any&channel_binding=prefer&application_name=x&connect_timeout=3';
    expect(settingsOf(url, {})).toMatchObject({ application_name: 'x', connectTimeout: 3_000 });
  });

  test('with one parameter twice is refused', () => {
    expect(refusal('postgres://u@h/d?sslmode=disable&sslmode=require').message).toContain('sslmode twice');
  });

  test('has no password in what people see', () => {
    expect(locationOf(serverSettings('postgres://u:hunter2@h/d', {}))).toBe('h:5432/d');
  });
});

describe("libpq's variables", () => {
  const env = {
    PGHOST: '127.0.0.1',
    PGPORT: '5433',
    PGUSER: 'ann',
    PGPASSWORD: 'pw',
    PGDATABASE: 'app',
    PGAPPNAME: 'cron',
  };

  test('stand in for a URL', () => {
    expect(settingsOf(undefined, env)).toEqual({
      host: '127.0.0.1',
      port: 5433,
      user: 'ann',
      password: 'pw',
      database: 'app',
      ssl: false,
      application_name: 'cron',
    });
  });

  test('fill in what a URL leaves out, and nothing else', () => {
    expect(settingsOf('postgres://bob@localhost:5434', env)).toEqual({
      host: 'localhost',
      port: 5434,
      user: 'bob',
      password: 'pw',
      database: 'app',
      ssl: false,
      application_name: 'cron',
    });
  });

  test('that are missing have defaults', () => {
    const user = userInfo().username;
    expect(settingsOf(undefined, {})).toEqual({
      host: 'localhost',
      port: 5432,
      database: user,
      user,
      ...LOCAL,
    });
  });

  test('that are empty count as missing', () => {
    expect(settingsOf('postgres://u@localhost', { PGPORT: '', PGDATABASE: '', PGPASSWORD: '' })).toEqual({
      host: 'localhost',
      port: 5432,
      database: 'u',
      user: 'u',
      ...LOCAL,
    });
  });

  test('name the mode of TLS', () => {
    expect(settingsOf('postgres://u@localhost', { PGSSLMODE: 'require' }).ssl).not.toBe(false);
    expect(settingsOf('postgres://u@h.example', { PGSSLMODE: 'disable' }).ssl).toBe(false);
    expect(settingsOf('postgres://u@h.example?sslmode=require', { PGSSLMODE: 'disable' }).ssl).not.toBe(
      false,
    );
  });

  test.each([
    ['PGPORT', 'x'],
    ['PGHOST', 'postgres://u:hunter2@h/d'],
    ['PGDATABASE', 'postgres://u:hunter2@h/d'],
    ['PGHOSTADDR', 'db.example.com'],
    ['PGHOSTADDR', 'postgres://u:hunter2@h/d'],
    ['PGDATABASE', 'postgres%3A//u:hunter2@h/d'],
    ['PGREQUIRESSL', '1'],
    ['PGLOADBALANCEHOSTS', 'random'],
    ['PGCHANNELBINDING', 'always'],
    ['PGSSLNEGOTIATION', 'direct'],
    ['PGSSLNEGOTIATION', 'nonsense'],
    ['PGSSLCRL', '/x'],
    ['PGTARGETSESSIONATTRS', 'standby'],
    ['PGREQUIREAUTH', 'scram-sha-256'],
    ['PGCONNECT_TIMEOUT', 'soon'],
  ])('that are not heeded or wrong are refused by name: %s=%s', (variable, value) => {
    const error = refusal('postgres://', { PGUSER: 'u', [variable]: value });
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message).toContain(variable);
    expect(error.message).not.toContain('hunter2');
  });

  test('that ask for what is done anyhow are no hindrance', () => {
    const settings = settingsOf('postgres://u@h', {
      PGSSLNEGOTIATION: 'postgres',
      PGTZ: 'UTC',
      PGOPTIONS: '-c x.y=1',
    });
    expect(settings.options).toBe('-c x.y=1');
  });
});

describe('TLS', () => {
  const local = ['localhost', '127.0.0.1', '127.9.9.9', '[::1]'];
  const remote = [
    'db.example.com',
    '10.0.0.1',
    '[2001:db8::1]',
    'localhost.example.com',
    '127.0.0.1.example.com',
  ];
  const sslOf = (host: string, query = '') => settingsOf(`postgres://u@${host}/d${query}`, {}).ssl;

  test.each(remote)('is used and verified to %s, whatever sslmode says but disable', (host) => {
    for (const query of ['', '?sslmode=allow', '?sslmode=prefer', '?sslmode=require', '?sslmode=verify-full'])
      expect(sslOf(host, query)).toMatchObject({ rejectUnauthorized: true });
    expect(sslOf(host, '?sslmode=disable')).toBe(false);
  });

  test.each(local)('is not used to %s, unless it is asked for', (host) => {
    for (const query of ['', '?sslmode=allow', '?sslmode=prefer', '?sslmode=disable'])
      expect(sslOf(host, query)).toBe(false);
    for (const query of ['?sslmode=require', '?sslmode=verify-ca', '?sslmode=verify-full', '?ssl=true'])
      expect(sslOf(host, query)).toMatchObject({ rejectUnauthorized: true });
  });

  test('is not used through a socket', () => {
    expect(settingsOf('postgres://u@/d?host=/tmp&sslmode=require', {}).ssl).toBe(false);
  });

  test('names the host that the certificate must be for, unless it is an address', () => {
    expect(sslOf('db.example.com')).toMatchObject({ servername: 'db.example.com' });
    expect(sslOf('10.0.0.1')).not.toHaveProperty('servername');
  });

  test('takes authority, certificate and key from files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'apikeys-tls-'));
    const file = (name: string) => {
      writeFileSync(join(folder, name), name);
      return join(folder, name);
    };
    const url = `postgres://u@h/d?sslrootcert=${file('ca')}&sslcert=${file('cert')}&sslkey=${file('key')}`;
    expect(settingsOf(url, {}).ssl).toMatchObject({ ca: 'ca', cert: 'cert', key: 'key' });
    expect(settingsOf('postgres://u@h/d', { PGSSLROOTCERT: file('other') }).ssl).toMatchObject({
      ca: 'other',
    });
    expect(settingsOf('postgres://u@h/d?sslrootcert=system', {}).ssl).not.toHaveProperty('ca');
    rmSync(folder, { recursive: true });
  });
});
