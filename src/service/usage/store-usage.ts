import { isPlaceTaken } from '../../db/pg-errors.js';
import { newId } from '../../domain/id.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { advanceKey, lockKeys } from '../../repository/keys.js';
import { holdActivity } from '../../repository/usage-flush.js';
import { chainOfKey, continueChains } from '../audit/append.js';
import { keyEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, type ServiceContext } from '../context.js';
import { keyNotFound } from '../refusals.js';
import { Pending } from './pending.js';
import { checkCount, checkTime, type UsageIncrement } from './recorder.js';
import { addIncrements } from './store.js';

export interface RecordedUsage {
  /** The key's chain, if it was found broken: the event of this begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

const NOTHING: RecordedUsage = { brokenChains: [] };

/**
 * Adds usage to a key by its id, by hand, with an event in the key's chain. It gives no access, so that a chain that
 * does not hold is no reason to refuse it. Throws `INVALID_INPUT`, `KEY_NOT_FOUND` if there is no such key, or no
 * longer, and what {@link auditedTransaction} throws.
 */
export async function storeUsage(
  context: ServiceContext,
  key: string,
  increment: UsageIncrement,
): Promise<RecordedUsage> {
  const actor = actorOf(context);
  const requests = checkCount('the requests', increment.requests ?? 0);
  const spendCents = checkCount('the spend', increment.spendCents ?? 0);
  const time = increment.at === undefined ? undefined : checkTime(increment.at);
  if (requests === 0 && spendCents === 0) return NOTHING;
  const keyId = key.toLowerCase();
  await context.ready();
  const id = newId();
  return auditedTransaction<RecordedUsage>(
    context.engine,
    async (session, audit) => {
      const [key] = await lockKeys(session, [keyId]);
      if (key === undefined || (await holdActivity(session, [keyId])) === 0) throw keyNotFound([keyId]);
      const moment = await readMoment(session);
      const now = moment.now.getTime();
      const usedAt = Math.min(time ?? now, now);
      const pending = new Pending();
      pending.add(keyId, usedAt, { requests, spendCents, lateCents: spendCents, lastUsedAt: usedAt });
      await addIncrements(session, pending.take(pending.size), moment.now);

      const chain = chainOfKey(key);
      const [continuation] = await continueChains(session, [chain]);
      const details = { request_count: requests, spend_cents: spendCents, used_at: new Date(usedAt) };
      const planned = { action: 'usage.recorded', reason: null, details } as const;
      const event = keyEvent(key, planned, { id, actor, moment }, continuation);
      await advanceKey(session, { keyId, seq: event.seq, hash: event.hash });
      return audit.record([event], continuation?.brokenAt === null ? NOTHING : { brokenChains: [chain] });
    },
    { isRace: isPlaceTaken },
  );
}
