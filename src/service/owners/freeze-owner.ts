import type { Session } from '../../db/engine.js';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { read } from '../../db/transaction.js';
import type { AuditEvent } from '../../domain/audit.js';
import { newId } from '../../domain/id.js';
import { isFrozenAt, type Key } from '../../domain/key.js';
import { checkReason } from '../../domain/text.js';
import { invariant } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { type DatabaseMoment, readMoment } from '../../repository/clock.js';
import { findKeys } from '../../repository/key-records.js';
import { findUnrevokedIds } from '../../repository/keys.js';
import {
  findOwner,
  lockOwner,
  type OwnerFreeze,
  type OwnerRef,
  type OwnerRow,
  setOwnerFreeze,
} from '../../repository/owners.js';
import { chainOfOwner, continueChains, requireIntactChains } from '../audit/append.js';
import { chainEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import {
  actorOf,
  type ChangeOptions,
  requireKeyManagement,
  type ServiceContext,
  tenantOf,
} from '../context.js';
import { type FreezeOptions, nextFreeze, parseFreezeOptions } from '../freeze.js';
import { type KeyImpact, usageOf } from '../key-impact.js';
import { resolveOwner } from '../resolve-owner.js';

/** An owner and its kill switch. */
export interface Owner extends OwnerRef, OwnerFreeze {
  readonly isFrozen: boolean;
}

export interface ChangedOwner {
  readonly owner: Owner;
  /** Its keys that are not revoked, as they are now. */
  readonly keys: readonly Key[];
  /** 1 if the owner's freeze changed (or with `dryRun` would), 0 if it was so before. */
  readonly changed: number;
  readonly impact: readonly KeyImpact[] | null;
  /** The owner's chain, if it was found broken: the change was made, and its event begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

interface OwnerTarget {
  readonly owner: string;
}

export type FreezeOwnerRequest = OwnerTarget & ChangeOptions & FreezeOptions;
export type UnfreezeOwnerRequest = OwnerTarget & ChangeOptions & { readonly reason?: string | undefined };

/**
 * Suspends an owner: all its keys stop at once, and it gets no new ones. By the same options as a key's freeze.
 * Throws `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`, `INVALID_INPUT`, and what {@link auditedTransaction} throws.
 */
export async function freezeOwner(
  context: ServiceContext,
  request: FreezeOwnerRequest,
): Promise<ChangedOwner> {
  const options = parseFreezeOptions(request);
  const actor = actorOf(context);
  return changeOwner(context, request, {
    action: 'owner.frozen',
    reason: options.reason,
    next(owner, now) {
      const freeze = nextFreeze(owner, options, { now, actor });
      return (
        freeze && {
          frozenAt: freeze.at,
          frozenUntil: freeze.until,
          frozenBy: freeze.by,
          frozenReason: freeze.reason,
        }
      );
    },
  });
}

/** Lifts the owner's freeze; a key that was frozen by itself stays so. Throws `FEATURE_DISABLED`, and as {@link freezeOwner} does. */
export async function unfreezeOwner(
  context: ServiceContext,
  request: UnfreezeOwnerRequest,
): Promise<ChangedOwner> {
  requireKeyManagement(context);
  return changeOwner(context, request, {
    action: 'owner.unfrozen',
    reason: request.reason === undefined ? null : checkReason(request.reason),
    next: (owner, now) => (isFrozenAt(owner, now) ? NOT_FROZEN : null),
  });
}

const NOT_FROZEN: OwnerFreeze = { frozenAt: null, frozenUntil: null, frozenBy: null, frozenReason: null };

interface OwnerChange {
  readonly action: 'owner.frozen' | 'owner.unfrozen';
  readonly reason: string | null;
  /** What is to be stored; null if nothing. */
  next(owner: OwnerRow, now: Date): OwnerFreeze | null;
}

async function changeOwner(
  context: ServiceContext,
  request: OwnerTarget & ChangeOptions,
  change: OwnerChange,
): Promise<ChangedOwner> {
  const actor = actorOf(context);
  const tenant = tenantOf(context);
  await context.ready();
  if (request.dryRun) return preview(context, request, change);
  const eventId = newId();
  return auditedTransaction<ChangedOwner>(
    context.engine,
    async (session, audit) => {
      const ref = await resolveOwner(session, request.owner, tenant);
      const owner = present(await lockOwner(session, ref));
      const moment = await readMoment(session);
      const next = change.next(owner, moment.now);
      const changed = (freeze: OwnerFreeze, keys: readonly Key[]) => ({
        owner: view(ref, freeze, moment.now),
        keys,
        impact: null,
      });
      if (next === null) {
        const keys = await unrevokedKeys(session, ref);
        return audit.unchanged({ ...changed(owner, keys), changed: 0, brokenChains: [] });
      }
      const { event, brokenChains } = await storeFreeze(session, ref, owner, next, {
        eventId,
        actor,
        moment,
        change,
      });
      const keys = await unrevokedKeys(session, ref);
      return audit.record([event], { ...changed(next, keys), changed: 1, brokenChains });
    },
    { isRace: isPlaceTaken },
  );
}

async function preview(
  context: ServiceContext,
  target: OwnerTarget,
  change: OwnerChange,
): Promise<ChangedOwner> {
  return read(context.engine, async (session) => {
    const ref = await resolveOwner(session, target.owner, tenantOf(context));
    const owner = present(await findOwner(session, ref));
    const { now } = await readMoment(session);
    const keys = await unrevokedKeys(session, ref);
    const changed = change.next(owner, now) === null ? 0 : 1;
    return {
      owner: view(ref, owner, now),
      keys,
      changed,
      impact: changed === 0 ? [] : await usageOf(session, keys),
      brokenChains: [],
    };
  });
}

interface Recording {
  readonly eventId: string;
  readonly actor: string;
  readonly moment: DatabaseMoment;
  readonly change: OwnerChange;
}

async function storeFreeze(
  session: Session,
  ref: OwnerRef,
  owner: OwnerRow,
  freeze: OwnerFreeze,
  { eventId, actor, moment, change }: Recording,
): Promise<{ event: AuditEvent; brokenChains: ChainRef[] }> {
  const chain = chainOfOwner(ref, owner);
  const [continuation] = await (change.action === 'owner.frozen' ? continueChains : requireIntactChains)(
    session,
    [chain],
  );
  invariant(continuation !== undefined, 'a chain was not looked at');
  const details = freeze.frozenAt === null ? {} : { until: freeze.frozenUntil, frozen_at: freeze.frozenAt };
  const event = chainEvent(
    chain,
    continuation,
    { action: change.action, reason: change.reason, details },
    { id: eventId, actor, moment },
  );
  await setOwnerFreeze(session, ref, freeze, event);
  return { event, brokenChains: continuation.brokenAt === null ? [] : [chain] };
}

async function unrevokedKeys(session: Session, owner: OwnerRef): Promise<Key[]> {
  return findKeys(session, await findUnrevokedIds(session, owner));
}

const view = (ref: OwnerRef, freeze: OwnerFreeze, now: Date): Owner => ({
  tenantId: ref.tenantId,
  ownerId: ref.ownerId,
  ...(isFrozenAt(freeze, now)
    ? {
        isFrozen: true,
        frozenAt: freeze.frozenAt,
        frozenUntil: freeze.frozenUntil,
        frozenBy: freeze.frozenBy,
        frozenReason: freeze.frozenReason,
      }
    : { isFrozen: false, ...NOT_FROZEN }),
});

/** Owners are never deleted. */
function present(owner: OwnerRow | undefined): OwnerRow {
  invariant(owner !== undefined, 'an owner that was there is gone');
  return owner;
}
