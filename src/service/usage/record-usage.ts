import { read } from '../../db/transaction.js';
import { readMoment } from '../../repository/clock.js';
import type { ServiceContext } from '../context.js';
import { notFound } from '../find-keys.js';
import { checkCount, checkTime, type UsageIncrement } from '../usage-recorder.js';
import { Pending } from './pending.js';
import { storeOne } from './store.js';

/**
 * Adds usage to a key, and resolves once it is stored. Throws `INVALID_INPUT`, `KEY_NOT_FOUND` if there is no such key,
 * or no longer, and what storing throws.
 */
export async function recordUsage(
  context: ServiceContext,
  keyId: string,
  { requests = 0, spendCents = 0, at }: UsageIncrement,
): Promise<void> {
  const addition = {
    requests: checkCount('the requests', requests),
    spendCents: checkCount('the spend', spendCents),
  };
  const time = at === undefined ? undefined : checkTime(at);
  if (requests === 0 && spendCents === 0) return;
  await context.ready();
  const now = (await read(context.engine, readMoment)).now.getTime();
  const pending = new Pending();
  const lastUsedAt = Math.min(time ?? now, now);
  pending.add(keyId.toLowerCase(), lastUsedAt, { ...addition, lastUsedAt });
  for (const increment of pending.take(1)) {
    if (!(await storeOne(context, increment))) throw notFound([keyId]);
  }
}
