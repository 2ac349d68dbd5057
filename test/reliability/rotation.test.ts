import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/db/engine.js';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import type { CreateJson, RotateJson } from '../../src/representation/schemas/key-secrets.js';
import { bundle } from '../helpers/bundle.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { runApikeys, runTogether } from '../helpers/program.js';
import { overEngine } from '../helpers/run-sql.js';
import { chainFaults, hashOf, secretsOf } from '../integration/life/stored.js';

const SECONDS = Number(process.env.SECONDS ?? 1.5);

let database: TestDatabase;
let engine: Engine;
let worker: string;
beforeAll(async () => {
  database = await testDatabase();
  const timeouts = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 20_000 };
  engine = openServer({ settings: serverSettings(database.url, {}), timeouts });
  worker = await bundle(new URL('fixtures/change-keys.ts', import.meta.url));
});
afterAll(async () => {
  await engine.close();
  await database.drop();
});

const environment = () => ({ APIKEYS_DATABASE_URL: database.url });

async function create(owner: string): Promise<string> {
  const args = ['create', 'ci', '--owner', owner, '--json'];
  const { stdout } = await runApikeys(args, { env: environment() });
  return (JSON.parse(stdout) as CreateJson).id;
}

const secrets = (id: string) => secretsOf(overEngine(engine), id);
const faults = () => chainFaults(overEngine(engine));

async function deadlocks(): Promise<string | undefined> {
  const [row] = await database.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks;
}

/** Keys whose secrets and row contradict each other: no current secret, or not the one that the row names. */
async function torn(): Promise<unknown[]> {
  return database.query(
    `SELECT key.id, key.secret_version, key.key_prefix, count(secret.hash)::int AS current
       FROM apikeys.keys AS key
       LEFT JOIN apikeys.secrets AS secret
         ON secret.key_id = key.id AND secret.valid_until IS NULL
        AND secret.version = key.secret_version AND secret.key_prefix = key.key_prefix
      GROUP BY key.id HAVING count(secret.hash) <> 1`,
  );
}

test('eight processes that rotate one key at once without grace all do, one after the other', async () => {
  const id = await create('at once');
  const results = await runTogether(8, () => ({
    args: ['rotate', id, '--grace', '0', '--json'],
    options: { env: environment() },
  }));
  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(Array(8).fill([0, '']));
  const shown = results.map(({ stdout }) => (JSON.parse(stdout) as RotateJson).api_key ?? '');
  const stored = await secrets(id);
  expect(stored.map(({ version }) => version)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(
    stored
      .slice(0, 8)
      .map(({ hash }) => hash)
      .sort(),
  ).toEqual(shown.map(hashOf).sort());
  expect(stored.map(({ valid_until }) => valid_until === null)).toEqual([true, ...Array(8).fill(false)]);
  const [now] = await database.query<{ dead: boolean }>(
    `SELECT bool_and(valid_until <= now()) AS dead FROM apikeys.secrets WHERE key_id = $1 AND version < 9`,
    [id],
  );
  expect(now?.dead).toBe(true);
  expect([await torn(), await faults()]).toEqual([[], []]);
});

test('eight processes that rotate one key at once with grace leave three live secrets', async () => {
  const id = await create('with grace');
  const results = await runTogether(8, () => ({
    args: ['rotate', id, '-q'],
    options: { env: environment() },
  }));
  expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 0, 4, 4, 4, 4, 4, 4]);
  const stored = await secrets(id);
  const shown = results.flatMap(({ stdout }) => (stdout === '' ? [] : [hashOf(stdout.trim())]));
  expect(shown.sort()).toEqual(
    stored
      .slice(0, 2)
      .map(({ hash }) => hash)
      .sort(),
  );
  expect(stored.map(({ version, valid_until }) => [version, valid_until === null])).toEqual([
    [3, true],
    [2, false],
    [1, false],
  ]);
  expect([await torn(), await faults()]).toEqual([[], []]);
});

interface Outcome {
  readonly action: string;
  readonly code: string;
  readonly keyId?: string;
  readonly hash?: string;
}

