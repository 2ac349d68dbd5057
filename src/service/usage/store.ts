import type { Session } from '../../db/engine.js';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { transaction } from '../../db/transaction.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { addSpend, type LateSpend } from '../../repository/limits.js';
import {
  type ActivityRise,
  addUsage,
  claimLines,
  claimPosition,
  type DailyRise,
  holdActivity,
  type Lines,
  readProgress,
} from '../../repository/usage-flush.js';
import { recordOnDatabase, type WholeEvent } from '../audit/tenant-chain.js';
import type { ServiceContext } from '../context.js';
import { DAY_MS, type Increment, merge, nothing } from './pending.js';

/** Increments that are counted together, all or none. */
export interface UsageBatch {
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
  { source, position, increments }: UsageBatch,
): Promise<Date | undefined> {
  await context.ready();
  return transaction(
    context.engine,
    async (session) => {
      const now = await claimPosition(session, source, position);
      if (now === undefined) return undefined;
      const totals = byKey(increments);
      await holdActivity(session, [...totals.keys()]);
      await add(session, totals, increments, now);
      return now;
    },
    { wasCommitted: async (session) => (await claimPosition(session, source, position)) === undefined },
  );
}

/** What became of lines that were to be counted. */
export type LinesOutcome =
  | 'counted'
  /** Another run has counted some of them, or all: nothing was done. */
  | 'moved'
  /** Some of the keys are no more: nothing was done. */
  | 'gone';

export interface StoredLines {
  readonly outcome: LinesOutcome;
  /** The chain of the database, if it was found broken: the event of these lines begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

export interface LinesToStore {
  readonly increments: readonly Increment[];
  /** Leaves out increments of keys that do not exist. */
  readonly partly: boolean;
  /** What the chain of the database will tell of them. */
  readonly event: WholeEvent;
}

/**
 * Counts lines of an import, all or none, and only if none of them was counted before. Throws what {@link transaction}
 * throws.
 */
export async function storeLines(
  context: ServiceContext,
  lines: Lines,
  { increments, partly, event }: LinesToStore,
): Promise<StoredLines> {
  await context.ready();
  const nothing = (outcome: LinesOutcome): StoredLines => ({ outcome, brokenChains: [] });
  return transaction(
    context.engine,
    async (session) => {
      const totals = byKey(increments);
      const held = await holdActivity(session, [...totals.keys()]);
      if (held < totals.size && !partly) return nothing('gone');
      if (!(await claimLines(session, lines))) return nothing('moved');
      const { now } = await readMoment(session);
      await add(session, totals, increments, now);
      // Last: other imports wait for the chain from here on.
      return { outcome: 'counted', brokenChains: await recordOnDatabase(session, event) };
    },
    {
      isRace: isPlaceTaken,
      // Claiming waits for the lost transaction; what cannot be claimed and is passed has been counted.
      wasCommitted: async (session) =>
        !(await claimLines(session, lines)) &&
        (await readProgress(session, lines.source)).position >= lines.upTo,
    },
  );
}

/** Adds to keys whose activity is held. */
export const addIncrements = (session: Session, increments: readonly Increment[], now: Date): Promise<void> =>
  add(session, byKey(increments), increments, now);

async function add(
  session: Session,
  totals: ReadonlyMap<string, Increment>,
  increments: readonly Increment[],
  now: Date,
): Promise<void> {
  await addUsage(
    session,
    [...totals.values()].map((total) => activityRise(total, now)),
    dailyRises(increments, now),
  );
  const spends = lateSpends(increments, now);
  if (spends.length > 0) await addSpend(session, spends);
}

function lateSpends(increments: readonly Increment[], now: Date): LateSpend[] {
  const today = Math.floor(now.getTime() / DAY_MS);
  return increments
    .filter(({ lateCents }) => lateCents > 0)
    .map(({ keyId, day, lateCents }) => ({ keyId, cents: lateCents, day: Math.min(day, today) }));
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
    const bucketKey = `${increment.keyId}${day}`;
    const sum = days.get(bucketKey) ?? nothing(increment.keyId, day);
    merge(sum, increment);
    days.set(bucketKey, sum);
  }
  return [...days.values()];
}
