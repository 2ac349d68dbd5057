import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { testKeysOn } from '../helpers/named-caller.js';
import { runApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { runInTerminal } from '../helpers/terminal.js';
import { bundleFixture, startChild } from './children.js';
import { patience, scale } from './scale.js';

const PROCESSES = 8;
const INCREMENTS = scale('USAGE_INCREMENTS', { short: 12_000, long: 1_000_000 });
/** Milliseconds between two connections that are killed, at most. */
const KILL_EVERY = 60;
/** They are in two months, and in three weeks. */
const FIRST_DAY = '2026-01-28T00:00:00Z';
const DAYS = 10;
const TIMEOUTS = { connect: 20_000, lock: 20_000, statement: 20_000, answer: 30_000 };

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

async function makeKeys(count: number): Promise<string[]> {
  const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS });
  const keys = testKeysOn(engine, { ...DEFAULT_SETTINGS, maxKeysPerOwner: 0 });
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

/** Ends connections in the middle of their work, until `over`. */
async function killConnections(over: Promise<unknown>): Promise<void> {
  let isOver = false;
  void over.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, random(KILL_EVERY)));
    await database.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'recorder' AND state <> 'idle'
       ORDER BY random() LIMIT 1`);
  }
}

test(`${PROCESSES} processes count ${INCREMENTS} increments exactly, through lost connections`, {
  timeout: patience(INCREMENTS, 2),
}, async () => {
  const ids = await makeKeys(20);
  const script = await bundleFixture('record-usage');
  const increments = String(INCREMENTS / PROCESSES);
  const children = Array.from({ length: PROCESSES }, () =>
    startChild(script, [database.url, JSON.stringify(ids), FIRST_DAY, String(DAYS), increments]),
  );
  await Promise.all(children.map((child) => child.next('ready')));
  const ended = Promise.all(children.map((child) => child.ended));
  await killConnections(ended);
  expect(await ended).toEqual(children.map(() => ({ code: 0, stderr: '' })));
  const reports: Report[] = (await Promise.all(children.map((child) => child.next('{')))).map((line) =>
    JSON.parse(line),
  );
  for (const { state } of reports) expect(state).toEqual({ pending: 0, dropped: 0, lastError: null });
  const expected = ids
    .map((id, n) => ({
      id,
      requests: String(reports.reduce((sum, { counts }) => sum + (counts[n] ?? 0), 0)),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
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
  expect(await database.query(`SELECT sum(spend_cents)::int AS cents FROM apikeys.usage_daily`)).toEqual([
    { cents: INCREMENTS },
  ]);
});

describe('apikeys usage', () => {
  const RANGE = ['--since', FIRST_DAY, '--until', '2026-02-06T23:59:59Z'];
  const apikeys = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runApikeys(['usage', ...RANGE, ...args], {
      env: { APIKEYS_DATABASE_URL: database.url },
    });
    expect(stderr).toBe('');
    return stdout;
  };
  const inSql = async (period: string, id: string) => {
    const rows = await database.query<{ period: string; requests: number; cents: number }>(
      `SELECT to_char(day, $1) AS period, sum(request_count)::int AS requests, sum(spend_cents)::int AS cents
         FROM apikeys.usage_daily WHERE key_id = $2 GROUP BY 1 ORDER BY 1`,
      [period, id],
    );
    return rows.map(({ period: name, requests, cents }) => `${name},${requests},${cents}`);
  };

  test.each([
    ['day', 'YYYY-MM-DD'],
    ['week', 'IYYY-"W"IW'],
    ['month', 'YYYY-MM'],
  ])('agrees with SQL by %s, across the end of a month', async (by, period) => {
    const [key] = await database.query<{ id: string }>('SELECT id FROM apikeys.keys ORDER BY id LIMIT 1');
    const id = key?.id ?? '';
    const expected = await inSql(period, id);
    expect(expected.length).toBeGreaterThan(1);
    expect((await apikeys(id, '--by', by, '-o', 'csv')).trim().split('\n').slice(1)).toEqual(expected);
    const { series, request_count, spend_cents } = JSON.parse(await apikeys(id, '--by', by, '--json'));
    expect(
      series.map((one: Record<string, unknown>) => `${one.period},${one.request_count},${one.spend_cents}`),
    ).toEqual(expected);
    const sums = expected.map((line) => line.split(',').slice(1).map(Number));
    const sum = (column: number): number => sums.reduce((all, numbers) => all + (numbers[column] ?? 0), 0);
    expect([request_count, spend_cents]).toEqual([sum(0), sum(1)]);
    const { output } = await runInTerminal(['usage', ...RANGE, id, '--by', by], {
      env: { APIKEYS_DATABASE_URL: database.url },
    });
    const shown = output.replaceAll(',', '');
    for (const line of expected) {
      const [name = '', requests = '', cents = ''] = line.split(',');
      expect(shown).toMatch(new RegExp(`${name} +${requests} +${cents}\\b`));
    }
  });

  test('agrees with SQL over all keys', async () => {
    const [all] = await database.query(
      'SELECT sum(request_count)::int AS request_count, sum(spend_cents)::int AS spend_cents FROM apikeys.usage_daily',
    );
    expect(JSON.parse(await apikeys('--json'))).toMatchObject(all ?? {});
  });
});