/** Runs a process that does this to the keys for so long. */
async function work(action: string, seconds: number, owner: string, keys: readonly string[]) {
  const args = [worker, database.url, action, String(seconds * 1_000), owner, ...keys];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8, timeout: 60_000 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): Outcome => JSON.parse(line));
}

/** What the rules may answer to each; anything else, a deadlock or a timeout above all, is a failure. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  rotate: [],
  'rotate with grace': ['TOO_MANY_SECRETS'],
};

test('rotations among freezes, updates and expiries from many processes stay whole, and a revoke ends them', async () => {
  const owner = 'busy';
  const keys = [await create(owner), await create(owner), await create(owner)];
  const actions = [
    'rotate',
    'rotate',
    'rotate with grace',
    'end grace',
    'freeze',
    'freeze owner',
    'update',
    'scopes',
  ];
  const workers = Promise.all(actions.map((action) => work(action, SECONDS, owner, keys)));
  let working = true;
  const watch = async () => {
    const seen: unknown[] = [];
    for (let round = 0; working; round++) {
      seen.push(...(await torn()));
      // So that rotations and updates need the owner now and then.
      await database.query(
        `UPDATE apikeys.keys SET expires_at = now() - interval '1 s' WHERE id = $1 AND expires_at > now()`,
        [keys[round % keys.length]],
      );
      await sleep(20);
    }
    return seen;
  };
  const watched = watch();
  const outcomes = (
    await workers.finally(() => {
      working = false;
    })
  ).flat();
  expect(await watched).toEqual([]);

  const unexpected = outcomes.filter(
    ({ action, code }) => code !== 'done' && !REFUSALS[action]?.includes(code),
  );
  expect(unexpected.slice(0, 10)).toEqual([]);
  const done = outcomes.filter(({ code }) => code === 'done').map(({ action }) => action);
  expect([...new Set(done)]).toEqual(
    expect.arrayContaining(actions.filter((one) => !one.startsWith('rotate'))),
  );
  expect(done.some((action) => action.startsWith('rotate'))).toBe(true);

  // Every secret that was handed out is a version of its key, and there are no others.
  for (const id of keys) {
    const stored = await secrets(id);
    const shown = outcomes.filter(({ keyId }) => keyId === id).map(({ hash }) => hash);
    expect(
      stored
        .slice(0, -1)
        .map(({ hash }) => hash)
        .sort(),
    ).toEqual(shown.sort());
    expect(stored.map(({ version }) => version)).toEqual(stored.map((_, index) => stored.length - index));
    const events = await database.query<{ version: string }>(
      `SELECT details::json->>'version' AS version FROM apikeys.audit_events
        WHERE key_id = $1 AND action = 'key.rotated' ORDER BY seq DESC`,
      [id],
    );
    expect(events.map(({ version }) => Number(version))).toEqual(
      stored.slice(0, -1).map(({ version }) => version),
    );
  }

  // Now with somebody who ends them while the others go on.
  const [ended] = await Promise.all([
    sleep(400).then(() => work('revoke', 0, owner, keys)),
    ...['rotate', 'freeze', 'update', 'scopes'].map((action) => work(action, 1, owner, keys)),
  ]);
  expect(ended).toEqual([{ action: 'revoke', code: 'done' }]);
  // What is revoked stays so, and only its freeze may still be lifted.
  const after = await database.query(
    `SELECT later.key_id, later.action FROM apikeys.audit_events AS revocation
       JOIN apikeys.audit_events AS later
         ON later.key_id = revocation.key_id AND later.seq > revocation.seq
      WHERE revocation.action = 'key.revoked' AND later.action <> 'key.unfrozen'`,
  );
  expect(after).toEqual([]);
  expect(
    await database.query('SELECT id FROM apikeys.keys WHERE id = ANY($1) AND revoked_at IS NULL', [keys]),
  ).toEqual([]);
  expect([await torn(), await faults(), await deadlocks()]).toEqual([[], [], '0']);
});
