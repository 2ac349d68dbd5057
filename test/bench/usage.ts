import { setImmediate } from 'node:timers/promises';
import { serviceContext } from '../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { createUsageRecorder } from '../../src/service/usage/recorder.js';
import { startCluster } from '../helpers/cluster.js';
import { overUrl, texts } from '../helpers/run-sql.js';
import type { Bench, BenchOptions, Result } from './bench.js';
import { openEngine, openPool, seededDatabase } from './seeded.js';
import { contest } from './throughput.js';

/** "Recording usage", beside one statement for each increment, through `pg` with a pool of 8. */
export const usage: Bench = {
  name: 'usage',
  async run(options) {
    const cluster = await startCluster({ settings: { shared_buffers: '512MB', max_wal_size: '4GB' } });
    try {
      const url = await seededDatabase(cluster, 'usage', options);
      const ids = await overUrl(url, (run) =>
        texts(run, `SELECT id FROM apikeys.keys ORDER BY md5(id::text) LIMIT ${MANY}`),
      );
      return await compare(url, ids, options);
    } finally {
      await cluster.stop();
    }
  },
};

/** Each key is met again only after all others: some are in use at a time, or each of a great many once. */
const IN_USE = 10_000;
const MANY = 100_000;
const CALLERS = 64;

/** What an increment leaves behind, and no more: the day's counters, the key's totals and its last use. */
const UPSERT = `
  WITH daily AS (
    INSERT INTO apikeys.usage_daily AS old (key_id, day, tenant_id, owner_id, request_count, spend_cents)
    SELECT id, (now() AT TIME ZONE 'UTC')::date, tenant_id, owner_id, 1, 2 FROM apikeys.keys WHERE id = $1
        ON CONFLICT (key_id, day) DO UPDATE
       SET request_count = old.request_count + 1, spend_cents = old.spend_cents + 2)
  UPDATE apikeys.key_activity
     SET total_requests = total_requests + 1, total_spend_cents = total_spend_cents + 2, last_used_at = now()
   WHERE key_id = $1`;

/** The counters of the day alone: less than is promised, and what a table of one's own would do. */
const DAILY_UPSERT = `
  INSERT INTO apikeys.usage_daily AS old (key_id, day, tenant_id, owner_id, request_count, spend_cents)
  VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 'default', 'owner', 1, 2)
      ON CONFLICT (key_id, day) DO UPDATE
     SET request_count = old.request_count + 1, spend_cents = old.spend_cents + 2`;

async function compare(url: string, ids: readonly string[], options: BenchOptions): Promise<Result[]> {
  const pool = openPool(url);
  const engine = openEngine(url);
  const recorder = createUsageRecorder(serviceContext(engine, DEFAULT_SETTINGS), { maxPending: 2 * MANY });
  const among =
    (keys: number) =>
    (turn: number): string =>
      ids[turn % Math.min(keys, ids.length)] ?? '';
  const hot = (): string => ids[0] ?? '';
  const statement = (name: string, text: string, id: (turn: number) => string) => (turn: number) =>
    pool.query({ name, text, values: [id(turn)] });
  const recorded = (id: (turn: number) => string) => async (turn: number) => {
    recorder.record(id(turn), { requests: 1, spendCents: 2 });
    // Callers that never wait would keep the flush itself from running.
    if (turn % 256 === 0) await setImmediate();
  };
  try {
    const results: Result[] = [];
    for (const [what, text, id, goal] of [
      [`spread over ${IN_USE} keys`, UPSERT, among(IN_USE), 1 / 14],
      ['on one hot key', UPSERT, hot, 1 / 250],
      [`spread over ${MANY} keys`, UPSERT, among(MANY), 1 / 4],
      [`spread over ${IN_USE} keys, beside the day alone`, DAILY_UPSERT, among(IN_USE), 1 / 14],
      ['on one hot key, beside the day alone', DAILY_UPSERT, hot, 1 / 250],
    ] as const) {
      options.progress(`recording usage ${what}`);
      results.push(
        await contest(options, {
          what: `recording usage ${what}`,
          goal,
          callers: CALLERS,
          measured: recorded(id),
          yardstick: statement(text === UPSERT ? 'upsert' : 'daily', text, id),
          finish: () => recorder.flush(),
        }),
      );
    }
    return results;
  } finally {
    await recorder.close();
    await engine.close();
    await pool.end();
  }
}
