import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locationOf, serverSettings, tlsOf } from '../../../src/db/server/server-settings.js';
import { ApiKeysError } from '../../../src/errors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-service-'));
});
afterAll(() => rm(folder, { recursive: true }));

const refusal = (url: string | undefined, env = {}): string => {
  try {
    serverSettings(url, env);
  } catch (error) {
    if (error instanceof ApiKeysError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('accepted');
};

describe('several hosts', () => {
  test.each([
    ['postgres://u:p@a:1,b:2/d', {}, ['a:1', 'b:2']],
    ['postgres://u@a,b/d?port=7', {}, ['a:7', 'b:7']],
    ['postgres://u@a,b:6/d', {}, ['a:5432', 'b:6']],
    ['postgres://u@[::1]:5433,%2Ftmp/d', {}, ['[::1]:5433', '/tmp:5432']],
    ['postgres://u@/d?host=a,/tmp,::1&port=1,,3', {}, ['a:1', '/tmp:5432', '[::1]:3']],
    ['postgres://u@/d', { PGHOST: 'a,b', PGPORT: '1,2' }, ['a:1', 'b:2']],
  ])('%s with %o are tried in their order', (url, env, places) => {
    const settings = serverSettings(url, env);
    expect(locationOf(settings)).toBe(`${places.join(',')}/d`);
  });

  test('may have to take changes', () => {
    const sessions = (url: string, env = {}) => serverSettings(url, env).sessions;
    expect(sessions('postgres://u@a,b/d')).toBe('any');
    expect(sessions('postgres://u@a,b/d?target_session_attrs=read-write')).toBe('read-write');
    expect(sessions('postgres://u@a,b/d', { PGTARGETSESSIONATTRS: 'primary' })).toBe('primary');
    expect(refusal('postgres://u@a,b/d?target_session_attrs=prefer-standby')).toContain('primary server');
  });

  test('are encrypted each by its own place', () => {
    const settings = serverSettings('postgres://u@localhost,db.example.com/d', {});
    expect(settings.hosts.map(({ ssl }) => ssl !== false)).toEqual([false, true]);
    expect(tlsOf(settings)).toBe(true);
    expect(tlsOf(serverSettings('postgres://u@localhost,h/d?sslmode=disable', {}))).toBe(false);
    expect(tlsOf(serverSettings('postgres://u@localhost,::1/d'.replace('::1', '[::1]'), {}))).toBe(null);
  });
});

describe('hostaddr', () => {
  test('says where, and the host says whose certificate it is', () => {
    const { hosts } = serverSettings('postgres://u@db.example.com/d?hostaddr=10.0.0.9', {});
    expect(hosts).toMatchObject([
      { host: 'db.example.com', address: '10.0.0.9', ssl: { servername: 'db.example.com' } },
    ]);
  });

  test('is the host where none is named, and of the environment too', () => {
    expect(serverSettings('postgres://u@/d?hostaddr=10.0.0.9', {}).hosts).toMatchObject([
      { host: '10.0.0.9' },
    ]);
    expect(serverSettings(undefined, { PGHOST: 'h', PGHOSTADDR: '::1', PGUSER: 'u' }).hosts).toMatchObject([
      { host: 'h', address: '::1', ssl: false },
    ]);
  });
});

describe('a service', () => {
  const SERVICE = `# of the team
[other]
host=elsewhere
[mine]
host=db.example.com
port=5433
dbname=t1
user=ann
password=p=w#1
sslmode=disable
`;
  const file = async (text: string, name = `${Math.random()}`): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  test('gives what the URL leaves out, before the variables', async () => {
    const PGSERVICEFILE = await file(`\uFEFF${SERVICE.replaceAll('\n', '\r\n')}`);
    const env = { PGSERVICEFILE, PGDATABASE: 'not', PGAPPNAME: 'cron' };
    const expected = { database: 't1', user: 'ann', password: 'p=w#1', application_name: 'cron' };
    for (const settings of [
      serverSettings('postgres:///?service=mine', env),
      serverSettings(undefined, { ...env, PGSERVICE: ' mine\n' }),
    ]) {
      expect(settings).toMatchObject(expected);
      expect(locationOf(settings)).toBe('db.example.com:5433/t1');
    }
    expect(locationOf(serverSettings('postgres://bob@localhost/t2?service=mine', env))).toBe(
      'localhost:5433/t2',
    );
  });

  test('is looked for in the home, then in the folder of the system', async () => {
    const home = await mkdtemp(join(folder, 'home-'));
    const system = await mkdtemp(join(folder, 'system-'));
    await mkdir(system, { recursive: true });
    await writeFile(join(home, '.pg_service.conf'), '[users]\nhost=a\n');
    await writeFile(join(system, 'pg_service.conf'), '[users]\nhost=b\n[systems]\nhost=c\n');
    const hostOf = (service: string) =>
      serverSettings(`postgres://u@/d?service=${service}`, { HOME: home, PGSYSCONFDIR: system }).hosts[0]
        ?.host;
    expect([hostOf('users'), hostOf('systems')]).toEqual(['a', 'c']);
  });

  test.each([
    ['[other]\n', 'no service file has it'],
    ['[mine]\nhost\n', 'line 2'],
    ['[mine]\nsslmod=disable\n', 'did you mean sslmode?'],
    ['[mine]\nservice=other\n', 'another service'],
    ['[mine]\nport=hunter2\n', 'its port'],
    ['[mine]\nsslcrl=/x\n', 'sslcrl'],
  ])('%j is refused', async (text, why) => {
    const message = refusal('postgres://u@/d?service=mine', { PGSERVICEFILE: await file(text) });
    expect(message).toMatch(/^INVALID_CONFIG: the service "mine" is not usable/);
    expect(message).toContain(why);
    expect(message).not.toContain('hunter2');
  });

  test('of a file that is not there is refused', () => {
    expect(refusal('postgres://u@/d?service=mine', { PGSERVICEFILE: join(folder, 'absent') })).toContain(
      'absent',
    );
  });
});

test.each([
  ['postgres://u@h/?dbname=t1', { database: 't1' }],
  ['postgres://u@h/postgres?dbname=t1', { database: 't1' }],
  ['postgres://u@h/a%2Fb', { database: 'a/b' }],
  ['postgres://u@h/d?options=-c%20role%3Dr', { options: '-c role=r' }],
  ['postgres://u@h/d?passfile=/p', { passwordFile: '/p' }],
  ['postgres://u@h/d?channel_binding=require', { requireBinding: true }],
  ['postgres://u@h/d?channel_binding=prefer', { requireBinding: false }],
  [' \uFEFFpostgres://u@h/d \r\n', { database: 'd' }],
  ['postgres://u@h/d?pgbouncer=true&uselibpqcompat=true&sslmode=require', { database: 'd' }],
])('%s is heeded', (url, expected) => {
  expect(serverSettings(url, {})).toMatchObject(expected);
});

test.each([
  ['sslmod=require', 'sslmod is not known; did you mean sslmode?'],
  ['hostadr=::1', 'did you mean hostaddr?'],
  ['traget_session_attrs=any', 'did you mean target_session_attrs?'],
  ['schema=public', "schema is not heeded here: the tables are in the schema 'apikeys'"],
  ['sslcrl=/x', 'sslcrl is not heeded here'],
])('%s is refused by its name', (parameter, why) => {
  expect(refusal(`postgres://u:p@h/d?${parameter}`)).toContain(why);
});
