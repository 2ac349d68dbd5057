import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import type { Key } from '../../domain/key.js';
import type { KeyReference } from '../../domain/key-reference.js';
import { hasLimits, type Limits, limitFacts, NO_LIMITS } from '../../domain/limits.js';
import { type LimitsState, limitsState } from '../../domain/standing.js';
import { ApiKeysError, invariant } from '../../errors.js';
import { readMoment } from '../../repository/clock.js';
import { findKeys } from '../../repository/key-records.js';
import { advanceKey, lockKeys } from '../../repository/keys.js';
import {
  deleteLimits,
  findStanding,
  type LimitedRef,
  markKeyLimited,
  markOwnerLimited,
  storeLimits,
} from '../../repository/limits.js';
import { advanceOwner, lockOwner, type OwnerRef } from '../../repository/owners.js';
import { chainOfKey, chainOfOwner, requireIntactChains } from '../audit/append.js';
import { chainEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, requireKeyManagement, type ServiceContext, tenantOf } from '../context.js';
import { changedLimits, type LimitChanges, parseChanges, sameLimits } from '../limits-request.js';
import { keyNotFound, keyRevoked } from '../refusals.js';
import { nameOf, resolveKeys } from '../resolve-keys.js';
import { resolveOwner } from '../resolve-owner.js';

/** Whose limits they are: a key's, or without one an owner's as a whole. */
export interface LimitsTarget {
  /** An id, a key prefix or a name; of several keys of that name, the one of `owner`. */
  readonly key?: KeyReference | undefined;
  readonly owner?: string | undefined;
}

export interface LimitsRequest extends LimitsTarget, LimitChanges {}

/** The limits of a key, or of an owner as a whole, and what is left of each. */
export interface LimitsOf extends LimitsState, OwnerRef {
  /** Null for those of an owner. */
  readonly key: Key | null;
}

export interface ChangedLimits extends LimitsOf {
  /** 0 if they were so before. */
  readonly changed: 0 | 1;
}

/** Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`, and what {@link read} throws. */
export async function getLimits(context: ServiceContext, target: LimitsTarget): Promise<LimitsOf> {
  const found = await find(context, target);
  return read(context.engine, (session) => limitsNow(session, found));
}

/**
 * Changes what a key, or an owner as a whole, may use, and from where; the audit event holds the limits before and after.
 * What was counted stays counted, unless it is by another period from now on. An owner's limits hold for all its keys
 * together, beside each one's own.
 *
 * Throws `INVALID_INPUT`, `FEATURE_DISABLED`, `KEY_REVOKED`, as {@link getLimits} does, and what {@link auditedTransaction}
 * throws.
 */
export async function updateLimits(context: ServiceContext, request: LimitsRequest): Promise<ChangedLimits> {
  requireKeyManagement(context);
  const changes = parseChanges(request);
  const actor = actorOf(context);
  const found = await find(context, request);
  const id = newId();
  return auditedTransaction<ChangedLimits>(context.engine, async (session, audit) => {
    const { ref, chain, action } = await hold(session, found);
    const before = (await findStanding(session, ref))?.limits ?? NO_LIMITS;
    const after = changedLimits(before, changes);
    if (sameLimits(before, after)) {
      return audit.unchanged({ ...(await limitsNow(session, found)), changed: 0 });
    }
    const [continuation] = await requireIntactChains(session, [chain]);
    invariant(continuation !== undefined, 'a chain was not looked at');
    const moment = await readMoment(session);
    const details = { limits: beforeAndAfter(before, after) };
    const event = chainEvent(chain, continuation, { action, reason: null, details }, { id, actor, moment });
    await (hasLimits(after) ? storeLimits(session, ref, after) : deleteLimits(session, ref));
    if (found.key === null) {
      await markOwnerLimited(session, found);
      await advanceOwner(session, found, { head: event });
    } else {
      await markKeyLimited(session, found.key.id);
      await advanceKey(session, { keyId: found.key.id, seq: event.seq, hash: event.hash });
    }
    return audit.record([event], { ...(await limitsNow(session, found)), changed: 1 });
  });
}

/** As the audit trail has them: null for none at all. */
const factsOf = (limits: Limits) => (hasLimits(limits) ? limitFacts(limits) : null);

const beforeAndAfter = (before: Limits, after: Limits) => ({
  before: factsOf(before),
  after: factsOf(after),
});

interface Found extends OwnerRef {
  readonly key: Key | null;
}

async function find(context: ServiceContext, { key: reference, owner }: LimitsTarget): Promise<Found> {
  if (reference !== undefined) {
    const [key] = await resolveKeys(context, [reference], { owner });
    if (key === undefined) throw keyNotFound([nameOf(reference)]);
    return { tenantId: key.tenantId, ownerId: key.ownerId, key };
  }
  if (owner === undefined) throw new ApiKeysError('INVALID_INPUT', 'neither a key nor an owner was named');
  const tenant = tenantOf(context);
  await context.ready();
  const found = await read(context.engine, (session) => resolveOwner(session, owner, tenant));
  return { ...found, key: null };
}

const refOf = ({ key, tenantId, ownerId }: Found): LimitedRef =>
  key === null ? { tenantId, ownerId } : { keyId: key.id };

/** The owner comes first: whether it has limits decides what is marked on its keys. */
async function hold(session: Session, found: Found) {
  const owner = await lockOwner(session, found);
  invariant(owner !== undefined, 'an owner that was there is gone');
  const ref = refOf(found);
  if (found.key === null) {
    return { ref, chain: chainOfOwner(found, owner), action: 'owner.limits_changed' } as const;
  }
  const [row] = await lockKeys(session, [found.key.id]);
  if (row === undefined) throw keyNotFound([found.key.id]);
  if (row.revokedAt !== null) throw keyRevoked(row, 'changed');
  return { ref, chain: chainOfKey(row), action: 'key.limits_changed' } as const;
}

async function limitsNow(session: Session, found: Found): Promise<LimitsOf> {
  const { tenantId, ownerId } = found;
  const of = found.key === null ? 'owner' : 'key';
  const state = limitsState(of, await findStanding(session, refOf(found)));
  if (found.key === null) return { tenantId, ownerId, key: null, ...state };
  const [key] = await findKeys(session, [found.key.id]);
  if (key === undefined) throw keyNotFound([found.key.id]);
  return { tenantId, ownerId, key, ...state };
}
