import type { Engine } from '../../../src/db/engine.js';
import { serviceContext } from '../../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import {
  createUsageRecorder,
  type UsageRecorder,
  type UsageRecorderOptions,
} from '../../../src/service/usage/recorder.js';
import type { RunSql } from '../../helpers/run-sql.js';

export { makeKey, unique, verifierOn } from '../verify/verifiers.js';

export const recorderOn = (engine: Engine, options?: UsageRecorderOptions): UsageRecorder =>
  createUsageRecorder(serviceContext(engine, DEFAULT_SETTINGS), options);

/** What is stored of a key: its totals, and its days in order. */
export async function storedUsage(rows: RunSql, keyId: string) {
  const [activity] = await rows(`
    SELECT total_requests::float8 AS requests, total_spend_cents::float8 AS spend, total_refused::float8 AS refused,
           last_used_at, old_secret_used_at, refused_at
      FROM apikeys.key_activity WHERE key_id = '${keyId}'`);
  const days = await rows(`
    SELECT day::text AS day, request_count::float8 AS requests, spend_cents::float8 AS spend
      FROM apikeys.usage_daily WHERE key_id = '${keyId}' ORDER BY day`);
  return { activity, days };
}
