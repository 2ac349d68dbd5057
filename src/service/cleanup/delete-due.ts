import type { Session } from '../../db/engine.js';
import { type AuditAction, type AuditEvent, nextEvent } from '../../domain/audit.js';
import { newId } from '../../domain/id.js';
import { eventIsStored } from '../../repository/audit.js';
import type { DeletedKeys } from '../../repository/cleanup.js';
import type { DatabaseMoment } from '../../repository/clock.js';
import { batchTransaction } from './batch-transaction.js';
import { DueItems, type DueQuery, type ItemsOfKey } from './due-items.js';
import type { CleanupRun } from './run.js';
import type { CleanupTask } from './run-batches.js';

export interface Deletion<Item> extends DueQuery<Item> {
  /** What is to be said of one key's items. */
  event(items: ItemsOfKey<Item>, moment: DatabaseMoment): AuditEvent;
  remove(session: Session, events: readonly AuditEvent[], items: readonly Item[]): Promise<DeletedKeys>;
  count(deleted: DeletedKeys): void;
}

/** One key's due items, and their event once it was computed. */
interface Due<Item> {
  readonly items: ItemsOfKey<Item>;
  event?: AuditEvent;
}

/**
 * Deletes what is due, batch by batch. Reading, and computing the events, comes before the transaction (or while the server
 * works on the one before), so that others wait for as little as possible; so a batch leaves what has changed meanwhile. If
 * anything was left, a second scan from the beginning has another look, and what is left then is for the next cleanup.
 *
 * An event's time is the newest that the server has told: of the batch before the last one, moments ago.
 */
export function deleteDue<Item extends { readonly due: boolean }>(
  run: CleanupRun,
  deletion: Deletion<Item>,
): CleanupTask {
  let scan = new DueItems(run, deletion);
  let isSecondScan = false;
  let due: Due<Item>[] = [];
  /** Keys of whose items some were left. */
  let left = 0;
  let { moment } = run.start;

  async function findMore(): Promise<boolean> {
    for (;;) {
      due = (await scan.next()).map((items) => ({ items }));
      moment = scan.moment;
      if (due.length > 0) return true;
      if (left === 0 || isSecondScan) return false;
      isSecondScan = true;
      scan = new DueItems(run, deletion);
    }
  }

  const eventOf = (one: Due<Item>): AuditEvent => {
    one.event ??= deletion.event(one.items, moment);
    return one.event;
  };

  return {
    async next(limit) {
      if (due.length === 0 && !(await findMore())) return undefined;
      const batch = due.splice(0, limit);
      const events = batch.map(eventOf);
      const items = batch.flatMap((one) => one.items);
      return {
        size: batch.length,
        async run() {
          // The next batch may be twice as large.
          const { value, lockMs } = await remove(events, items, () =>
            due.slice(0, 2 * limit).forEach(eventOf),
          );
          deletion.count(value);
          left += events.length - value.keys;
          moment = { ...moment, now: value.now };
          return lockMs;
        },
      };
    },
  };

  function remove(events: readonly AuditEvent[], items: readonly Item[], meanwhile: () => void) {
    let recorded: string | null = null;
    return batchTransaction<DeletedKeys>(
      run,
      async (session) => {
        recorded = null;
        const [deleted] = await Promise.all([
          deletion.remove(session, events, items),
          onceSent().then(meanwhile),
        ]);
        recorded = deleted.eventId;
        return deleted;
      },
      // Without an event nothing was deleted, and so nothing could have been lost.
      async (session) => recorded === null || eventIsStored(session, recorded),
    );
  }
}

/** The driver hands a statement to the socket at the end of its turn. */
const onceSent = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface ChainOfKey {
  readonly keyId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

/** The next event of a key's chain, by whoever runs the cleanup. */
export function cleanupEvent(
  { actor }: CleanupRun,
  action: AuditAction,
  { keyId, tenantId, ownerId, auditSeq, auditHash }: ChainOfKey,
  { now, role }: DatabaseMoment,
  details: unknown,
): AuditEvent {
  return nextEvent(
    { seq: auditSeq, hash: auditHash },
    {
      id: newId(),
      at: now,
      actor,
      dbRole: role,
      action,
      tenantId,
      ownerId,
      keyId,
      reason: null,
      details: JSON.stringify(details),
    },
  );
}
