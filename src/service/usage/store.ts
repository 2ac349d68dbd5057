import { transaction } from '../../db/transaction.js';
import {
  type ActivityRise,
  addUsage,
  claimPosition,
  type DailyRise,
  holdActivity,
} from '../../repository/usage-flush.js';
import type { ServiceContext } from '../context.js';
import { DAY_MS, type Increment, merge, nothing } from './pending.js';

/** Increments that are counted together, all or none. */
export interface Batch {
  /** Who counts: with the position, what makes a repetition count once. */
  readonly source: string;
  /** Rises from batch to batch of one source. */
  readonly position: number;
  readonly increments: readonly Increment[];
}

/**
 * Counts a batch, once however often it is tried: also after the answer to an earlier try was lost. Increments of keys
 * that do not exist are left out. Gives the database's clock, or undefined if the batch had been counted before.
 * Throws what {@link transaction} throws; the same batch may then be tried again.
 */
export async function storeBatch(
  context: ServiceContext,
  { source, position, increments }: Batch,
): Promise<Date | undefined> {
  await context.ready();
  return transaction(
    context.engine,
    async (session) => {
      const now = await claimPosition(session, source, position);
      if (now === undefined) return undefined;
      const totals = byKey(increments);
      await holdActivity(session, [...totals.keys()]);
      await addUsage(
        session,
        [...totals.values()].map((total) => activityRise(total, now)),
        dailyRises(increments, now),
      );
      return now;
    },
    { settle: async (session) => (await claimPosition(session, source, position)) === undefined },
  );
}

/** All days of each key together, in the order of the keys' ids. */
function byKey(increments: readonly Increment[]): Map<string, Increment> {
  const totals = new Map<string, Increment>();
  for (const increment of [...increments].sort((a, b) =>
    a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : 0,
  )) {
    const { keyId, day } = increment;
    const total = totals.get(keyId) ?? nothing(keyId, day);
    merge(total, increment);
    totals.set(keyId, total);
  }
  return totals;
}

function activityRise(total: Increment, now: Date): ActivityRise {
  const past = (time: number): number | null => (time === 0 ? null : Math.min(time, now.getTime()));
  return {
    keyId: total.keyId,
    requests: total.requests,
    spendCents: total.spendCents,
    refused: total.refused,
    lastUsedAt: past(total.lastUsedAt),
    oldSecretUsedAt: past(total.oldSecretUsedAt),
    refusedAt: past(total.refusedAt),
  };
}

/** Refusals have no day, and a day that has not come by the database's clock is today. */
function dailyRises(increments: readonly Increment[], now: Date): DailyRise[] {
  const today = Math.floor(now.getTime() / DAY_MS);
  const days = new Map<string, Increment>();
  for (const increment of increments) {
    if (increment.requests === 0 && increment.spendCents === 0) continue;
    const day = Math.min(increment.day, today);
    const place = `${increment.keyId}${day}`;
    const sum = days.get(place) ?? nothing(increment.keyId, day);
    merge(sum, increment);
    days.set(place, sum);
  }
  return [...days.values()];
}
