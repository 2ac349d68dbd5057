import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKS } from '../../src/domain/health.js';
import { doctorSchema } from '../../src/representation/schemas/doctor.js';
import { type TestDatabase, testDatabase, testRole } from '../helpers/database.js';
import { dataHome } from '../helpers/embedded.js';
import { runInProcess } from '../helpers/run-in-process.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

async function examine(env: Readonly<Record<string, string>>, ...args: string[]) {
  const result = await runInProcess(['doctor', '--json', ...args], { env });
  return { ...result, document: doctorSchema.parse(JSON.parse(result.stdout)) };
}

const statusOf = (document: Awaited<ReturnType<typeof examine>>['document'], name: string) =>
  document.checks.find((check) => check.name === name)?.status;

test('a database in good order is ok, and the sources of the configuration are told', async () => {
  const { exitCode, stderr, document } = await examine(
    { APIKEYS_DATABASE_URL: database.url, APIKEYS_PREFIX: 'ci_' },
    '--tenant',
    'acme',
  );
  expect({ exitCode, stderr, ok: document.ok }).toEqual({ exitCode: 0, stderr: '', ok: true });
  expect(document.schema?.state).toBe('current');
  expect(document.config).toContainEqual({ name: 'APIKEYS_PREFIX', value: 'ci_', source: 'APIKEYS_PREFIX' });
  expect(document.config).toContainEqual({ name: 'APIKEYS_TENANT', value: 'acme', source: '--tenant' });
  expect(document.config).toContainEqual({ name: 'APIKEYS_RETENTION', value: '30d', source: 'default' });
});

test('no password is shown', async () => {
  const password = new URL(database.url).password;
  const { stdout } = await runInProcess(['doctor', '-o', 'table'], {
    env: { APIKEYS_DATABASE_URL: database.url },
  });
  expect(password).not.toBe('');
  expect(stdout).not.toContain(password);
});

