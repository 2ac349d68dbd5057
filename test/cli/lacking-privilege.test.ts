import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../helpers/database.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { errorOf } from './apikeys.js';

let database: TestDatabase;
let empty: TestDatabase;
let role: TestRole;
let secret: string;
const as = (url: string, args: readonly string[], input?: string) =>
  runInProcess([...args, '--json'], { env: { APIKEYS_DATABASE_URL: url }, ...(input && { input }) });

beforeAll(async () => {
  database = await testDatabase();
  empty = await testDatabase({ migrated: false });
  role = await testRole(database);
  const made = await as(database.url, ['create', 'a', '--owner', 'o']);
  secret = JSON.parse(made.stdout).api_key;
});
afterAll(async () => {
  await empty.drop();
  await database.drop();
  await role.drop();
});

test.each([
  [['list']],
  [['show', 'a']],
  [['revoke', 'a', '--yes']],
  [['audit']],
  [['cleanup']],
  [['migrate']],
  [['usage']],
])('a role without any privilege is named, with the command that would help: %j', async (args) => {
  const result = await as(role.url, args);
  expect(result.exitCode).toBe(9);
  expect(errorOf(result)).toMatchObject({
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining(`"${role.name.slice(0, 20)}`),
    hint: expect.stringContaining(`apikeys grants --role ${role.name} --as `),
  });
  expect(errorOf(result).message).toContain('on the schema apikeys');
});

test('verify, and the table that a role may not change, are told likewise', async () => {
  expect(errorOf(await as(role.url, ['verify'], secret)).hint).toContain('apikeys grants');
  const auditor = await testRole(database);
  try {
    await as(database.url, ['grants', '--role', auditor.name, '--as', 'auditor', '--apply']);
    const refused = errorOf(await as(auditor.url, ['revoke', 'a', '--yes']));
    expect(refused.message).toMatch(/on the table apikeys\.\w+/);
    expect(errorOf(await as(auditor.url, ['verify'], secret)).message).toMatch(/on the table apikeys\.\w+/);
  } finally {
    await auditor.drop();
  }
});

test('what migrate lacks is the right to make a schema', async () => {
  const url = new URL(role.url);
  url.pathname = `/${empty.name}`;
  const result = await as(url.href, ['migrate']);
  expect(result.exitCode).toBe(9);
  expect(errorOf(result).message).toContain(`database ${empty.name}`);
  expect(errorOf(result).hint).toContain(`GRANT CREATE ON DATABASE "${empty.name}" TO "${role.name}"`);
});

test('a role that may not connect is told so', async () => {
  await empty.query(`REVOKE CONNECT ON DATABASE ${empty.name} FROM PUBLIC`);
  const url = new URL(role.url);
  url.pathname = `/${empty.name}`;
  const result = await as(url.href, ['list']);
  expect(result.exitCode).toBe(9);
  expect(errorOf(result).hint).toContain(`GRANT CONNECT ON DATABASE "${empty.name}" TO "${role.name}"`);
});

test('row level security is an error in every command, never an empty answer', async () => {
  const admin = await testRole(database);
  await as(database.url, ['grants', '--role', admin.name, '--as', 'admin', '--apply']);
  try {
    for (const table of ['keys', 'secrets', 'owners', 'audit_events']) {
      await database.query(`ALTER TABLE apikeys.${table} ENABLE ROW LEVEL SECURITY`);
      const commands = [
        ['list', '--count'],
        ['revoke', 'a', '--yes'],
        ['cleanup'],
        ['audit', 'verify'],
        ['audit'],
      ];
      const touched = table === 'audit_events' ? commands.slice(3) : commands.slice(0, 3);
      for (const args of touched) {
        const result = await as(admin.url, args);
        expect({ table, args, exitCode: result.exitCode }).toEqual({ table, args, exitCode: 9 });
        expect(errorOf(result).hint).toContain('DISABLE ROW LEVEL SECURITY');
      }
      if (table !== 'audit_events') expect((await as(admin.url, ['verify'], secret)).exitCode).toBe(9);
      const { stderr } = await runInProcess(['migrate', '-o', 'tsv'], {
        env: { APIKEYS_DATABASE_URL: database.url },
      });
      expect(stderr).toContain(`row level security is on for ${table}`);
      await database.query(`ALTER TABLE apikeys.${table} DISABLE ROW LEVEL SECURITY`);
    }
  } finally {
    await admin.drop();
  }
});
