import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { startApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { isLong, patience, scale } from './scale.js';

const ROUNDS = scale('CLEANUP_ROUNDS', { short: 2, long: 200 });
const PROCESSES = 8;
const DEAD = isLong() ? 1_000 : 600;
const LIVE = 200;

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await database.query(
    `INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('default', 'mass', now()), ('default', 'stopped', now())`,
  );
  await database.query(`UPDATE apikeys.owners SET frozen_at = now() WHERE owner_id = 'stopped'`);
});
afterAll(() => database.drop());

/** Stores keys with all that belongs to them; `columns` says what state they are in. */
const fill = (
  count: number,
  owner: string,
  columns: { revoked?: string; expires?: string; frozen?: string },
) =>
  database.query(
    `WITH made AS (
       INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_version, secret_hash, created_at, created_by,
                                 revoked_at, expires_at, lifetime_ms, frozen_at, audit_seq, audit_hash)
       SELECT id, 'default', $2, 'n', 'rv_00000000', 2, sha256((id::text || 2)::bytea), now(), 'test', now() - $3::interval, now() - $4::interval,
              CASE WHEN $4 IS NOT NULL THEN 1 END, now() - $5::interval, 1, sha256(id::text::bytea)
         FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS drawn RETURNING id),
     activity AS (INSERT INTO apikeys.key_activity (key_id) SELECT id FROM made),
     event AS (
       INSERT INTO apikeys.audit_events
       SELECT gen_random_uuid(), 1, now(), 'test', 'test', 'key.created', 'default', $2, id, NULL, '{}', NULL,
              sha256(id::text::bytea) FROM made)
     INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
     SELECT sha256((id::text || version)::bytea), id, version, 'rv_00000000', now(),
            CASE version WHEN 1 THEN now() - interval '1 hour' END
       FROM made, generate_series(1, 2) AS version`,
    [count, owner, columns.revoked ?? null, columns.expires ?? null, columns.frozen ?? null],
  );

/** Everything of the keys that no cleanup may touch. */
const untouchable = async () => {
  const [row] = await database.query<{ keys: number; sum: string }>(
    `SELECT count(DISTINCT key.id)::int AS keys,
            md5(string_agg(key::text || secret::text || activity::text, '|' ORDER BY secret.hash)) AS sum
       FROM apikeys.keys AS key JOIN apikeys.secrets AS secret ON secret.key_id = key.id
       JOIN apikeys.key_activity AS activity ON activity.key_id = key.id
      WHERE ${KEPT}`,
  );
  return row;
};

const KEPT = `key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > now() - interval '30 days'
  OR key.frozen_at IS NOT NULL OR key.owner_id = 'stopped')`;

/** Each gives a row for everything that a half-done, repeated or unaudited deletion would leave behind. */
const FAULTS = [
  `SELECT 'secret without key' FROM apikeys.secrets WHERE key_id NOT IN (SELECT id FROM apikeys.keys)`,
  `SELECT 'activity without key' FROM apikeys.key_activity WHERE key_id NOT IN (SELECT id FROM apikeys.keys)`,
  `SELECT 'key without its secrets' FROM apikeys.keys WHERE 2 <> (SELECT count(*) FROM apikeys.secrets WHERE key_id = id)`,
  `SELECT 'key without activity' FROM apikeys.keys WHERE id NOT IN (SELECT key_id FROM apikeys.key_activity)`,
  `SELECT 'event of a key that is there' FROM apikeys.audit_events
    WHERE action = 'key.deleted' AND key_id IN (SELECT id FROM apikeys.keys)`,
  `SELECT 'deletion without its one event' FROM apikeys.audit_events AS made
    WHERE seq = 1 AND key_id NOT IN (SELECT id FROM apikeys.keys)
      AND 1 <> (SELECT count(*) FROM apikeys.audit_events AS gone
                 WHERE gone.key_id = made.key_id AND gone.seq = 2 AND gone.action = 'key.deleted' AND gone.prev_hash = made.hash)`,
  `SELECT 'more than the two events' FROM apikeys.audit_events WHERE seq > 2`,
];

test(`${PROCESSES} cleanups at once, killed at random, leave nothing half-done and touch no live key`, {
  timeout: patience(ROUNDS, 30_000),
}, async () => {
  await fill(LIVE, 'mass', {});
  await fill(LIVE, 'mass', { expires: '29 days' });
  await fill(LIVE, 'mass', { expires: '90 days', frozen: '1 day' });
  await fill(LIVE, 'stopped', { expires: '90 days' });
  const before = await untouchable();
  expect(before?.keys).toBe(4 * LIVE);
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await fill(DEAD / 2, 'mass', { expires: '31 days' });
    await fill(DEAD / 4, 'stopped', { revoked: '31 days' });
    await fill(DEAD / 4, 'mass', { revoked: '40 days', expires: '31 days', frozen: '50 days' });
    const programs = await Promise.all(
      Array.from({ length: PROCESSES }, async (_, at) => {
        // Not all at the same moment: those that come together mostly find one another and leave.
        await sleep(at * random(60));
        return startApikeys(['cleanup', '--batch-size', '5', '--json'], {
          env: { APIKEYS_DATABASE_URL: database.url },
        });
      }),
    );
    await sleep(100 + random(1_500));
    for (const program of programs.slice(round % 2)) program.kill('SIGKILL');
    const ended = await Promise.all(programs.map(({ result }) => result));
    killed += ended.filter(({ signal }) => signal === 'SIGKILL').length;
    for (const { signal, exitCode, stderr } of ended)
      if (signal === null) expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await sessionsEnded();
    for (const query of FAULTS) expect(await database.query(query)).toEqual([]);
    expect(await untouchable()).toEqual(before);
  }
  expect(killed).toBeGreaterThan(0);

  const last = await startApikeys(['cleanup', '--json'], { env: { APIKEYS_DATABASE_URL: database.url } });
  expect(await last.result).toMatchObject({ exitCode: 0, stderr: '' });
  const [left] = await database.query<{ keys: number; deleted: number }>(
    `SELECT (SELECT count(*)::int FROM apikeys.keys) AS keys,
            (SELECT count(*)::int FROM apikeys.audit_events WHERE action = 'key.deleted') AS deleted`,
  );
  expect(left).toEqual({ keys: 4 * LIVE, deleted: ROUNDS * DEAD });
});

/** What a killed program had sent is carried out or undone by then. */
async function sessionsEnded(): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'apikeys'`,
    );
    if (row?.sessions === 0) return;
    await sleep(20);
  }
}
