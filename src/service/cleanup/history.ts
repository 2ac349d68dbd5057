import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { type AuditAction, type AuditEvent, EMPTY_CHAIN, nextEvent, verifyLink } from '../../domain/audit.js';
import { newId } from '../../domain/id.js';
import { type ChainState, stateAfter } from '../../domain/key-state.js';
import { ApiKeysError, invariant } from '../../errors.js';
import { eventIsStored, insertEvents } from '../../repository/audit.js';
import { type ChainAnchor, findAnchors, setAnchors } from '../../repository/audit-anchors.js';
import { type DatabaseMoment, readMoment } from '../../repository/clock.js';
import {
  deleteEvents,
  deleteUsage,
  findOldEvents,
  findOwnerWithOldEvents,
  findOwnerWithOldUsage,
  type HistoryScope,
} from '../../repository/history.js';
import { advanceOwner, lockOwner, type OwnerRef } from '../../repository/owners.js';
import { chainOfOwner, continueChains } from '../audit/append.js';
import { stateAtStart } from '../audit/compare-state.js';
import { batchTransaction } from './batch-transaction.js';
import type { CleanupRun } from './run.js';
import type { CleanupTask } from './run-batches.js';

/** Deletes old usage days, owner by owner, each time with an event `usage.pruned` in the owner's chain that has their sums. */
export function oldUsage(run: CleanupRun, scope: HistoryScope): CleanupTask {
  return ownerByOwner(run, {
    find: (session, after) => findOwnerWithOldUsage(session, scope, after),
    async prune(session, owner, limit) {
      const { days, requestCount, spendCents } = await deleteUsage(session, owner, scope.before, limit);
      const sums = { days, request_count: requestCount, spend_cents: spendCents };
      return { count: days, action: 'usage.pruned', details: { before: scope.before, ...sums } };
    },
    add: (count) => {
      run.counts.deletedUsageDays += count;
    },
  });
}

/**
 * Deletes old audit events, each chain from its beginning, owner by owner, each time with an event `audit.pruned` in the
 * owner's chain, and an anchor for each chain (see {@link findAnchors}). A chain that does not hold is left as
 * it is, for `audit verify` to show.
 */
export function oldEvents(run: CleanupRun, scope: HistoryScope): CleanupTask {
  const broken = new Set<string | null>();
  return ownerByOwner(run, {
    find(session, after) {
      broken.clear();
      return findOwnerWithOldEvents(session, scope, after);
    },
    async prune(session, owner, limit, { moment, ownerSeq }) {
      const old = await findOldEvents(session, owner, { before: scope.before, limit, except: [...broken] });
      const chains = await holding(session, old, broken);
      const events = chains.flatMap((chain) => chain.events);
      const ends = chains.flatMap(({ events, state }) => {
        const last = events.at(-1);
        return last === undefined ? [] : [{ keyId: last.keyId, seq: last.seq, hash: last.hash, state }];
      });
      await deleteEvents(
        session,
        events.map(({ id }) => id),
      );
      await setAnchors(
        session,
        ends.map(({ state, ...end }) => ({
          ...owner,
          ...end,
          state: JSON.stringify(state),
          ownerSeq,
          prunedAt: moment.now,
          prunedBy: run.actor,
        })),
      );
      return {
        count: events.length,
        action: 'audit.pruned',
        details: {
          before: scope.before,
          events: events.length,
          chains: ends.map(({ keyId, seq, hash, state }) => ({
            key_id: keyId,
            seq,
            hash: hash.toString('hex'),
            state,
          })),
        },
        more: events.length < old.length,
      };
    },
    add: (count) => {
      run.counts.deletedEvents += count;
    },
    explain: (error) =>
      error instanceof ApiKeysError && error.code === 'PERMISSION_DENIED' ? notTheirs(error) : error,
  });
}

/** No profile may change the past. */
const notTheirs = (error: ApiKeysError): ApiKeysError =>
  new ApiKeysError(
    'PERMISSION_DENIED',
    'the database role in use lacks a privilege that deleting audit events needs; nothing was changed',
    {
      details: { reason: 'audit_not_deletable' },
      sqlState: error.sqlState ?? undefined,
    },
  );

interface OldEvents {
  readonly events: readonly AuditEvent[];
  /** What they and those that were pruned before them say of the key or owner: `audit verify` goes on from it. */
  readonly state: ChainState;
}

