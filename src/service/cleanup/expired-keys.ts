import type { Engine, Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { type AuditAction, type AuditEvent, nextEvent } from '../../domain/audit.js';
import { newId } from '../../domain/id.js';
import { eventIsStored } from '../../repository/audit.js';
import {
  type DeadKey,
  type DeletedKeys,
  deleteKeys,
  deleteSecrets,
  findDeadKeys,
  findRetiredSecrets,
  IN_ORDER,
  type RetiredSecret,
} from '../../repository/cleanup.js';
import { type Moment, readMoment } from '../../repository/clock.js';
import { cleanupTransaction } from './batch-transaction.js';
import type { CleanupStart, DeletedCounts } from './cleanup.js';
import type { CleanupTask } from './run-batches.js';

/** What the sweeps of one cleanup share. */
export interface CleanupRun {
  readonly engine: Engine;
  readonly start: CleanupStart;
  readonly actor: string;
  /** Each sweep adds what it has deleted. */
  readonly tally: DeletedCounts;
  /** True from the first batch on: until then, another cleanup that is at work stops this one. */
  begun: boolean;
}

/** How many rows a walk reads in one statement: few enough to take a fraction of a second. */
const STRIDE = 2_000;
/**
 * How many items a walk gathers before it hands them out in the order of their keys' ids. Keys that were made at about
 * the same time lie side by side in the tables and in most indexes, so each page is then visited once: half the work.
 */
const GATHERED = 20_000;

/** Deletes the keys that have been dead for long enough, each with an event `key.deleted` that ends its chain. */
export function expiredKeys(work: CleanupRun): CleanupTask {
  const { start, tally } = work;
  return sweep(work, {
    find: (session, after: DeadKey | undefined) => findDeadKeys(session, start.scope, after, STRIDE),
    keyOf: ({ id }) => id,
    event: ([key], moment) =>
      eventOn(work, 'key.deleted', { ...key, keyId: key.id }, moment, {
        name: key.name,
        key_prefix: key.keyPrefix,
        expires_at: key.expiresAt,
        revoked_at: key.revokedAt,
      }),
    remove: (session, events) => deleteKeys(session, events, start.scope),
    count({ keys, secrets }) {
      tally.deletedKeys += keys;
      tally.deletedSecrets += secrets;
    },
  });
}

/** Deletes the secrets that retired long enough ago, of keys that stay, each key with an event that names them. */
export function retiredSecrets(work: CleanupRun): CleanupTask {
  const { start, tally } = work;
  return sweep(work, {
    find: (session, after: RetiredSecret | undefined) =>
      findRetiredSecrets(session, start.scope, after, STRIDE),
    keyOf: ({ keyId }) => keyId,
    event: (secrets, moment) =>
      eventOn(work, 'key.secrets_deleted', secrets[0], moment, { secrets: secrets.map(secretJson) }),
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
  /** What is to be said of one key's items. */
  event(items: Group<Item>, moment: Moment): AuditEvent;
  remove(session: Session, events: readonly AuditEvent[], items: readonly Item[]): Promise<DeletedKeys>;
  count(deleted: DeletedKeys): void;
}

/** The items of one key: they go together or stay together, for they share an event. */
type Group<Item> = readonly [Item, ...Item[]];

interface Found<Item> {
  readonly items: Group<Item>;
  event?: AuditEvent;
}

/**
 * Walks over what is dead, carrying its position forward, and deletes what is due. Reading, and computing the events,
 * comes before the transaction (or while the server works on the one before), so that others wait for as little as
 * possible; so a batch leaves what has changed meanwhile. If anything was left, a second walk from the beginning has
 * another look, and what is left then is for the next cleanup.
 *
 * An event's time is the newest that the server has told: of the batch before the last one, moments ago.
 */
function sweep<Item extends { readonly due: boolean }>(work: CleanupRun, walk: Walk<Item>): CleanupTask {
  const { engine, start } = work;
  let { moment } = start;
  let found: Found<Item>[] = [];
  let left = 0;
  let walks = 1;
  let after: Item | undefined;
  let over = false;

  async function findMore(): Promise<boolean> {
    for (;;) {
      found = groupsOf(await gather(), walk.keyOf).map((items) => ({ items }));
      if (found.length > 0) return true;
      if (left === 0 || walks === 2) return false;
      walks++;
      after = undefined;
      over = false;
    }
  }

  /** Goes on with the walk until enough is due, or to its end. */
  async function gather(): Promise<Item[]> {
    const due: Item[] = [];
    while (!over && due.length < GATHERED) {
      const items = await read(
        engine,
        async (session) => {
          moment = await readMoment(session);
          return walk.find(session, after);
        },
        { prelude: IN_ORDER },
      );
      after = items.at(-1);
      over = items.length < STRIDE;
      due.push(...items.filter((item) => item.due));
    }
    return due;
  }

  const eventOf = (one: Found<Item>): AuditEvent => {
    one.event ??= walk.event(one.items, moment);
    return one.event;
  };

  return {
    async next(limit) {
      if (found.length === 0 && !(await findMore())) return undefined;
      const batch = found.splice(0, limit);
      const events = batch.map(eventOf);
      const items = batch.flatMap((one) => one.items);
      return {
        size: batch.length,
        async run() {
          // The next batch may be twice as large.
          const done = await remove(events, items, () => found.slice(0, 2 * limit).forEach(eventOf));
          if (done === 'taken') return done;
          walk.count(done.value);
          left += events.length - done.value.keys;
          moment = { ...moment, now: done.value.now };
          return done.held;
        },
      };
    },
  };

  function remove(events: readonly AuditEvent[], items: readonly Item[], meanwhile: () => void) {
    let sent: string | null = null;
    return cleanupTransaction<DeletedKeys>(
      work,
      async (session) => {
        sent = null;
        const [deleted] = await Promise.all([
          walk.remove(session, events, items),
          onceSent().then(meanwhile),
        ]);
        sent = deleted.eventId;
        return deleted;
      },
      // Without an event nothing was deleted, and so nothing could have been lost.
      async (session) => sent === null || eventIsStored(session, sent),
    );
  }
}

/** By key, in the order of the keys' ids: so that is the order in which they are locked. */
function groupsOf<Item>(items: readonly Item[], keyOf: (item: Item) => string): Group<Item>[] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The driver hands a statement to the socket at the end of its turn. */
const onceSent = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Chained {
  readonly keyId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly auditSeq: number;
  readonly auditHash: Buffer;
}

function eventOn(
  { actor }: CleanupRun,
  action: AuditAction,
  { keyId, tenantId, ownerId, auditSeq, auditHash }: Chained,
  { now, role }: Moment,
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
