import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../helpers/database.js';
import { freePort } from '../helpers/ports.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();

const expectFailure = async (
  args: readonly string[],
  expected: { exitCode: number; code: string },
  env: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const result = await cli.apikeys([...args, '--json'], { env });
  expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual(expected);
};

describe('exit 0', () => {
  test('an empty list, repeated actions and dry runs are success', async () => {
    const { key_prefix: prefix } = await cli.create();
    for (const args of [
      ['list', '--owner', 'nobody'],
      ['revoke', prefix, '--dry-run'],
      ['revoke', prefix, '--yes'],
      ['revoke', prefix, '--yes'],
      ['revoke', 'nobody', '--ignore-missing', '--yes'],
      ['migrate'],
      ['migrate', '--dry-run'],
      ['migrate', '--status'],
    ]) {
      expect({ args, exitCode: (await cli.apikeys(args)).exitCode }).toEqual({ args, exitCode: 0 });
    }
  });
});

describe('exit 3', () => {
  const expected = { exitCode: 3, code: 'KEY_NOT_FOUND' };

  test('a key that does not exist is not found', async () => {
    await expectFailure(['show', 'nobody'], expected);
    await expectFailure(['revoke', 'nobody', '--yes'], expected);
    await expectFailure(['revoke', 'nobody', '--dry-run'], expected);
  });

  test('the key of another tenant is not found, and stays live', async () => {
    const { id } = await cli.create('ci', ['--tenant', 'acme']);
    await expectFailure(['show', id, '--tenant', 'default'], expected);
    await expectFailure(['revoke', id, '--yes', '--tenant', 'default'], expected);
    await expectFailure(['revoke', id, '--yes'], expected, { APIKEYS_TENANT: 'default' });
    expect(await cli.json(['show', id])).toMatchObject({ status: 'active', tenant_id: 'acme' });
  });

  test('one unknown key among several and nothing is revoked', async () => {
    const { id } = await cli.create();
    const result = await cli.apikeys(['revoke', id, 'nobody', 'none', '--yes', '--json']);
    expect(result.exitCode).toBe(3);
    expect(errorOf(result).message).toMatch(/"nobody", "none"/);
    expect(await cli.json(['show', id])).toMatchObject({ status: 'active' });
  });
});

describe('exit 4', () => {
  test('the limit is reached', async () => {
    const owner = newOwner();
    const env = { APIKEYS_MAX_PER_USER: '1' };
    await cli.create('first', ['--owner', owner]);
    await expectFailure(['create', 'second', '--owner', owner], { exitCode: 4, code: 'LIMIT_REACHED' }, env);
  });

  test('the owner is frozen', async () => {
    const owner = newOwner();
    await cli.create('first', ['--owner', owner]);
    await cli.database.query('UPDATE apikeys.owners SET frozen_at = now() WHERE owner_id = $1', [owner]);
    await expectFailure(['create', 'second', '--owner', owner], { exitCode: 4, code: 'OWNER_FROZEN' });
  });

  test('a name is ambiguous, and the candidates are named', async () => {
    const prefixes = [(await cli.create('twin')).key_prefix, (await cli.create('twin')).key_prefix];
    for (const args of [
      ['show', 'twin'],
      ['revoke', 'twin', '--yes', '--ignore-missing'],
    ]) {
      const result = await cli.apikeys([...args, '--json']);
      expect(result.exitCode).toBe(4);
      const { code, message } = errorOf(result);
      expect(code).toBe('KEY_AMBIGUOUS');
      for (const prefix of prefixes) expect(message).toContain(prefix);
    }
  });

  test('key management is switched off: create is refused, revoke and reading go on', async () => {
    const { id } = await cli.create();
    const env = { APIKEYS_ENABLE_API_KEY_MANAGEMENT: 'false' };
    const refused = { exitCode: 4, code: 'FEATURE_DISABLED' };
    await expectFailure(['create', 'ci', '--owner', newOwner()], refused, env);
    for (const args of [['list'], ['show', id], ['revoke', id, '--yes'], ['migrate']]) {
      expect((await cli.apikeys(args, { env })).exitCode).toBe(0);
    }
  });
});

