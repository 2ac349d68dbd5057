import type { Session } from '../../db/engine.js';
import { type AuditAction, continuedBy, DATABASE_CHAIN } from '../../domain/audit.js';
import { invariant } from '../../errors.js';
import { insertEvents } from '../../repository/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { advanceOwner, insertOwner, lockOwner, type OwnerRow } from '../../repository/owners.js';
import { chainOfOwner, continueChains } from './append.js';

/** What was done to the database as a whole. */
export interface DatabaseEvent {
  /** Made before the transaction begins. */
  readonly id: string;
  readonly actor: string;
  readonly action: AuditAction;
  readonly details: unknown;
}

/**
 * Adds an event to the chain of the database, in the transaction that does what it tells. The chain is held from here to
 * the end of that transaction, so this comes last. Nothing is kept from being done by a chain that does not hold: its event
 * begins a new segment. Gives the chain if that was so.
 */
export async function recordOnDatabase(
  session: Session,
  { id, actor, action, details }: DatabaseEvent,
): Promise<ChainRef[]> {
  const chain = chainOfOwner(DATABASE_CHAIN, await holdDatabase(session));
  const moment = await readMoment(session);
  const [continuation] = await continueChains(session, [chain]);
  invariant(continuation !== undefined, 'a chain was not looked at');
  const event = continuedBy(continuation, {
    ...DATABASE_CHAIN,
    id,
    at: moment.now,
    actor,
    dbRole: moment.role,
    action,
    reason: null,
    details: JSON.stringify(details),
  });
  await insertEvents(session, [event]);
  await advanceOwner(session, DATABASE_CHAIN, { head: event });
  return continuation.brokenAt === null ? [] : [chain];
}

/** Its row is made by the first event. */
async function holdDatabase(session: Session): Promise<OwnerRow> {
  const found = await lockOwner(session, DATABASE_CHAIN);
  if (found !== undefined) return found;
  await insertOwner(session, DATABASE_CHAIN);
  const made = await lockOwner(session, DATABASE_CHAIN);
  invariant(made !== undefined, 'the row of the database was made and is gone');
  return made;
}