/** These events by chain, without the chains that do not hold; `broken` gains those. */
async function holding(
  session: Session,
  events: readonly AuditEvent[],
  broken: Set<string | null>,
): Promise<OldEvents[]> {
  const byChain = new Map<string | null, AuditEvent[]>();
  for (const event of events) byChain.set(event.keyId, [...(byChain.get(event.keyId) ?? []), event]);
  const firsts = [...byChain.values()].flatMap((chain) => chain[0] ?? []);
  const anchors = new Map((await findAnchors(session, firsts)).map((anchor) => [anchor.keyId, anchor]));
  for (const [keyId, chain] of byChain) {
    const holds = chain.every(
      (event, at) => verifyLink(chain[at - 1] ?? anchors.get(keyId) ?? EMPTY_CHAIN, event) === null,
    );
    if (!holds) broken.add(keyId);
  }
  return [...byChain].flatMap(([keyId, events]) =>
    broken.has(keyId) ? [] : [{ events, state: stateOf(keyId, events, anchors.get(keyId)) }],
  );
}

const stateOf = (
  keyId: string | null,
  events: readonly AuditEvent[],
  anchor: ChainAnchor | undefined,
): ChainState => events.reduce(stateAfter, stateAtStart(keyId, anchor));

interface Pruned {
  readonly count: number;
  readonly action: AuditAction;
  readonly details: unknown;
  /** True if there may be more although fewer than the limit were deleted. */
  readonly more?: boolean;
}

const BROKEN: Pruned = { count: 0, action: 'audit.pruned', details: {} };

interface Pruning {
  /** The next owner who has something old. */
  find(session: Session, after: OwnerRef | undefined): Promise<OwnerRef | undefined>;
  /** Deletes at most `limit` rows of the owner, whose row is held; the event will have `ownerSeq`. */
  prune(
    session: Session,
    owner: OwnerRef,
    limit: number,
    place: { readonly moment: DatabaseMoment; readonly ownerSeq: number },
  ): Promise<Pruned>;
  add(count: number): void;
  /** What to say of a failure, where there is more to say than the database does. */
  explain?(error: unknown): unknown;
}

/** Owner by owner, each as often as it takes; the owner is held meanwhile, since its chain grows. */
function ownerByOwner(run: CleanupRun, pruning: Pruning): CleanupTask {
  const { engine, actor } = run;
  let owner: OwnerRef | undefined;
  let exhausted = true;
  return {
    async next(limit) {
      if (exhausted) owner = await read(engine, (session) => pruning.find(session, owner));
      const current = owner;
      if (current === undefined) return undefined;
      return {
        size: limit,
        async run() {
          const pruned = await pruneOwner(current, limit).catch((error: unknown) => {
            throw pruning.explain?.(error) ?? error;
          });
          const { count, more } = pruned.value;
          pruning.add(count);
          exhausted = count < limit && more !== true;
          return pruned.lockMs;
        },
      };
    },
  };

  function pruneOwner(of: OwnerRef, limit: number) {
    const eventId = newId();
    let isRecorded = false;
    return batchTransaction<Pruned>(
      run,
      async (session) => {
        isRecorded = false;
        const row = await lockOwner(session, of);
        invariant(row !== undefined, 'an owner that was there is gone');
        const moment = await readMoment(session);
        const head = { seq: row.auditSeq, hash: row.auditHash };
        // Its event would have no place: nothing of this owner is deleted, and `audit verify` shows why.
        const [chain] = await continueChains(session, [chainOfOwner(of, row)]);
        if (chain?.brokenAt !== null) return BROKEN;
        const pruned = await pruning.prune(session, of, limit, { moment, ownerSeq: head.seq + 1 });
        if (pruned.count === 0) return pruned;
        const event = nextEvent(head, {
          id: eventId,
          at: moment.now,
          actor,
          dbRole: moment.role,
          action: pruned.action,
          tenantId: of.tenantId,
          ownerId: of.ownerId,
          keyId: null,
          reason: null,
          details: JSON.stringify(pruned.details),
        });
        await insertEvents(session, [event]);
        await advanceOwner(session, of, { head: event });
        isRecorded = true;
        return pruned;
      },
      async (session) => !isRecorded || eventIsStored(session, eventId),
    );
  }
}
