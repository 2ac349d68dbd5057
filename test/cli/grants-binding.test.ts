import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { doctorSchema } from '../../src/representation/schemas/doctor.js';
import { grantsSchema } from '../../src/representation/schemas/grants.js';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../helpers/database.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { errorOf } from './apikeys.js';

let database: TestDatabase;
/** A role that owns the schema and is no superuser, as the one that runs migrate should be. */
let owner: TestRole;
const roles: TestRole[] = [];

beforeAll(async () => {
  database = await testDatabase();
  owner = await testRole(database);
  await database.query(`ALTER SCHEMA apikeys OWNER TO ${owner.name}`);
  const tables = await database.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'apikeys'::regnamespace AND relkind = 'r'",
  );
  for (const { name } of tables) await database.query(`ALTER TABLE apikeys.${name} OWNER TO ${owner.name}`);
});
afterAll(async () => {
  await database.drop();
  for (const role of [...roles, owner]) await role.drop();
});

async function newRole(attributes = ''): Promise<TestRole> {
  const role = await testRole(database, { attributes });
  roles.push(role);
  return role;
}

const grants = (role: string, as: string, ...more: string[]) =>
  runInProcess(['grants', '--role', role, '--as', as, '--json', ...more], {
    env: { APIKEYS_DATABASE_URL: database.url },
  });

describe('grants --apply', () => {
  const UNBOUND: readonly [what: string, make: (role: TestRole) => string, why: RegExp][] = [
    ['is a superuser', ({ name }) => `ALTER ROLE ${name} SUPERUSER`, /superuser/],
    ['is a member of the owner', ({ name }) => `GRANT ${owner.name} TO ${name}`, /owns the schema/],
    [
      'is a member of the owner without inheriting from it',
      ({ name }) => `ALTER ROLE ${name} NOINHERIT; GRANT ${owner.name} TO ${name}`,
      /owns the schema/,
    ],
    [
      'owns a table',
      ({ name }) => `ALTER TABLE apikeys.usage_sources OWNER TO ${name}`,
      /owns the schema or a table/,
    ],
    [
      'may write files of the server',
      ({ name }) => `GRANT pg_write_server_files TO ${name}`,
      /files of the server/,
    ],
  ];
  for (const [what, make, why] of UNBOUND) {
    test(`refuses a role that ${what}`, async () => {
      const role = await newRole();
      await database.query(make(role));
      try {
        const result = await grants(role.name, 'verifier', '--apply');
        expect({ exitCode: result.exitCode, ...errorOf(result) }).toMatchObject({
          exitCode: 2,
          code: 'INVALID_INPUT',
          message: expect.stringMatching(why),
        });
      } finally {
        await database.query(`ALTER TABLE apikeys.usage_sources OWNER TO ${owner.name}`);
      }
    });
  }

  test('refuses the owner itself, everybody and the names of PostgreSQL, also to print', async () => {
    expect(errorOf(await grants(owner.name, 'admin', '--apply')).message).toMatch(/owns the schema/);
    for (const more of [[], ['--apply']]) {
      for (const name of ['public', 'pg_monitor', 'none']) {
        const result = await grants(name, 'verifier', ...more);
        expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
          exitCode: 2,
          code: 'INVALID_INPUT',
        });
      }
    }
  });

  test('tells what the role may do besides, by a membership or by PUBLIC', async () => {
    const role = await newRole();
    const group = await newRole();
    await database.query(
      `GRANT DELETE ON apikeys.usage_daily TO ${group.name}; GRANT ${group.name} TO ${role.name}`,
    );
    await database.query('GRANT UPDATE (actor) ON apikeys.audit_events TO PUBLIC');
    try {
      const { exitCode, stdout } = await grants(role.name, 'verifier', '--apply');
      expect(exitCode).toBe(0);
      expect(grantsSchema.parse(JSON.parse(stdout)).beyond).toEqual([
        'UPDATE (actor) on audit_events',
        'DELETE on usage_daily',
      ]);
      const told = await runInProcess(
        ['grants', '--role', role.name, '--as', 'verifier', '--apply', '-o', 'table'],
        {
          env: { APIKEYS_DATABASE_URL: database.url },
        },
      );
      expect(told.stdout).not.toContain('nothing else');
      expect(told.stderr).toMatch(/may do\s+more: UPDATE\s+\(actor\)/);
    } finally {
      await database.query('REVOKE UPDATE (actor) ON apikeys.audit_events FROM PUBLIC');
    }
  });

  test('says nothing else only where it is so', async () => {
    const role = await newRole();
    for (const profile of ['admin', 'auditor', 'verifier']) {
      const { stdout } = await grants(role.name, profile, '--apply');
      expect(grantsSchema.parse(JSON.parse(stdout))).toMatchObject({ changed: 1, beyond: [] });
    }
  });

  test('tells a role that may write everything', async () => {
    const role = await newRole();
    await database.query(`GRANT pg_write_all_data TO ${role.name}`);
    const { stdout } = await grants(role.name, 'verifier', '--apply');
    expect(grantsSchema.parse(JSON.parse(stdout)).beyond).toContain('DELETE on audit_events');
  });
});

