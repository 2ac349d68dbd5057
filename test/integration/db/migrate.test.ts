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
import { laterVersion, nextMigration } from './packages.js';

const SHIPPED = loadMigrations();
/** With several migrations more. */
const LATER = laterVersion();

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
const laterVersions = LATER.migrations.map(({ version }) => version);
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

test('eight processes that begin at once on an empty database all succeed, and each migration is applied once', async () => {
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
      options: {
        env: { ...env(proxy.url(database.url)), APIKEYS_TIMEOUT: '1m' },
        program: LATER.program,
      },
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
    expect(changed.filter((count) => count > 0)).toEqual([LATER.migrations.length]);
    expect(await applied()).toEqual(laterVersions);
  } finally {
    await proxy.close();
  }
});

describe('a migration that fails or is killed', () => {
  test('leaves nothing of itself, and nothing of those before it', async () => {
    const { migrations } = LATER;
    const failing = nextMigration('CREATE TABLE apikeys.next (id integer); SELECT 1 / 0', migrations);
    const migrating = () => migrate(engine, { migrations: [...migrations, failing] });
    await expect(migrating()).rejects.toMatchObject({ code: 'INTERNAL', sqlState: '22012' });
    expect(await hasSchema()).toBe(false);
    await migrate(engine);
    expect(await applied()).toEqual(versions);
    const before = await describeSchema(database.url);
    await expect(migrating()).rejects.toMatchObject({ code: 'INTERNAL', sqlState: '22012' });
    expect(await applied()).toEqual(versions);
    expect(await describeSchema(database.url)).toBe(before);
  });

  test.each([
    'pg_advisory_xact_lock',
    'CREATE TABLE apikeys.keys',
    'insert into "apikeys"."schema_migrations"',
    'CREATE TABLE apikeys.notes',
    'ALTER TABLE apikeys.notes',
    'COMMIT',
  ])('is all or nothing when it is killed at %s, and the next run works', async (text) => {
    const { hostname, port } = new URL(database.url);
    const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
    try {
      const rule = proxy.arm({ direction: 'frontend', match: { text }, action: 'hold-before' });
      const program = await startApikeys(['migrate'], {
        env: env(proxy.url(database.url)),
        program: LATER.program,
      });
      await rule.fired;
      program.kill('SIGKILL');
      await program.result;
      proxy.cutAll();
      expect(await hasSchema()).toBe(false);
      expect((await run(['migrate'], LATER.program)).exitCode).toBe(0);
      expect(await applied()).toEqual(laterVersions);
    } finally {
      await proxy.close();
    }
  });
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
    const { migrations } = LATER;
    expect((await migrate(over, { migrations })).migrations).toHaveLength(migrations.length);
    expect(await applied()).toEqual(laterVersions);
  });

  test('is found not to have been stored', async () => {
    proxy.arm({ ...COMMIT, action: 'cut-before' });
    await expect(migrate(over, { migrations: LATER.migrations })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
    expect(await hasSchema()).toBe(false);
  });
});

describe('a newer version', () => {
  test('finds the schema behind, says so, and applies what is new and nothing else', async () => {
    await migrate(engine);
    const [before] = await database.query<{ at: string }>(
      'SELECT applied_at::text AS at FROM apikeys.schema_migrations WHERE version = 1',
    );
    const list = await run(['list', '--json'], LATER.program);
    expect(list.exitCode).toBe(7);
    expect(JSON.parse(list.stderr).error).toMatchObject({
      code: 'SCHEMA_BEHIND',
      hint: expect.stringContaining('`apikeys migrate`'),
    });
    const status = await run(['migrate', '--status', '--json'], LATER.program);
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'behind',
      version: SHIPPED.length,
      target: SHIPPED.length + 2,
      migrations: [
        ...SHIPPED.map(({ name }) => ({ name, state: 'applied' })),
        { name: 'notes', state: 'pending' },
        { name: 'note_times', state: 'pending' },
      ],
    });
    const migrated = await run(['migrate', '--json'], LATER.program);
    expect(JSON.parse(migrated.stdout)).toMatchObject({
      state: 'current',
      changed: 2,
      migrations: [
        { version: SHIPPED.length + 1, name: 'notes', state: 'applied' },
        { version: SHIPPED.length + 2, name: 'note_times', state: 'applied' },
      ],
    });
    expect(await applied()).toEqual(laterVersions);
    expect(
      await database.query('SELECT applied_at::text AS at FROM apikeys.schema_migrations WHERE version = 1'),
    ).toEqual([before]);
  });

  test('keeps this one from working on its schema, and the refusal says why', async () => {
    await migrate(engine, { migrations: LATER.migrations });
    for (const args of [...COMMANDS, ['migrate'], ['migrate', '--dry-run']]) {
      const { exitCode, stdout, stderr } = await run(args);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
      expect(stderr).toContain('the schema is newer than this version of apikeys');
    }
    expect(await applied()).toEqual(laterVersions);
    const status = await run(['migrate', '--status', '--json']);
    expect(status.exitCode).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'ahead',
      changed: 0,
      migrations: [
        ...SHIPPED.map(({ name }) => ({ name, state: 'applied' })),
        { name: 'notes', state: 'unknown' },
        { name: 'note_times', state: 'unknown' },
      ],
    });
  });
});

test('a migration that was edited after it was applied stops every command', async () => {
  await migrate(engine, { migrations: LATER.migrations });
  await database.query(`UPDATE apikeys.schema_migrations SET checksum = sha256('other') WHERE version = 1`);
  for (const args of [...COMMANDS, ['migrate'], ['migrate', '--dry-run']]) {
    const { exitCode, stdout, stderr } = await run([...args, '--json'], LATER.program);
    expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
    expect(JSON.parse(stderr).error.code).toBe('SCHEMA_CHANGED');
  }
  const status = await run(['migrate', '--status', '--json'], LATER.program);
  expect(JSON.parse(status.stdout)).toMatchObject({
    state: 'changed',
    migrations: [{ state: 'changed' }, ...LATER.migrations.slice(1).map(() => ({ state: 'applied' }))],
  });
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
          message: expect.stringMatching(/has tables, but no record of the migrations that made them/),
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
  await migrate(engine, { migrations: LATER.migrations });
  const rewritten = LATER.migrations.map((migration) => ({
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
  const { exitCode, stdout } = await run(['migrate', '--dry-run', '--json'], LATER.program);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'missing',
    dry_run: true,
    changed: LATER.migrations.length,
    migrations: LATER.migrations.map(({ version, name }) => ({ version, name, state: 'pending' })),
  });
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
