import type { Engine, Session } from '../db/engine.js';
import { type TransactionOptions, transaction } from '../db/transaction.js';
import type { AuditEvent } from '../domain/audit.js';
import { eventIsStored, insertEvents } from '../repository/audit.js';

/** How the work of a transaction ended: with events, or with nothing changed. Only an {@link AuditLog} can make one. */
class AuditedResult<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  static valueOf<T>(result: AuditedResult<T>): T {
    return result.#value;
  }
}

export type { AuditedResult };

/** How the work of an {@link auditedTransaction} says what it did. */
export interface AuditLog {
  /** Writes the events of a change, within its transaction. Of no events: nothing was changed. */
  record<T>(events: readonly AuditEvent[], value: T): Promise<AuditedResult<T>>;
  /**
   * For a statement that writes a change and its events as one. It gives the id of any event that it wrote; null if it
   * changed nothing.
   */
  recordedBy<T>(
    write: () => Promise<{ readonly eventId: string | null; readonly value: T }>,
  ): Promise<AuditedResult<T>>;
  unchanged<T>(value: T): AuditedResult<T>;
}

export type AuditedTransactionOptions = Omit<TransactionOptions, 'wasCommitted'>;

/**
 * Runs a change and its audit events in one transaction. `work` has to end with what `audit` gives, so that no change is
 * without an event. If the answer to COMMIT is lost, the first event tells whether the change is stored.
 *
 * `work` may run several times: ids and secrets are made before it. Throws what {@link transaction} throws.
 *
 * @example
 * await auditedTransaction(engine, async (session, audit) => {
 *   const row = await holdKey(session, id);
 *   if (row.name === name) return audit.unchanged(0);
 *   const event = keyEvent(row, { action: 'key.updated', reason: null, details: {} }, origin);
 *   await patchKey(session, headOf(event), { name });
 *   return audit.record([event], 1);
 * });
 */
export async function auditedTransaction<T>(
  engine: Engine,
  work: (session: Session, audit: AuditLog) => Promise<AuditedResult<T>>,
  options: AuditedTransactionOptions = {},
): Promise<T> {
  let eventId: string | null = null;
  const result = await transaction(
    engine,
    (session) => {
      // An earlier try was rolled back, and its events with it.
      eventId = null;
      return work(session, {
        async record(events, value) {
          await insertEvents(session, events);
          eventId ??= events[0]?.id ?? null;
          return new AuditedResult(value);
        },
        async recordedBy(write) {
          const written = await write();
          eventId ??= written.eventId;
          return new AuditedResult(written.value);
        },
        unchanged: (value) => new AuditedResult(value),
      });
    },
    {
      ...options,
      // Without an event nothing was changed, and so nothing could have been lost.
      wasCommitted: async (session) => eventId === null || eventIsStored(session, eventId),
    },
  );
  return AuditedResult.valueOf(result);
}
