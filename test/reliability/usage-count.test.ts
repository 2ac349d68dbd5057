import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer } from '../../src/db/server.js';
import { serverSettings } from '../../src/db/server-settings.js';
import { apiKeysOn } from '../../src/service/api-keys.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { bundleFixture, startChild } from './children.js';
import { patience, random, scale } from './scale.js';

const PROCESSES = 4;
const KILLS = scale('USAGE_KILLS', { short: 40, long: 2_000 });
const TIMEOUTS = { connect: 20_000, lock: 20_000, statement: 20_000, answer: 30_000 };

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

async function makeKeys(count: number): Promise<string[]> {
  const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS });
  const keys = apiKeysOn(engine, { ...DEFAULT_SETTINGS, maxKeysPerOwner: 0 });
  try {
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      ids.push((await keys.create({ name: `key ${n}`, owner: 'owner', actor: 'test' })).key.id);
    }
    return ids;
  } finally {
    await keys.close();
  }
}

interface Report {
  readonly counts: readonly number[];
  readonly failures: number;
  readonly state: unknown;
}

test(`${PROCESSES} processes count exactly what they acknowledge, through ${KILLS} lost connections`, {
  timeout: patience(KILLS, 500),
}, async () => {
  const ids = await makeKeys(20);
  const script = await bundleFixture('record-usage');
  const children = Array.from({ length: PROCESSES }, () =>
    startChild(script, [database.url, JSON.stringify(ids)]),
  );
  await Promise.all(children.map((child) => child.next('ready')));
  let killed = 0;
  while (killed < KILLS) {
    await new Promise((resolve) => setTimeout(resolve, random(30)));
    const ended = await database.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'recorder' AND state <> 'idle'
       ORDER BY random() LIMIT 1`);
    killed += ended.length;
  }
  for (const child of children) child.process.stdin?.end();
  const reports: Report[] = (await Promise.all(children.map((child) => child.next('{')))).map((line) =>
    JSON.parse(line),
  );
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual(
    children.map(() => ({ code: 0, stderr: '' })),
  );
  for (const { state } of reports) expect(state).toEqual({ pending: 0, dropped: 0, lastError: null });
  const expected = ids.map((id, n) => ({
    id,
    requests: String(reports.reduce((sum, { counts }) => sum + (counts[n] ?? 0), 0)),
  }));
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  expected.sort(byId);
  expect(
    await database.query(
      `SELECT key_id AS id, total_requests AS requests FROM apikeys.key_activity ORDER BY key_id`,
    ),
  ).toEqual(expected);
  expect(
    await database.query(
      `SELECT key_id AS id, sum(request_count)::text AS requests FROM apikeys.usage_daily GROUP BY key_id ORDER BY key_id`,
    ),
  ).toEqual(expected);
  // Something was lost on the way, or this has shown nothing.
  expect(reports.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(0);
});