describe('exit 7', () => {
  let bare: TestDatabase;
  beforeAll(async () => {
    bare = await testDatabase({ migrated: false });
  });
  afterAll(() => bare.drop());

  test('without its schema, every command but migrate says so', async () => {
    const env = { APIKEYS_DATABASE_URL: bare.url };
    for (const args of [
      ['list'],
      ['list', '--all'],
      ['list', '--count'],
      ['show', 'ci'],
      ['revoke', 'ci', '--yes'],
      ['create', 'ci', '--owner', 'alice'],
    ]) {
      await expectFailure(args, { exitCode: 7, code: 'SCHEMA_MISSING' }, env);
    }
    const status = await cli.json(['migrate', '--status'], { env });
    expect(status).toMatchObject({ state: 'missing', version: 0, changed: 0 });
  });

  test('a schema newer than the program is refused, and so is a migration of it', async () => {
    const newer = await testDatabase();
    try {
      await newer.query(
        `INSERT INTO apikeys.schema_migrations SELECT 999, 'later', checksum, applied_at, applied_by
           FROM apikeys.schema_migrations WHERE version = 1`,
      );
      const env = { APIKEYS_DATABASE_URL: newer.url };
      await expectFailure(['list'], { exitCode: 7, code: 'SCHEMA_AHEAD' }, env);
      await expectFailure(['migrate'], { exitCode: 7, code: 'SCHEMA_AHEAD' }, env);
    } finally {
      await newer.drop();
    }
  });
});

describe('exit 6', () => {
  test('nothing listens where the server should be', async () => {
    const env = { APIKEYS_DATABASE_URL: `postgres://u:p@127.0.0.1:${await freePort()}/d` };
    await expectFailure(['list'], { exitCode: 6, code: 'DATABASE_UNREACHABLE' }, env);
  });

  test('a host without an address', async () => {
    const env = { APIKEYS_DATABASE_URL: 'postgres://u:p@host.invalid/d?sslmode=disable' };
    await expectFailure(['list'], { exitCode: 6, code: 'DATABASE_UNREACHABLE' }, env);
  });
});

describe('exit 9', () => {
  let role: TestRole;
  beforeAll(async () => {
    role = await testRole(cli.database, {
      grants: ['USAGE ON SCHEMA apikeys', 'SELECT ON ALL TABLES IN SCHEMA apikeys'],
    });
  });
  afterAll(() => role.drop());

  const withUrl = (change: (url: URL) => void) => {
    const url = new URL(role.url);
    change(url);
    return { APIKEYS_DATABASE_URL: url.href };
  };

  test('a wrong password', async () => {
    const env = withUrl((url) => {
      url.password = 'hunter2hunter2';
    });
    const result = await cli.apikeys(['list'], { env });
    expect(result.exitCode).toBe(9);
    expect(result.stderr).not.toContain('hunter2');
  });

  test('no password where one is needed', async () => {
    const env = withUrl((url) => {
      url.password = '';
    });
    await expectFailure(['list'], { exitCode: 9, code: 'LOGIN_REFUSED' }, env);
  });

  test('a user that does not exist', async () => {
    const env = withUrl((url) => {
      url.username = 'nobody_at_all';
    });
    await expectFailure(['list'], { exitCode: 9, code: 'LOGIN_REFUSED' }, env);
  });

  test('a database that does not exist', async () => {
    const env = withUrl((url) => {
      url.pathname = '/no_such_database';
    });
    await expectFailure(['list'], { exitCode: 9, code: 'LOGIN_REFUSED' }, env);
  });

  test('a role without the privilege, which reads all the same', async () => {
    const { id } = await cli.create();
    const env = { APIKEYS_DATABASE_URL: role.url };
    const before = await cli.keyCount();
    await expectFailure(['revoke', id, '--yes'], { exitCode: 9, code: 'PERMISSION_DENIED' }, env);
    await expectFailure(['create', 'x', '--owner', 'y'], { exitCode: 9, code: 'PERMISSION_DENIED' }, env);
    expect(await cli.json(['show', id], { env })).toMatchObject({ status: 'active' });
    expect(await cli.keyCount()).toBe(before);
  });
});
