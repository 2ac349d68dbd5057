import { v7 as uuidv7 } from 'uuid';
import type { Session } from '../db/engine.js';
import { transaction } from '../db/transaction.js';
import { nextEvent } from '../domain/audit.js';
import type { Key } from '../domain/key.js';
import { checkActor, checkReason } from '../domain/text.js';
import { eventIsStored, insertEvents } from '../repository/audit.js';
import { readMoment } from '../repository/clock.js';
import { findKeys } from '../repository/key-records.js';
import { lockKeys, markRevoked } from '../repository/keys.js';
import type { ServiceContext } from './context.js';
import { notFound, resolveKeys } from './find-keys.js';

export interface RevokeRequest {
  /** Ids, key prefixes or names. */
  readonly keys: readonly string[];
  readonly tenant?: string | undefined;
  readonly reason?: string | undefined;
  /** Goes on with the others when some are not found. */
  readonly ignoreMissing?: boolean | undefined;
  /** Changes nothing and tells what would change. */
  readonly dryRun?: boolean | undefined;
  readonly actor: string;
}

export interface RevokedKeys {
  /** All that were named, as they are now. */
  readonly keys: readonly Key[];
  /** How many of them this call revoked; one that was revoked before keeps its first reason and time. */
  readonly changed: number;
}

/**
 * Ends keys for good, all of them or none: every verify that starts after this resolved refuses them.
 * Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `INVALID_INPUT`, and what {@link transaction} throws.
 */
export async function revokeKeys(context: ServiceContext, request: RevokeRequest): Promise<RevokedKeys> {
  const actor = checkActor(request.actor);
  const reason = request.reason === undefined ? null : checkReason(request.reason);
  const keys = await resolveKeys(context, request.keys, request);
  const ids = keys.map(({ id }) => id);
  if (request.dryRun) return { keys, changed: keys.filter(({ revokedAt }) => revokedAt === null).length };

  const eventIds = new Map(ids.map((id) => [id, uuidv7()]));
  let sent: string | undefined;
  return transaction(
    context.engine,
    async (session) => {
      const events = await revoke(session, ids, {
        actor,
        reason,
        eventIds,
        ignoreMissing: request.ignoreMissing,
      });
      sent = events[0];
      // Read before the commit: nothing that can fail may follow it.
      const now = new Map((await findKeys(session, ids)).map((key) => [key.id, key]));
      return { keys: ids.flatMap((id) => now.get(id) ?? []), changed: events.length };
    },
    // Without an event there was no change, and so nothing that could have been lost.
    { settle: async (session) => sent === undefined || eventIsStored(session, sent) },
  );
}

interface Revoking {
  readonly actor: string;
  readonly reason: string | null;
  readonly eventIds: ReadonlyMap<string, string>;
  readonly ignoreMissing?: boolean | undefined;
}

/** The ids of the events that were written: one for each key that this revoked. */
async function revoke(session: Session, ids: readonly string[], by: Revoking): Promise<string[]> {
  const locked = await lockKeys(session, ids);
  const gone = ids.filter((id) => !locked.some((key) => key.id === id));
  if (gone.length > 0 && !by.ignoreMissing) throw notFound(gone);
  const live = locked.filter(({ revokedAt }) => revokedAt === null);
  if (live.length === 0) return [];

  const { now, role } = await readMoment(session);
  const events = live.map((key) =>
    nextEvent(
      { seq: key.auditSeq, hash: key.auditHash },
      {
        id: by.eventIds.get(key.id) ?? uuidv7(),
        at: now,
        actor: by.actor,
        dbRole: role,
        action: 'key.revoked',
        tenantId: key.tenantId,
        ownerId: key.ownerId,
        keyId: key.id,
        reason: by.reason,
        details: '{}',
      },
    ),
  );
  await markRevoked(session, {
    at: now,
    by: by.actor,
    reason: by.reason,
    heads: events.map((event, index) => ({ keyId: live[index]?.id ?? '', seq: event.seq, hash: event.hash })),
  });
  await insertEvents(session, events);
  return events.map(({ id }) => id);
}
