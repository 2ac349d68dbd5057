import type { Session } from '../db/engine.js';
import type { AuditEvent } from '../domain/audit.js';
import { isFrozenAt } from '../domain/key.js';
import { invariant } from '../errors.js';
import type { ChainRef } from '../repository/audit-anchors.js';
import type { DatabaseMoment } from '../repository/clock.js';
import {
  findOwner,
  type OwnerFreeze,
  type OwnerRef,
  type OwnerRow,
  setOwnerFreeze,
} from '../repository/owners.js';
import { chainOfOwner, continueChains, requireIntactChains } from './audit/append.js';
import { chainEvent } from './audit/events.js';
import { type FreezeOptions, nextFreeze, parseFreezeOptions } from './freeze.js';

/** An owner and its kill switch. */
export interface Owner extends OwnerRef, OwnerFreeze {
  readonly isFrozen: boolean;
}

/** What is to become of an owner's freeze. */
export interface OwnerChange {
  readonly action: 'owner.frozen' | 'owner.unfrozen';
  readonly reason: string | null;
  /** What is to be stored; null if nothing. */
  next(owner: OwnerRow, now: Date): OwnerFreeze | null;
}

export const NOT_FROZEN: OwnerFreeze = {
  frozenAt: null,
  frozenUntil: null,
  frozenBy: null,
  frozenReason: null,
};

/** Throws `INVALID_INPUT`. */
export function ownerFreeze(request: FreezeOptions, actor: string): OwnerChange {
  const options = parseFreezeOptions(request);
  return {
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
  };
}

/** An owner whose row is held. Owners are never deleted. */
export interface HeldOwner {
  readonly ref: OwnerRef;
  readonly row: OwnerRow | undefined;
}

export interface ChangedFreeze {
  readonly owner: Owner;
  /** One, to be recorded in the same transaction; none if it was so before. */
  readonly events: readonly AuditEvent[];
  /** The owner's chain, if it was found broken. */
  readonly brokenChains: readonly ChainRef[];
}

/** Changes the freeze of an owner that is held. */
export async function changeFreeze(
  session: Session,
  { ref, row }: HeldOwner,
  change: OwnerChange,
  origin: { readonly eventId: string; readonly actor: string; readonly moment: DatabaseMoment },
): Promise<ChangedFreeze> {
  const owner = present(row);
  const { now } = origin.moment;
  const next = change.next(owner, now);
  if (next === null) return { owner: viewOf(ref, owner, now), events: [], brokenChains: [] };
  const chain = chainOfOwner(ref, owner);
  const [continuation] = await (change.action === 'owner.frozen' ? continueChains : requireIntactChains)(
    session,
    [chain],
  );
  invariant(continuation !== undefined, 'a chain was not looked at');
  const details = next.frozenAt === null ? {} : { until: next.frozenUntil, frozen_at: next.frozenAt };
  const event = chainEvent(
    chain,
    continuation,
    { action: change.action, reason: change.reason, details },
    { id: origin.eventId, actor: origin.actor, moment: origin.moment },
  );
  await setOwnerFreeze(session, ref, next, event);
  return {
    owner: viewOf(ref, next, now),
    events: [event],
    brokenChains: continuation.brokenAt === null ? [] : [chain],
  };
}

/** What {@link changeFreeze} would do; the owner as it is. */
export async function foreseeFreeze(
  session: Session,
  ref: OwnerRef,
  change: OwnerChange,
  now: Date,
): Promise<{ readonly owner: Owner; readonly changed: 0 | 1 }> {
  const row = present(await findOwner(session, ref));
  return { owner: viewOf(ref, row, now), changed: change.next(row, now) === null ? 0 : 1 };
}

const viewOf = (ref: OwnerRef, freeze: OwnerFreeze, now: Date): Owner => ({
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

function present(owner: OwnerRow | undefined): OwnerRow {
  invariant(owner !== undefined, 'an owner that was there is gone');
  return owner;
}
