import type { Session } from '../../db/engine.js';
import { type AuditAction, chainOfTenant, continuedBy } from '../../domain/audit.js';
import { invariant } from '../../errors.js';
import { insertEvents } from '../../repository/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import {
  advanceOwner,
  insertOwner,
  lockOwner,
  type OwnerRef,
  type OwnerRow,
} from '../../repository/owners.js';
import { ALL_TENANTS } from '../../repository/policies.js';
import { chainOfOwner, continueChains } from './append.js';

/** What was done to a tenant, or to the database, as a whole. */
export interface WholeEvent {
  /** Made before the transaction begins. */
  readonly id: string;
  readonly actor: string;
  readonly action: AuditAction;
  readonly details: unknown;
}

/**
 * Adds an event to the chain of a tenant, or of the database under {@link ALL_TENANTS}, in the transaction that does what it
 * tells. The chain is held from here to the end of that transaction. Nothing is kept from being done by a chain that does
 * not hold: its event begins a new segment. Gives the chain if that was so.
 */
export async function recordOnTenant(
  session: Session,
  tenantId: string,
  { id, actor, action, details }: WholeEvent,
): Promise<ChainRef[]> {
  const ref = chainOfTenant(tenantId);
  const chain = chainOfOwner(ref, await holdChain(session, ref));
  const moment = await readMoment(session);
  const [continuation] = await continueChains(session, [chain]);
  invariant(continuation !== undefined, 'a chain was not looked at');
  const event = continuedBy(continuation, {
    ...ref,
    id,
    at: moment.now,
    actor,
    dbRole: moment.role,
    action,
    reason: null,
    details: JSON.stringify(details),
  });
  await insertEvents(session, [event]);
  await advanceOwner(session, ref, { head: event });
  return continuation.brokenAt === null ? [] : [chain];
}

/** {@link recordOnTenant} of the database. Other transactions write to its chain, too, so this comes last. */
export const recordOnDatabase = (session: Session, event: WholeEvent): Promise<ChainRef[]> =>
  recordOnTenant(session, ALL_TENANTS, event);

/** Its row is made by the first event. */
async function holdChain(session: Session, ref: OwnerRef): Promise<OwnerRow> {
  const found = await lockOwner(session, ref);
  if (found !== undefined) return found;
  await insertOwner(session, ref);
  const made = await lockOwner(session, ref);
  invariant(made !== undefined, 'the row of a chain was made and is gone');
  return made;
}
