import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROFILES, type Profile } from '../../src/domain/profiles.js';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../helpers/database.js';
import { runInProcess } from '../helpers/run-in-process.js';

const DONE = 0;
const REFUSED = 9;

let database: TestDatabase;
const roles = new Map<Profile, TestRole>();

const as = (profile: Profile, ...args: string[]) => {
  const role = roles.get(profile);
  if (role === undefined) throw new Error(`no role for ${profile}`);
  return runInProcess(args, { env: { APIKEYS_DATABASE_URL: role.url } });
};
const asOwner = (...args: string[]) => runInProcess(args, { env: { APIKEYS_DATABASE_URL: database.url } });

beforeAll(async () => {
  database = await testDatabase();
  for (const profile of PROFILES) {
    const role = await testRole(database);
    roles.set(profile, role);
    const { exitCode } = await asOwner('grants', '--role', role.name, '--as', profile, '--apply');
    expect(exitCode).toBe(DONE);
  }
  await asOwner('create', 'spare', '--owner', 'alice');
});
afterAll(async () => {
  await database.drop();
  for (const role of roles.values()) await role.drop();
});

describe('each role does its work and is refused the rest', () => {
  const COMMANDS: readonly [args: readonly string[], allowed: readonly Profile[]][] = [
    [['create', 'matrix', '--owner', 'alice'], ['admin']],
    [['list'], ['admin', 'auditor']],
    [
      ['list', '--unused-for', '1d', '--count'],
      ['admin', 'auditor'],
    ],
    [
      ['show', 'spare'],
      ['admin', 'auditor'],
    ],
    [['update', 'spare', '--description', 'x'], ['admin']],
    [['rotate', 'spare'], ['admin']],
    [['rotate', 'spare', '--end-grace'], ['admin']],
    [['scopes', 'spare', '--add', 'read'], ['admin']],
    [['freeze', 'spare', '--until', '1h'], ['admin']],
    [['unfreeze', 'spare'], ['admin']],
    [['freeze', '--owner', 'alice'], ['admin']],
    [['unfreeze', '--owner', 'alice'], ['admin']],
    [['usage'], ['admin', 'auditor']],
    [['usage', 'record', 'spare', '--requests', '1'], ['admin']],
    [['audit'], ['admin', 'auditor']],
    [
      ['audit', 'head'],
      ['admin', 'auditor'],
    ],
    [
      ['audit', 'verify'],
      ['admin', 'auditor'],
    ],
    [['cleanup'], ['admin']],
    [
      ['policy', '--tenant', 'acme'],
      ['admin', 'auditor', 'policy'],
    ],
    [['policy', 'set', '--max-keys', '1000'], ['policy']],
    [['policy', 'set', '--tenant', 'acme', '--scope', '*', '-q'], ['policy']],
    [['policy', 'unset', '--all'], ['policy']],
    [['migrate', '--status'], PROFILES],
    [['doctor'], PROFILES],
    [['revoke', 'matrix', '--yes'], ['admin']],
  ];
  for (const [args, allowed] of COMMANDS) {
    for (const profile of PROFILES) {
      const may = allowed.includes(profile);
      test(`${profile} ${may ? 'runs' : 'is refused'} ${args.join(' ')}`, async () => {
        const { exitCode, stderr, stdout } = await as(profile, ...args);
        expect({ exitCode, stderr: may ? '' : stderr }).toEqual({
          exitCode: may ? DONE : REFUSED,
          stderr: may ? '' : expect.stringMatching(/lacks a privilege/),
        });
        if (!may) expect(stdout).toBe('');
      });
    }
  }
});

test.each(PROFILES)('usage by import is the work of an admin, and of nobody else: %s', async (profile) => {
  const { url } = roles.get(profile) ?? {};
  const run = () =>
    runInProcess(['usage', 'import'], {
      env: { APIKEYS_DATABASE_URL: url ?? '' },
      input: '{"key":"spare"}\n',
    });
  const told = async () =>
    (await database.query(`SELECT actor FROM apikeys.audit_events WHERE action = 'usage.imported'`)).length;
  const before = await told();
  const { exitCode } = await run();
  expect(exitCode).toBe(profile === 'admin' ? DONE : REFUSED);
  expect(await told()).toBe(before + (profile === 'admin' ? 1 : 0));
});

