import type { Session } from '../../db/engine.js';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import { isFrozenAt, type Key } from '../../domain/key.js';
import { checkReason } from '../../domain/text.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { findKeys } from '../../repository/key-records.js';
import { findUnrevokedIds } from '../../repository/keys.js';
import { lockOwner, type OwnerRef } from '../../repository/owners.js';
import { auditedTransaction } from '../audited-transaction.js';
import {
  actorOf,
  type ChangeOptions,
  requireKeyManagement,
  type ServiceContext,
  tenantOf,
} from '../context.js';
import type { FreezeOptions } from '../freeze.js';
import { type KeyImpact, usageOf } from '../key-impact.js';
import {
  changeFreeze,
  foreseeFreeze,
  NOT_FROZEN,
  type Owner,
  type OwnerChange,
  ownerFreeze,
} from '../owner-freeze.js';
import { resolveOwner } from '../resolve-owner.js';

export type { Owner } from '../owner-freeze.js';

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
  return changeOwner(context, request, ownerFreeze(request, actorOf(context)));
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
      const row = await lockOwner(session, ref);
      const moment = await readMoment(session);
      const { owner, events, brokenChains } = await changeFreeze(session, { ref, row }, change, {
        eventId,
        actor,
        moment,
      });
      const keys = await unrevokedKeys(session, ref);
      return audit.record(events, { owner, keys, changed: events.length, impact: null, brokenChains });
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
    const { now } = await readMoment(session);
    const { owner, changed } = await foreseeFreeze(session, ref, change, now);
    const keys = await unrevokedKeys(session, ref);
    const impact = changed === 0 ? [] : await usageOf(session, keys);
    return { owner, keys, changed, impact, brokenChains: [] };
  });
}

async function unrevokedKeys(session: Session, owner: OwnerRef): Promise<Key[]> {
  return findKeys(session, await findUnrevokedIds(session, owner));
}
