import pg from 'pg';
import { expect, test } from 'vitest';
import type { CleanupJson } from '../../src/representation/schemas/cleanup.js';
import { faultsByJsonSchema, faultsByZod } from '../helpers/json-schemas.js';
import { runApikeys, startApikeys } from '../helpers/program.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();

/** Makes keys that were revoked 31 days ago. */
async function makeDead(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { id } = await cli.create('old', ['--owner', newOwner()]);
    await cli.apikeys(['revoke', id, '--yes']);
  }
  await cli.database.query(
    `UPDATE apikeys.keys SET revoked_at = now() - interval '31 days' WHERE revoked_at IS NOT NULL`,
  );
}

test('its JSON is what its schema says, in a dry run and in a real one', async () => {
  await makeDead(2);
  const schema = await cli.json(['schema', 'cleanup']);
  const numbers = { deleted_keys: 2, deleted_secrets: 2, older_than: '30d', skipped: false, complete: true };
  for (const more of [['--dry-run'], []]) {
    const document = await cli.json<CleanupJson>(['cleanup', ...more]);
    expect(document).toMatchObject({
      ...numbers,
      dry_run: more.length > 0,
      deleted_usage_days: 0,
      deleted_events: 0,
    });
    expect(faultsByZod('cleanup', document)).toEqual([]);
    expect(faultsByJsonSchema(schema, document)).toEqual([]);
    expect(faultsByJsonSchema(schema, { ...document, extra: 1 })).not.toEqual([]);
  }
  expect(await cli.keyCount()).toBe(0);
});

test('with -q it prints nothing, in an environment of nothing but the database', async () => {
  await makeDead(1);
  const result = await runApikeys(['cleanup', '-q'], { env: { APIKEYS_DATABASE_URL: cli.database.url } });
  expect(result).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  expect(await cli.keyCount()).toBe(0);
});

test('without -q it is one line', async () => {
  const piped = await cli.apikeys(['cleanup', '--older-than', '24h']);
  expect(piped.stdout).toMatch(/^0\t0\t1d\t\d{4}-[^\t]+Z\tfalse\tfalse\ttrue\t0\t0\n$/);
  expect(piped.stderr).toBe('');
  await makeDead(1);
  const table = await cli.apikeys(['cleanup', '-o', 'table', '-n']);
  expect(table.stdout).toBe('Would delete 1 key and 1 secret dead for 30d. Nothing was changed.\n');
  const done = await cli.apikeys(['cleanup', '-o', 'table']);
  expect(done).toMatchObject({ stdout: 'Deleted 1 key and 1 secret dead for 30d.\n', stderr: '' });
});

test('its options reach the work', async () => {
  await makeDead(1);
  const terms = [
    '--batch-size',
    '1',
    '--usage-older-than',
    '2w',
    '--audit-older-than',
    '2w',
    '--tenant',
    'default',
  ];
  expect(await cli.json(['cleanup', '--max-runtime', '0', ...terms])).toMatchObject({
    deleted_keys: 0,
    complete: false,
  });
  expect(await cli.json(['cleanup', '--max-runtime', '1m', ...terms])).toMatchObject({
    deleted_keys: 1,
    complete: true,
  });
  const wrong = await cli.apikeys(['cleanup', '--batch-size', '0', '--json']);
  expect({ exitCode: wrong.exitCode, code: errorOf(wrong).code }).toEqual({
    exitCode: 2,
    code: 'INVALID_INPUT',
  });
});

test('another cleanup at work is exit 0 and skipped', async () => {
  await makeDead(1);
  const holder = new pg.Client({ connectionString: cli.database.url });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query(`SELECT pg_advisory_xact_lock(${0x61_6b_63_6c}, 0)`);
  try {
    expect(await cli.json(['cleanup'])).toMatchObject({ skipped: true, deleted_keys: 0 });
  } finally {
    await holder.end();
  }
  await expect
    .poll(() => cli.database.query("SELECT FROM pg_locks WHERE locktype = 'advisory'"))
    .toHaveLength(0);
  expect(await cli.json(['cleanup'])).toMatchObject({ skipped: false, deleted_keys: 1 });
});

test('a database that is down is one message and exit 6', async () => {
  const env = { APIKEYS_DATABASE_URL: 'postgres://127.0.0.1:1/none' };
  const result = await runInProcess(['cleanup', '-q'], { env });
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: 6, stdout: '' });
  expect(result.stderr.split('\n').filter((line) => line.startsWith('apikeys:'))).toHaveLength(1);
  expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
});

test('no database configured is exit 2', async () => {
  const result = await runInProcess(['cleanup', '-q']);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(errorOf(await runInProcess(['cleanup', '--json'])).code).toBe('NO_DATABASE');
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves whole batches, tells how many, and exits %i', async (signal, code) => {
  await cli.database.query('DELETE FROM apikeys.secrets');
  await cli.database.query('DELETE FROM apikeys.keys');
  const { id } = await cli.create();
  await cli.database.query(
    `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, revoked_at,
                               audit_seq, audit_hash)
     SELECT gen_random_uuid(), tenant_id, owner_id, 'n', key_prefix, sha256(nth::text::bytea), created_at, 'test',
            now() - interval '31 days', 1, sha256(nth::text::bytea)
       FROM apikeys.keys, generate_series(1, 20000) AS nth WHERE id = $1`,
    [id],
  );
  const deleted = async () => {
    const [row] = await cli.database.query<{ keys: number; events: number }>(
      `SELECT 20001 - (SELECT count(*)::int FROM apikeys.keys) AS keys,
              (SELECT count(*)::int FROM apikeys.audit_events WHERE action = 'key.deleted'
                AND key_id NOT IN (SELECT id FROM apikeys.keys) AND details::json->>'name' = 'n') AS events`,
    );
    return row;
  };
  const sessions = async () =>
    (
      await cli.database.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'apikeys'",
      )
    ).length;
  const before = (await deleted())?.events ?? 0;
  const running = await startApikeys(['cleanup', '--batch-size', '50', '--json'], {
    env: { APIKEYS_DATABASE_URL: cli.database.url },
  });
  while (((await deleted())?.keys ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  running.kill(signal);
  const result = await running.result;
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: code, stdout: '' });
  // The server may still be ending the batch that was cut off.
  await expect.poll(sessions).toBe(0);
  const after = await deleted();
  const told = Number(/(\d+) keys/.exec(JSON.parse(result.stderr).error.message)?.[1]);
  expect(after?.keys).toBe((after?.events ?? 0) - before);
  expect({ told, deleted: after?.keys }).toEqual({ told: after?.keys, deleted: after?.keys });
  expect(after?.keys).toBeLessThan(20_000);
});
