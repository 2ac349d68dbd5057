import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { migrate, schemaStatus } from '../../../src/db/schema/migrate.js';
import { loadMigrations } from '../../../src/db/schema/migrations.js';
import { ApiKeysError } from '../../../src/errors.js';
import { type TestDatabase, testDatabase, testRole } from '../../helpers/database.js';
import { describeSchema } from '../../helpers/describe-schema.js';
import { type ProgramResult, runApikeys, runTogether, startApikeys } from '../../helpers/program.js';
import { runInProcess } from '../../helpers/run-in-process.js';
import { startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { openEngine } from './opened.js';
import { newerProgram, nextMigration } from './packages.js';

const SHIPPED = loadMigrations();
const NEXT = 'CREATE TABLE apikeys.next (id integer PRIMARY KEY)';

let database: TestDatabase;
let engine: Engine;

beforeEach(async () => {
  database = await testDatabase({ migrated: false });
  engine = openEngine(database.url);
});
afterEach(async () => {
  await engine.close();
  await database.drop();
});

const env = (url = database.url) => ({ APIKEYS_DATABASE_URL: url });
const run = (args: readonly string[], program?: string): Promise<ProgramResult> =>
  program === undefined ? runInProcess(args, { env: env() }) : runApikeys(args, { env: env(), program });
const applied = async () =>
  (
    await database.query<{ version: number }>(
      'SELECT version FROM apikeys.schema_migrations ORDER BY version',
    )
  ).map(({ version }) => version);
const versions = SHIPPED.map(({ version }) => version);
const hasSchema = async () =>
  (await database.query("SELECT 1 FROM pg_namespace WHERE nspname = 'apikeys'")).length > 0;

/** Every command that needs the schema. */
const COMMANDS = [
  ['create', 'a', '--owner', 'o'],
  ['list'],
  ['show', 'a'],
  ['revoke', 'a', '--yes'],
  ['rotate', 'a'],
  ['freeze', 'a'],
  ['unfreeze', 'a'],
  ['scopes', 'a'],
  ['update', 'a', '--name', 'b'],
];

test('eight processes that begin at once on an empty database all succeed, and it is applied once', async () => {
  const COUNT = 8;
  const { hostname, port } = new URL(database.url);
  const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
  try {
    // The slow ones are waited for, so that all of them find the database empty.
    const beginning = {
      direction: 'frontend',
      match: { text: /^BEGIN/ },
      action: 'hold-before',
      once: false,
    } as const;
    const rule = proxy.arm(beginning);
    const running = runTogether(COUNT, () => ({
      args: ['migrate', '--json'],
      options: { env: { ...env(proxy.url(database.url)), APIKEYS_TIMEOUT: '1m' } },
    }));
    await expect
      .poll(() => proxy.transcript.filter(({ text }) => text?.startsWith('BEGIN')).length, {
        timeout: 30_000,
      })
      .toBe(COUNT);
    rule.disarm();
    rule.release();
    const results = await running;
    expect(results.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
      results.map(() => ({ exitCode: 0, stderr: '' })),
    );
    const changed = results.map(({ stdout }): number => JSON.parse(stdout).changed);
    expect(changed.filter((count) => count > 0)).toEqual([SHIPPED.length]);
    expect(await applied()).toEqual(versions);
  } finally {
    await proxy.close();
  }
});

describe('a migration that fails or is killed', () => {
  test('leaves nothing of itself, and nothing of those before it', async () => {
    const migrations = [...SHIPPED, nextMigration(`${NEXT}; SELECT 1 / 0`)];
    await expect(migrate(engine, { migrations })).rejects.toMatchObject({
      code: 'INTERNAL',
      sqlState: '22012',
    });
    expect(await hasSchema()).toBe(false);
    await migrate(engine);
    expect(await applied()).toEqual(versions);
  });

  test.each(['pg_advisory_xact_lock', 'CREATE TABLE', 'insert into "apikeys"."schema_migrations"', 'COMMIT'])(
    'is all or nothing when it is killed at %s, and the next run works',
    async (text) => {
      const { hostname, port } = new URL(database.url);
      const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
      try {
        const rule = proxy.arm({ direction: 'frontend', match: { text }, action: 'hold-before' });
        const program = await startApikeys(['migrate'], { env: env(proxy.url(database.url)) });
        await rule.fired;
        program.kill('SIGKILL');
        await program.result;
        proxy.cutAll();
        expect((await run(['migrate'])).exitCode).toBe(0);
        expect(await applied()).toEqual(versions);
      } finally {
        await proxy.close();
      }
    },
  );
});

describe('a COMMIT whose answer is lost', () => {
  let proxy: WireProxy;
  let over: Engine;
  beforeEach(async () => {
    const { hostname, port } = new URL(database.url);
    proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
    over = openEngine(proxy.url(database.url));
  });
  afterEach(async () => {
    await over.close();
    await proxy.close();
  });
  const COMMIT = { direction: 'frontend', match: { type: 'Q', text: /^COMMIT$/ } } as const;

  test('is found to have been stored', async () => {
    proxy.arm({ ...COMMIT, action: 'cut-after' });
    expect((await migrate(over)).migrations).toHaveLength(SHIPPED.length);
    expect(await applied()).toEqual(versions);
  });

  test('is found not to have been stored', async () => {
    proxy.arm({ ...COMMIT, action: 'cut-before' });
    await expect(migrate(over)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(await hasSchema()).toBe(false);
  });
});

describe('a newer version', () => {
  test('finds the schema behind, says so, and applies what is new and nothing else', async () => {
    await migrate(engine);
    const [before] = await database.query<{ at: string }>(
      'SELECT applied_at::text AS at FROM apikeys.schema_migrations WHERE version = 1',
    );
    const newer = newerProgram(NEXT);
    const list = await run(['list', '--json'], newer);
    expect(list.exitCode).toBe(7);
    expect(JSON.parse(list.stderr).error).toMatchObject({
      code: 'SCHEMA_BEHIND',
      hint: expect.stringContaining('`apikeys migrate`'),
    });
    const migrated = await run(['migrate', '--json'], newer);
    expect(JSON.parse(migrated.stdout)).toMatchObject({
      state: 'current',
      changed: 1,
      migrations: [{ version: SHIPPED.length + 1, name: 'next', state: 'applied' }],
    });
    expect(await applied()).toEqual([...versions, SHIPPED.length + 1]);
    expect(
      await database.query('SELECT applied_at::text AS at FROM apikeys.schema_migrations WHERE version = 1'),
    ).toEqual([before]);
  });

  test('keeps this one from working on its schema, and the refusal says why', async () => {
    const migrations = [...SHIPPED, nextMigration(NEXT)];
    await migrate(engine, { migrations });
    for (const args of [...COMMANDS, ['migrate'], ['migrate', '--dry-run']]) {
      const { exitCode, stdout, stderr } = await run(args);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
      expect(stderr).toContain('the schema is newer than this version of apikeys');
    }
    expect(await applied()).toEqual([...versions, SHIPPED.length + 1]);
    const status = await run(['migrate', '--status', '--json']);
    expect(status.exitCode).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'ahead', changed: 0 });
  });
});