test('what is printed is one transaction: half of it changes nothing', async () => {
  const role = await newRole();
  const { stdout } = await runInProcess(['grants', '--role', role.name, '--as', 'auditor']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(0)).toMatch(/^-- The work of auditor for "apikeys_role_.*"/);
  expect([lines.at(1), lines.at(-1)]).toEqual(['BEGIN;', 'COMMIT;']);
  await expect(database.query(`${lines.slice(0, 5).join('\n')}\nSELECT nonsense;`)).rejects.toThrow();
  const { exitCode } = await runInProcess(['list'], { env: { APIKEYS_DATABASE_URL: role.url } });
  expect(exitCode).toBe(9);
});

describe('doctor finds a role that could change the past', () => {
  const WAYS: readonly [what: string, make: (name: string) => string, undo: (name: string) => string][] = [
    ...['UPDATE (actor)', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES', 'REFERENCES (id)'].map(
      (privilege): [string, (name: string) => string, (name: string) => string] => [
        `${privilege} on audit_events`,
        (name) => `GRANT ${privilege} ON apikeys.audit_events TO ${name}`,
        () => '',
      ],
    ),
    ['CREATE on the schema', (name) => `GRANT CREATE ON SCHEMA apikeys TO ${name}`, () => ''],
    [
      'SET ROLE to the owner',
      (name) => `ALTER ROLE ${name} NOINHERIT; GRANT ${owner.name} TO ${name}`,
      () => '',
    ],
    ['pg_write_all_data', (name) => `GRANT pg_write_all_data TO ${name}`, () => ''],
    [
      'pg_write_all_data that it does not inherit',
      (name) => `ALTER ROLE ${name} NOINHERIT; GRANT pg_write_all_data TO ${name}`,
      () => '',
    ],
    ['SUPERUSER', (name) => `ALTER ROLE ${name} SUPERUSER`, () => ''],
    [
      'the table itself',
      (name) => `ALTER TABLE apikeys.audit_events OWNER TO ${name}`,
      () => `ALTER TABLE apikeys.audit_events OWNER TO ${owner.name}`,
    ],
  ];

  async function examine(role: TestRole) {
    const { stdout } = await runInProcess(['doctor', '--json'], { env: { APIKEYS_DATABASE_URL: role.url } });
    return doctorSchema.parse(JSON.parse(stdout));
  }

  test.each(WAYS)('by %s', async (_what, make, undo) => {
    const role = await newRole();
    expect((await grants(role.name, 'admin', '--apply')).exitCode).toBe(0);
    expect((await examine(role)).may_change_audit_events).toBe(false);
    await database.query(make(role.name));
    try {
      const document = await examine(role);
      expect(document.may_change_audit_events).toBe(true);
      expect(document.checks).toContainEqual(
        expect.objectContaining({
          name: 'privileges',
          status: 'warn',
          message: expect.stringMatching(/: it /),
        }),
      );
    } finally {
      if (undo(role.name) !== '') await database.query(undo(role.name));
    }
  });
});
