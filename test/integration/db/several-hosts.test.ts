import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { read } from '../../../src/db/transaction.js';
import { createApiKeys } from '../../../src/index.js';
import { readServer } from '../../../src/repository/server-facts.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { freePort } from '../../helpers/ports.js';
import { runApikeys } from '../../helpers/program.js';
import { startProxy } from '../../helpers/wire-proxy.js';

let database: TestDatabase;
let readOnly: TestDatabase;
let silent: Server;
beforeAll(async () => {
  database = await testDatabase();
  readOnly = await testDatabase();
  await database.query(`ALTER DATABASE ${readOnly.name} SET default_transaction_read_only = on`);
  silent = createServer().listen(0, '127.0.0.1');
});
afterAll(async () => {
  silent.close();
  await readOnly.drop();
  await database.drop();
});

/** The URL of the test's database with other hosts, each `host:port`. */
function urlOf(hosts: readonly string[], query = '', name = database.name): string {
  const { username, password } = new URL(database.url);
  return `postgres://${username}:${password}@${hosts.join(',')}/${name}${query}`;
}
const here = (): string => new URL(database.url).host;
const nowhere = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
const silence = (): string => {
  const address = silent.address();
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
};

const list = (url: string, env = {}) =>
  runApikeys(['list', '--json'], { env: { APIKEYS_DATABASE_URL: url, ...env } });
const codeOf = (stderr: string) => JSON.parse(stderr).error;

test('the first that answers is used, whatever the others do', async () => {
  expect(await list(urlOf([await nowhere(), here()]))).toMatchObject({ exitCode: 0 });
  expect(await list(urlOf([here(), await nowhere()]))).toMatchObject({ exitCode: 0 });
  expect(await list(urlOf([await nowhere(), 'nosuch.invalid:1', here()], '?sslmode=disable'))).toMatchObject({
    exitCode: 0,
  });
  expect(await list(urlOf([silence(), here()]))).toMatchObject({ exitCode: 0 });
});

test('none that answers is told host by host, and may be tried again', async () => {
  const [a, b] = [await nowhere(), await nowhere()];
  const { exitCode, stderr } = await list(urlOf([a, b]));
  expect({ exitCode, code: codeOf(stderr).code }).toEqual({ exitCode: 6, code: 'DATABASE_UNREACHABLE' });
  expect(codeOf(stderr).message).toContain(a);
  expect(codeOf(stderr).message).toContain(b);
});

test('a login that is refused is not tried elsewhere', async () => {
  const url = new URL(database.url);
  url.password = 'wrong';
  const { exitCode, stderr } = await list(url.href.replace(url.host, `${url.host},${silence()}`));
  expect({ exitCode, code: codeOf(stderr).code }).toEqual({ exitCode: 9, code: 'LOGIN_REFUSED' });
});

test('one that takes no changes is passed over if changes are wanted', async () => {
  const url = urlOf([here()], '?target_session_attrs=read-write', readOnly.name);
  const { exitCode, stderr } = await list(url);
  expect({ exitCode, code: codeOf(stderr).code }).toEqual({ exitCode: 6, code: 'DATABASE_READ_ONLY' });
  expect(await list(url.replace('read-write', 'primary'))).toMatchObject({ exitCode: 0 });
  expect(await list(url.replace('read-write', 'any'))).toMatchObject({ exitCode: 0 });
});

test('a pool whose first host is lost goes on with the next, for look-ups and changes', async () => {
  const { hostname, port } = new URL(database.url);
  const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
  const first = new URL(proxy.url(database.url)).host;
  const keys = createApiKeys({
    connectionString: urlOf([first, here()], '?target_session_attrs=read-write'),
    poolSize: 4,
    timeout: 5_000,
  });
  try {
    const { apiKey } = await keys.as({ actor: 'test' }).create({ name: 'a', owner: 'o' });
    await Promise.all(Array.from({ length: 16 }, () => keys.get('a')));
    await proxy.close();
    const answers = await Promise.all(Array.from({ length: 16 }, () => keys.verify(apiKey ?? '')));
    expect(answers.map(({ code }) => code)).toEqual(Array.from({ length: 16 }, () => 'VALID'));
    await keys.as({ actor: 'test' }).revoke({ keys: ['a'] });
    expect(await keys.verify(apiKey ?? '')).toMatchObject({ code: 'REVOKED' });
  } finally {
    await keys.close();
  }
});

test('hostaddr goes to the address, and the location stays the name', async () => {
  const { hostname, port } = new URL(database.url);
  const url = urlOf([`db.invalid:${port}`], `?hostaddr=${hostname}`);
  const timeouts = { connect: 5_000, lock: 5_000, statement: 5_000, answer: 5_000 };
  const engine = openServer({ settings: serverSettings(url, {}), timeouts });
  try {
    expect((await read(engine, readServer)).standby).toBe(false);
    expect(engine.location).toContain('db.invalid');
  } finally {
    await engine.close();
  }
});