test('a migration that was edited after it was applied stops every command', async () => {
  await migrate(engine);
  await database.query(`UPDATE apikeys.schema_migrations SET checksum = sha256('other') WHERE version = 1`);
  for (const args of [...COMMANDS, ['migrate'], ['migrate', '--dry-run']]) {
    const { exitCode, stdout, stderr } = await run([...args, '--json']);
    expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
    expect(JSON.parse(stderr).error.code).toBe('SCHEMA_CHANGED');
  }
  const status = await run(['migrate', '--status', '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({
    state: 'changed',
    migrations: [{ state: 'changed' }, ...SHIPPED.slice(1).map(() => ({ state: 'applied' }))],
  });
});

test('keys of the first version have the hash of their newest secret afterwards', async () => {
  await migrate(engine, { migrations: SHIPPED.slice(0, 1) });
  await database.query(`
    WITH owner AS (INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('default', 'o', now())),
         made AS (
           INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_version, created_at, created_by,
                                     audit_seq, audit_hash)
           SELECT gen_random_uuid(), 'default', 'o', 'n', 'rv_00000000', nth, now(), 'test', 1, sha256('head')
             FROM generate_series(1, 3) AS nth RETURNING id, secret_version)
    INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
    SELECT sha256((id::text || version)::bytea), id, version, 'rv_00000000', now(),
           CASE WHEN version < secret_version THEN now() END
      FROM made, generate_series(1, secret_version) AS version`);
  await migrate(engine);
  const right = 'secret_hash = sha256((id::text || secret_version)::bytea)';
  const rows = await database.query(`SELECT secret_version, ${right} AS right FROM apikeys.keys ORDER BY 1`);
  expect(rows).toEqual([1, 2, 3].map((version) => ({ secret_version: version, right: true })));
});

