import { v7 as uuidv7 } from 'uuid';
import type { Engine, Session } from '../db/engine.js';
import { read, transaction } from '../db/transaction.js';
import { type AuditAction, type AuditEvent, nextEvent } from '../domain/audit.js';
import { eventIsStored } from '../repository/audit.js';
import {
  type DeadKey,
  type DeletedKeys,
  deleteKeys,
  deleteSecrets,
  findDeadKeys,
  findRetiredSecrets,
  isOnlyCleanup,
  type RetiredSecret,
} from '../repository/cleanup.js';
import { type Moment, readMoment } from '../repository/clock.js';
import type { Sweep } from './batches.js';
import type { CleanupStart, Tally } from './cleanup.js';

/** What the sweeps of one cleanup share. */
export interface CleanupWork {
  readonly engine: Engine;
  readonly start: CleanupStart;
  readonly actor: string;
  /** Each sweep adds what it has deleted. */
  readonly tally: Tally;
  /** True from the first batch on: until then, another cleanup that is at work stops this one. */
  begun: boolean;
}

/** How many rows a walk reads at a time. */
const STRIDE = 1_000;

/** Deletes the keys that have been dead for long enough, each with an event `key.deleted` that ends its chain. */
export function sweepDeadKeys(work: CleanupWork): Sweep {
  const { start, tally } = work;
  return sweep(work, {
    find: (session, after: DeadKey | undefined) => findDeadKeys(session, start.scope, after, STRIDE),
    keyOf: ({ id }) => id,
    events: (keys, moment) =>
      keys.map((key) =>
        eventOf(work, 'key.deleted', { ...key, keyId: key.id }, moment, {
          name: key.name,
          key_prefix: key.keyPrefix,
          expires_at: key.expiresAt,
          revoked_at: key.revokedAt,
        }),
      ),
    remove: (session, events) => deleteKeys(session, events, start.scope),
    count({ keys, secrets }) {
      tally.deletedKeys += keys;
      tally.deletedSecrets += secrets;
    },
  });
}

/** Deletes the secrets that retired long enough ago, of keys that stay, each key with an event that names them. */
export function sweepRetiredSecrets(work: CleanupWork): Sweep {
  const { start, tally } = work;
  return sweep(work, {
    find: (session, after: RetiredSecret | undefined) =>
      findRetiredSecrets(session, start.scope, after, STRIDE),
    keyOf: ({ keyId }) => keyId,
    events: (secrets, moment) =>
      secrets
        .filter(({ keyId }, at) => keyId !== secrets[at - 1]?.keyId)
        .map((key) =>
          eventOf(work, 'key.secrets_deleted', key, moment, {
            secrets: secrets.filter(({ keyId }) => keyId === key.keyId).map(secretJson),
          }),
        ),
    remove: (session, events, secrets) => deleteSecrets(session, events, secrets, start.scope),
    count({ secrets }) {
      tally.deletedSecrets += secrets;
    },
  });
}

const secretJson = ({ version, keyPrefix, validUntil }: RetiredSecret) => ({
  version,
  key_prefix: keyPrefix,
  valid_until: validUntil,
});

interface Walk<Item> {
  /** The next items of the walk, those that are not due among them. */
  find(session: Session, after: Item | undefined): Promise<Item[]>;
  /** The key that the item is, or belongs to. */
  keyOf(item: Item): string;
  /** One for each key of these items, which stand together by key. */
  events(items: readonly Item[], moment: Moment): AuditEvent[];
  remove(session: Session, events: readonly AuditEvent[], items: readonly Item[]): Promise<DeletedKeys>;
  count(deleted: DeletedKeys): void;
}

/**
 * Walks over what is dead, carrying its position forward, and deletes what is due. Reading, and computing the events,
 * comes before the transaction, so that others wait for as little as possible; so a batch leaves what has changed
 * meanwhile. If it left anything, a second walk from the beginning has another look, and what is left then is for
 * the next cleanup.
 */
function sweep<Item extends { readonly due: boolean }>(work: CleanupWork, walk: Walk<Item>): Sweep {
  const { engine, start } = work;
  let found: { readonly due: Item[]; readonly moment: Moment } | undefined;
  let after: Item | undefined;
  let left = 0;
  let walks = 1;

  async function findMore(): Promise<boolean> {
    for (;;) {
      const [moment, items] = await read(engine, async (session) => [
        await readMoment(session),
        await walk.find(session, after),
      ]);
      const due = items.filter((item) => item.due).sort(byKey);
      found = { due, moment };
      after = items.at(-1);
      if (due.length > 0) return true;
      if (items.length > 0) continue;
      if (left === 0 || walks === 2) return false;
      walks++;
    }
  }

  return {
    async next(limit) {
      if ((found === undefined || found.due.length === 0) && !(await findMore())) return undefined;
      const { due = [], moment } = found ?? {};
      if (moment === undefined) return undefined;
      const items = takeWhole(due, limit);
      const events = walk.events(items, moment);
      return {
        size: items.length,
        async run() {
          const deleted = await runOnce(events, items);
          if (deleted === 'taken') return false;
          work.begun = true;
          walk.count(deleted);
          left += events.length - deleted.keys;
          return true;
        },
      };
    },
  };

  function byKey(a: Item, b: Item): number {
    return walk.keyOf(a) < walk.keyOf(b) ? -1 : 1;
  }

  /** The first `limit`, and what else belongs to the last one's key: a key's event is about all of it. */
  function takeWhole(due: Item[], limit: number): Item[] {
    const last = due[Math.min(limit, due.length) - 1];
    const rest = due.findIndex((item, at) => at >= limit && last && walk.keyOf(item) !== walk.keyOf(last));
    return due.splice(0, rest === -1 ? due.length : rest);
  }

  async function runOnce(events: readonly AuditEvent[], items: readonly Item[]) {
    let sent: string | null = null;
    return transaction<DeletedKeys | 'taken'>(
      engine,
      async (session) => {
        sent = null;
        // Later batches take it too, if they can, so that a cleanup which starts meanwhile sees this one.
        const alone = await isOnlyCleanup(session, start.lock);
        if (!alone && !work.begun) return 'taken';
        const deleted = await walk.remove(session, events, items);
        sent = deleted.eventId;
        return deleted;
      },
      // Without an event nothing was deleted, and so nothing could have been lost.
      { settle: async (session) => sent === null || eventIsStored(session, sent) },
    );
  }
}

interface Chained {
  readonly keyId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

function eventOf(
  { actor }: CleanupWork,
  action: AuditAction,
  { keyId, tenantId, ownerId, auditSeq, auditHash }: Chained,
  { now, role }: Moment,
  details: unknown,
): AuditEvent {
  return nextEvent(
    { seq: auditSeq, hash: auditHash },
    {
      id: uuidv7(),
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