describe('what no profile may do, whatever program it uses', () => {
  const FORBIDDEN: readonly [statement: string, profiles: readonly Profile[]][] = [
    ["UPDATE apikeys.audit_events SET actor = 'nobody'", PROFILES],
    ['DELETE FROM apikeys.audit_events', PROFILES],
    ['TRUNCATE apikeys.audit_events', PROFILES],
    ['ALTER TABLE apikeys.audit_events ADD COLUMN more text', PROFILES],
    ['CREATE TABLE apikeys.more (id integer)', PROFILES],
    ['UPDATE apikeys.schema_migrations SET version = 2', PROFILES],
    ['SELECT hash FROM apikeys.secrets', ['auditor', 'policy']],
    ['SELECT secret_hash FROM apikeys.keys', ['auditor', 'policy']],
    ['SELECT id FROM apikeys.keys', ['policy']],
    ['SELECT * FROM apikeys.audit_events', ['verifier', 'policy']],
    ['SELECT description FROM apikeys.keys', ['verifier']],
    ['UPDATE apikeys.keys SET revoked_at = NULL', ['verifier', 'auditor', 'policy']],
    ['UPDATE apikeys.owners SET frozen_at = NULL', ['verifier', 'auditor', 'policy']],
    ['UPDATE apikeys.owners SET max_keys = 0', ['verifier', 'auditor', 'policy']],
    ['DELETE FROM apikeys.secrets', ['verifier', 'auditor', 'policy']],
    ['UPDATE apikeys.policies SET max_keys = NULL', ['admin', 'verifier', 'auditor']],
    ['DELETE FROM apikeys.policies', PROFILES],
    ["INSERT INTO apikeys.policies (tenant_id) VALUES ('')", ['admin', 'verifier', 'auditor']],
    ['LOCK TABLE apikeys.policy_lock', ['verifier', 'auditor']],
    ['UPDATE apikeys.key_activity SET total_requests = 0', ['auditor']],
  ];
  for (const [statement, profiles] of FORBIDDEN) {
    for (const profile of profiles) {
      test(`${profile}: ${statement}`, async () => {
        await expect(
          database.query(
            `DO $$ BEGIN EXECUTE 'SET LOCAL ROLE ${roles.get(profile)?.name}'; EXECUTE $s$${statement}$s$; END $$`,
          ),
        ).rejects.toMatchObject({ code: '42501' });
      });
    }
  }
});

test('whoever may not change a policy is told of the role that may', async () => {
  const { exitCode, stderr } = await as('admin', 'policy', 'set', '--max-keys', '1');
  expect(exitCode).toBe(REFUSED);
  expect(stderr).toMatch(/lacks a privilege on the table apikeys.policies; nothing was changed/);
  expect(stderr).toMatch('apikeys grants --role <role> --as policy');
});

describe('apikeys grants', () => {
  test('prints statements that do the same when somebody else runs them', async () => {
    const role = await testRole(database);
    try {
      const { stdout } = await asOwner('grants', '--role', role.name, '--as', 'auditor');
      await database.query(stdout);
      const { exitCode } = await runInProcess(['list'], { env: { APIKEYS_DATABASE_URL: role.url } });
      expect(exitCode).toBe(DONE);
    } finally {
      await role.drop();
    }
  });

  test('needs no database to print them', async () => {
    const { exitCode, stdout } = await runInProcess(['grants', '--role', 'a"b', '--as', 'verifier']);
    expect(exitCode).toBe(DONE);
    expect(stdout).toContain('TO "a""b";');
  });

  test('takes away what another profile had', async () => {
    const role = await testRole(database);
    const env = { APIKEYS_DATABASE_URL: role.url };
    try {
      await asOwner('grants', '--role', role.name, '--as', 'admin', '--apply');
      await asOwner('grants', '--role', role.name, '--as', 'auditor', '--apply');
      const { exitCode } = await runInProcess(['create', 'x', '--owner', 'bob'], { env });
      expect(exitCode).toBe(REFUSED);
    } finally {
      await role.drop();
    }
  });

  test('is exit 3 for a role that does not exist, and 9 for one who may not grant', async () => {
    const unknown = await asOwner('grants', '--role', 'nobody_at_all', '--as', 'admin', '--apply');
    expect(unknown.exitCode).toBe(3);
    const name = roles.get('auditor')?.name ?? '';
    const powerless = await as('admin', 'grants', '--role', name, '--as', 'admin', '--apply');
    expect(powerless.exitCode).toBe(REFUSED);
    expect((await as('auditor', 'create', 'x', '--owner', 'bob')).exitCode).toBe(REFUSED);
  });
});