test('the exit code is that of the first real problem', async () => {
  const empty = await testDatabase({ migrated: false });
  try {
    const missing = await examine({ APIKEYS_DATABASE_URL: empty.url });
    expect({ exitCode: missing.exitCode, schema: statusOf(missing.document, 'schema') }).toEqual({
      exitCode: 7,
      schema: 'fail',
    });
  } finally {
    await empty.drop();
  }
  const away = await examine({ APIKEYS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect({ exitCode: away.exitCode, ok: away.document.ok }).toEqual({ exitCode: 6, ok: false });
  const wrong = new URL(database.url);
  wrong.password = 'wrong';
  expect((await examine({ APIKEYS_DATABASE_URL: wrong.href })).exitCode).toBe(9);
});

test('keys that expire soon and an overdue cleanup are warnings, not failures', async () => {
  const env = { APIKEYS_DATABASE_URL: database.url };
  await runInProcess(['create', 'soon', '--owner', 'alice', '--expires', '2d'], { env });
  await runInProcess(['create', 'dead', '--owner', 'alice', '--expires', '2d'], { env });
  await database.query("UPDATE apikeys.keys SET expires_at = now() - interval '60 days' WHERE name = 'dead'");
  const { exitCode, document } = await examine(env);
  expect({ exitCode, expiring: document.expiring_keys, overdue: document.overdue_keys }).toEqual({
    exitCode: 0,
    expiring: 1,
    overdue: 1,
  });
  expect([statusOf(document, 'expiry'), statusOf(document, 'cleanup')]).toEqual(['warn', 'warn']);
});

test('on the embedded database it tells the folder and its size', async () => {
  const { exitCode, document } = await examine({ XDG_DATA_HOME: await dataHome() }, '--embedded');
  expect(exitCode).toBe(0);
  expect(document.database.place).toMatch(/apikeys$/);
  expect(document.database.size_bytes).toBeGreaterThan(1_000_000);
});

test('what was not looked at is told as such, and is not ok', async () => {
  const role = await testRole(database);
  const nobody = await testRole(database);
  try {
    const env = { APIKEYS_DATABASE_URL: database.url };
    await runInProcess(['grants', '--role', role.name, '--as', 'verifier', '--apply'], { env });
    const { exitCode, document } = await examine({ APIKEYS_DATABASE_URL: role.url });
    expect({ exitCode, expiring: document.expiring_keys, overdue: document.overdue_keys }).toEqual({
      exitCode: 0,
      expiring: null,
      overdue: null,
    });
    expect([statusOf(document, 'expiry'), statusOf(document, 'cleanup')]).toEqual(['skip', 'skip']);

    const none = await examine({ APIKEYS_DATABASE_URL: nobody.url });
    expect(none.exitCode).toBe(9);
    expect(none.document.schema).toBe(null);
    const skipped = none.document.checks.filter(({ status }) => status === 'skip').map(({ name }) => name);
    expect(skipped).toEqual(['privileges', 'policy', 'expiry', 'cleanup']);
    expect(statusOf(none.document, 'schema')).toBe('fail');
  } finally {
    await role.drop();
    await nobody.drop();
  }
  const { document } = await examine({ APIKEYS_DATABASE_URL: 'postgres://u@127.0.0.1:1/d' });
  expect(new Set(document.checks.map(({ status }) => status))).toEqual(new Set(['fail', 'skip']));
  expect(document.checks.map(({ name }) => name)).toEqual(CHECKS);
});

test('the counts are those of the tenant', async () => {
  const env = { APIKEYS_DATABASE_URL: database.url };
  for (const name of ['a', 'b']) {
    await runInProcess(['create', name, '--owner', 'o', '--expires', '2d', '--tenant', 'acme'], { env });
  }
  await runInProcess(['create', 'c', '--owner', 'o', '--expires', '2d', '--tenant', 'other'], { env });
  await database.query("UPDATE apikeys.keys SET expires_at = now() - interval '60 days' WHERE name = 'a'");
  const { document } = await examine(env, '--tenant', 'acme');
  expect([document.expiring_keys, document.overdue_keys]).toEqual([1, 1]);
});

test('row level security is a problem for those whom it binds, and told to all others', async () => {
  const role = await testRole(database);
  const env = { APIKEYS_DATABASE_URL: database.url };
  await runInProcess(['grants', '--role', role.name, '--as', 'admin', '--apply'], { env });
  await database.query('ALTER TABLE apikeys.keys ENABLE ROW LEVEL SECURITY');
  try {
    const owner = await examine(env);
    expect([owner.exitCode, statusOf(owner.document, 'row-security')]).toEqual([0, 'warn']);
    expect(owner.document.row_security).toEqual(['keys']);
    const bound = await examine({ APIKEYS_DATABASE_URL: role.url });
    expect([bound.exitCode, statusOf(bound.document, 'row-security')]).toEqual([9, 'fail']);
    expect(statusOf(bound.document, 'expiry')).toBe('skip');
  } finally {
    await database.query('ALTER TABLE apikeys.keys DISABLE ROW LEVEL SECURITY');
    await role.drop();
  }
});

test('an encoding other than UTF-8 is told', async () => {
  const other = await testDatabase({ migrated: false, encoding: 'LATIN1' });
  try {
    const { document } = await examine({ APIKEYS_DATABASE_URL: other.url });
    expect(document.database.encoding).toBe('LATIN1');
    expect(statusOf(document, 'encoding')).toBe('warn');
  } finally {
    await other.drop();
  }
});

test('the files that were looked at are told, and a line that sums up', async () => {
  const env = { APIKEYS_DATABASE_URL: database.url };
  const { document } = await examine({ ...env, XDG_CONFIG_HOME: '/nowhere' });
  expect(document.files).toEqual([
    { path: '/nowhere/apikeys/config.yaml', found: false },
    { path: '/etc/apikeys/config.yaml', found: false },
  ]);
  const { stdout } = await runInProcess(['doctor', '-o', 'table'], { env });
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
    /^(\d+ warnings?, )?\d+ ok\.$|^All \d+ checks are ok\.$/,
  );
});
