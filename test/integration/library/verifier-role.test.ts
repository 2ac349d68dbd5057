import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PRIVILEGES } from '../../../src/domain/profiles.js';
import { type ApiKeys, createApiKeys } from '../../../src/index.js';
import { type TestDatabase, type TestRole, testDatabase, testRole } from '../../helpers/database.js';
import { runInProcess } from '../../helpers/run-in-process.js';

let database: TestDatabase;
let role: TestRole;
let owner: ApiKeys;
beforeAll(async () => {
  database = await testDatabase();
  role = await testRole(database);
  owner = createApiKeys({ connectionString: database.url });
  const { exitCode } = await runInProcess(['grants', '--role', role.name, '--as', 'verifier', '--apply'], {
    env: { APIKEYS_DATABASE_URL: database.url },
  });
  expect(exitCode).toBe(0);
});
afterAll(async () => {
  await owner.close();
  await database.drop();
  await role.drop();
});

let serial = 0;

/** All that an application on the verifier's role does, with a key of its own. */
async function work(): Promise<void> {
  const name = `work-${++serial}`;
  const made = await owner.as({ actor: 'test' }).create({
    name,
    owner: name,
    scopes: ['read'],
    metadata: { a: '1' },
  });
  const rotated = await owner.as({ actor: 'test' }).rotate({ key: made.key.id });
  const keys = createApiKeys({ connectionString: role.url, poolSize: 2 });
  try {
    const secret = made.apiKey ?? '';
    expect(await keys.verify(rotated.apiKey ?? '', { scopes: ['read'], spendCents: 5 })).toMatchObject({
      code: 'VALID',
    });
    // Many at once take another statement.
    const many = await Promise.all(Array.from({ length: 20 }, () => keys.verify(secret)));
    expect(new Set(many.map(({ code, oldSecret }) => `${code} ${oldSecret}`))).toEqual(
      new Set(['VALID true']),
    );
    await owner.as({ actor: 'test' }).freezeOwner({ owner: name });
    expect(await keys.verify(secret)).toMatchObject({ code: 'FROZEN' });
    keys.recordUsage(made.key.id, { requests: 3, spendCents: 7 });
    await keys.flush();
    keys.recordUsage(made.key.id);
    await keys.flush();
  } finally {
    await keys.close();
  }
  expect(await owner.getUsage({ key: made.key.id })).toMatchObject({ requestCount: 25, spendCents: 12 });
}

test('verifying and recording usage need nothing else', async () => {
  await work();
});

describe('each privilege of the profile is needed', () => {
  const single = PRIVILEGES.verifier.flatMap(({ kind, table, columns }) =>
    (columns ?? [null]).map((column) => ({ kind, table, column })),
  );
  for (const { kind, table, column } of single) {
    const what = `${kind}${column === null ? '' : ` (${column})`} ON apikeys.${table}`;
    test(what, async () => {
      await database.query(`REVOKE ${what} FROM ${role.name}`);
      try {
        await expect(work()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      } finally {
        await database.query(`GRANT ${what} TO ${role.name}`);
      }
    });
  }
});

test('nothing else is granted', async () => {
  const client = new pg.Client({ connectionString: role.url });
  await client.connect();
  try {
    for (const statement of [
      'SELECT description FROM apikeys.keys',
      'SELECT created_by FROM apikeys.keys',
      'SELECT count(*) FROM apikeys.audit_events',
      "UPDATE apikeys.keys SET name = 'x'",
      'UPDATE apikeys.secrets SET valid_until = NULL',
      'UPDATE apikeys.owners SET frozen_at = NULL',
      'DELETE FROM apikeys.key_activity',
      'DELETE FROM apikeys.usage_daily',
      'INSERT INTO apikeys.key_activity (key_id) VALUES (gen_random_uuid())',
      'CREATE TABLE apikeys.mine (id integer)',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
  } finally {
    await client.end();
  }
  const verifying = createApiKeys({ connectionString: role.url });
  await expect(verifying.list()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  await expect(verifying.as({ actor: 'x' }).create({ name: 'x', owner: 'x' })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
  });
  await verifying.close();
});