describe('tables without a record of the migrations that made them', () => {
  test.each(['DELETE FROM apikeys.schema_migrations', 'DROP TABLE apikeys.schema_migrations'])(
    'stop every command, and are left as they are: %s',
    async (loss) => {
      await migrate(engine);
      await database.query(loss);
      const before = await describeSchema(database.url);
      for (const args of [['list'], ['create', 'a', '--owner', 'o'], ['migrate'], ['migrate', '--dry-run']]) {
        const { exitCode, stdout, stderr } = await run([...args, '--json']);
        expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
        expect(JSON.parse(stderr).error).toEqual({
          code: 'SCHEMA_UNRECORDED',
          message: expect.stringMatching(/has tables, but no record .* nothing was changed$/),
          hint: expect.stringContaining('Restore the table apikeys.schema_migrations from a backup'),
        });
      }
      const status = await run(['migrate', '--status', '--json']);
      expect(status.exitCode).toBe(0);
      expect(JSON.parse(status.stdout)).toMatchObject({ state: 'unrecorded', version: 0, changed: 0 });
      const shown = await run(['migrate', '--status', '-o', 'table']);
      expect(shown.stderr).toContain('no record of the migrations that made them');
      const doctor = await run(['doctor', '--json']);
      expect(doctor.exitCode).toBe(7);
      expect(JSON.parse(doctor.stdout).checks).toContainEqual(
        expect.objectContaining({ name: 'schema', status: 'fail' }),
      );
      expect(await describeSchema(database.url)).toBe(before);
    },
  );

  test('a schema that somebody made beforehand is no hindrance while it is empty', async () => {
    await database.query('CREATE SCHEMA apikeys');
    expect((await run(['migrate', '-q'])).exitCode).toBe(0);
    expect(await applied()).toEqual(versions);
  });
});

test('a line end that a checkout rewrote is no edit', async () => {
  await migrate(engine);
  const rewritten = SHIPPED.map((migration) => ({
    ...migration,
    sql: migration.sql.replaceAll('\n', '\r\n'),
  }));
  expect((await schemaStatus(engine, rewritten)).state).toBe('current');
});

test('without a schema every command names the way to it', async () => {
  for (const args of COMMANDS) {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
    expect(stderr).toContain('`apikeys migrate`');
  }
  expect(await hasSchema()).toBe(false);
});

test('--dry-run names what would be applied and changes nothing', async () => {
  const { exitCode, stdout } = await run(['migrate', '--dry-run', '--json']);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'missing', dry_run: true, changed: SHIPPED.length });
  expect(await hasSchema()).toBe(false);
});

test('-q prints nothing, the first time or later', async () => {
  for (let time = 0; time < 2; time++) {
    expect(await run(['migrate', '-q'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  }
  expect(await applied()).toEqual(versions);
});

test('a role that may not create a schema is refused, and nothing is there', async () => {
  const role = await testRole(database);
  try {
    const { exitCode, stderr } = await runInProcess(['migrate', '--json'], { env: env(role.url) });
    expect(exitCode).toBe(9);
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await hasSchema()).toBe(false);
  } finally {
    await role.drop();
  }
});

test('a migration that holds the lock for too long is reported as busy', async () => {
  const impatient = openEngine(database.url, { timeouts: { lock: 200 } });
  const slow = [...SHIPPED, nextMigration('SELECT pg_sleep(1)')];
  const first = migrate(engine, { migrations: slow });
  await expect
    .poll(() => database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
    .toHaveLength(1);
  const error: unknown = await migrate(impatient, { migrations: slow }).catch((reason: unknown) => reason);
  await first;
  await impatient.close();
  expect(error).toBeInstanceOf(ApiKeysError);
  expect(error).toMatchObject({ code: 'DATABASE_BUSY' });
});

test("the role's own settings change nothing", async () => {
  const role = await testRole(database, { grants: [`CREATE ON DATABASE ${database.name}`] });
  for (const setting of [
    `datestyle = 'German, DMY'`,
    `default_transaction_isolation = 'serializable'`,
    `timezone = 'America/St_Johns'`,
  ]) {
    await database.query(`ALTER ROLE ${role.name} SET ${setting}`);
  }
  try {
    const options = { env: env(role.url) };
    const migrated = await runInProcess(['migrate', '--json'], options);
    expect(migrated).toMatchObject({ exitCode: 0, stderr: '' });
    const status = await runInProcess(['migrate', '--status', '--json'], options);
    expect(status).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(status.stdout).migrations[0].applied_at).toBe(
      JSON.parse(migrated.stdout).migrations[0].applied_at,
    );
    expect(await runInProcess(['create', 'a', '--owner', 'o', '-q'], options)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await runInProcess(['list', '--count', '-q'], options)).toMatchObject({
      exitCode: 0,
      stdout: '1\n',
    });
  } finally {
    await role.drop();
  }
});

test('a second run finds nothing to do and changes nothing', async () => {
  await migrate(engine);
  const before = await describeSchema(database.url);
  const { stdout, stderr } = await run(['migrate', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'current', changed: 0, migrations: [] });
  expect(stderr).toBe('');
  expect(await describeSchema(database.url)).toBe(before);
});
