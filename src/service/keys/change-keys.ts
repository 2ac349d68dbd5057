import type { Session } from '../../db/engine.js';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import type { Key } from '../../domain/key.js';
import type { KeyReference } from '../../domain/key-reference.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { findKeys } from '../../repository/key-records.js';
import { findKeyRows, findUnrevokedIds, type KeyHead, type KeyRow, lockKeys } from '../../repository/keys.js';
import { lockOwner, type OwnerRef } from '../../repository/owners.js';
import { chainOfKey, continueChains, requireIntactChains } from '../audit/append.js';
import { type EventContent, keyEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, type ChangeOptions, type ServiceContext, tenantOf } from '../context.js';
import { type KeyImpact, usageOf } from '../key-impact.js';
import {
  changeFreeze,
  foreseeFreeze,
  type HeldOwner,
  type Owner,
  type OwnerChange,
} from '../owner-freeze.js';
import { keyNotFound } from '../refusals.js';
import { resolveKeys } from '../resolve-keys.js';
import { resolveOwner } from '../resolve-owner.js';

export interface KeysTarget {
  /** Ids, key prefixes, names or raw keys. */
  readonly keys: readonly KeyReference[];
  /** Only keys of this owner are meant. */
  readonly owner?: string | undefined;
  /** Goes on with the others when some are not found. */
  readonly ignoreMissing?: boolean | undefined;
}

export interface OwnersKeysTarget {
  readonly keys?: undefined;
  /** All keys of this owner that are not revoked. */
  readonly owner: string;
}

export interface ChangedKeys {
  /** All that were named, as they are now. */
  readonly keys: readonly Key[];
  /**
   * How many of them this call changed, or with `dryRun` would change; 1 where no key, but the freeze of their owner is
   * another.
   */
  readonly changed: number;
  /** Their owner, where it was frozen with them. */
  readonly owner: Owner | null;
  /** With `dryRun`, what is at stake: one for each key that would change. */
  readonly impact: readonly KeyImpact[] | null;
  /** Chains of the audit trail that were found broken: the change was made, and its event begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

/** One kind of change: what it does to a key, and how all of them are written. */
export interface KeyChange<Plan extends EventContent> {
  /** Whether it takes access away, and so is made whatever state the audit trail is in. */
  readonly endsAccess: boolean;
  /** What this key needs; null if nothing. Throws to refuse the change of all. */
  plan(key: KeyRow, now: Date): Plan | null;
  write(
    session: Session,
    changes: readonly { readonly plan: Plan; readonly head: KeyHead }[],
    now: Date,
  ): Promise<void>;
}

/**
 * Changes keys, all of them or none, each with its audit event. Locks them in the order of their ids (after their
 * owner, where a whole owner is meant, so that none can be made meanwhile), then reads the clock, then decides.
 *
 * Throws `KEY_NOT_FOUND` with all that are missing, `KEY_AMBIGUOUS`, `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`, what
 * `change.plan` throws, and what {@link auditedTransaction} throws.
 */
export async function changeKeys<Plan extends EventContent>(
  context: ServiceContext,
  request: (KeysTarget | OwnersKeysTarget) & ChangeOptions,
  change: KeyChange<Plan>,
  ofOwner: OwnerChange | null = null,
): Promise<ChangedKeys> {
  const actor = actorOf(context);
  const target = await resolveTarget(context, request);
  if (request.dryRun) return preview(context, target, change, ofOwner);

  const eventId = eventIds();
  const ownerEventId = newId();
  return auditedTransaction<ChangedKeys>(
    context.engine,
    async (session, audit) => {
      const { ids, rows, owner } = await lockTarget(session, target);
      const moment = await readMoment(session);
      const frozen =
        owner &&
        ofOwner &&
        (await changeFreeze(session, owner, ofOwner, { eventId: ownerEventId, actor, moment }));
      const planned = rows.flatMap((key) => {
        const plan = change.plan(key, moment.now);
        return plan === null ? [] : [{ key, plan }];
      });
      const chains = planned.map(({ key }) => chainOfKey(key));
      const continued = await (change.endsAccess ? continueChains : requireIntactChains)(session, chains);
      const changes = planned.map(({ key, plan }, index) => {
        const event = keyEvent(key, plan, { id: eventId(key.id), actor, moment }, continued[index]);
        return { plan, event, head: { keyId: key.id, seq: event.seq, hash: event.hash } };
      });
      if (changes.length > 0) await change.write(session, changes, moment.now);
      // Read before the commit: nothing that can fail may follow it.
      const keys = await inOrder(session, ids);
      const events = [...changes.map(({ event }) => event), ...(frozen?.events ?? [])];
      const brokenChains = [
        ...chains.filter((_, index) => continued[index]?.brokenAt !== null),
        ...(frozen?.brokenChains ?? []),
      ];
      return audit.record(events, {
        keys,
        changed: changes.length || (frozen?.events.length ?? 0),
        owner: frozen?.owner ?? null,
        impact: null,
        brokenChains,
      });
    },
    { isRace: isPlaceTaken },
  );
}

type ResolvedTarget =
  | { readonly ids: readonly string[]; readonly mayMiss: boolean }
  | { readonly owner: OwnerRef };

async function resolveTarget(
  context: ServiceContext,
  target: KeysTarget | OwnersKeysTarget,
): Promise<ResolvedTarget> {
  if (target.keys !== undefined) {
    const keys = await resolveKeys(context, target.keys, target);
    return { ids: keys.map(({ id }) => id), mayMiss: target.ignoreMissing ?? false };
  }
  const tenant = tenantOf(context);
  await context.ready();
  return { owner: await read(context.engine, (session) => resolveOwner(session, target.owner, tenant)) };
}

async function lockTarget(
  session: Session,
  target: ResolvedTarget,
): Promise<{ ids: readonly string[]; rows: KeyRow[]; owner: HeldOwner | null }> {
  if ('owner' in target) {
    const owner = { ref: target.owner, row: await lockOwner(session, target.owner) };
    const ids = await findUnrevokedIds(session, target.owner);
    return { ids, rows: await lockKeys(session, ids), owner };
  }
  const rows = await lockKeys(session, target.ids);
  const gone = target.ids.filter((id) => !rows.some((row) => row.id === id));
  if (gone.length > 0 && !target.mayMiss) throw keyNotFound(gone);
  return { ids: target.ids, rows, owner: null };
}

async function preview<Plan extends EventContent>(
  context: ServiceContext,
  target: ResolvedTarget,
  change: KeyChange<Plan>,
  ofOwner: OwnerChange | null,
): Promise<ChangedKeys> {
  return read(context.engine, async (session) => {
    const ids = 'owner' in target ? await findUnrevokedIds(session, target.owner) : target.ids;
    const { now } = await readMoment(session);
    const rows = await findKeyRows(session, ids);
    const wouldChange = new Set(rows.filter((key) => change.plan(key, now) !== null).map(({ id }) => id));
    const keys = await inOrder(session, ids);
    const impact = await usageOf(
      session,
      keys.filter(({ id }) => wouldChange.has(id)),
    );
    const frozen =
      'owner' in target && ofOwner ? await foreseeFreeze(session, target.owner, ofOwner, now) : null;
    const changed = wouldChange.size || (frozen?.changed ?? 0);
    return { keys, changed, owner: frozen?.owner ?? null, impact, brokenChains: [] };
  });
}

async function inOrder(session: Session, ids: readonly string[]): Promise<Key[]> {
  const keys = new Map((await findKeys(session, ids)).map((key) => [key.id, key]));
  return ids.flatMap((id) => keys.get(id) ?? []);
}

/** Ids of events, by key, the same at every try. */
function eventIds(): (keyId: string) => string {
  const ids = new Map<string, string>();
  return (keyId) => {
    const id = ids.get(keyId) ?? newId();
    ids.set(keyId, id);
    return id;
  };
}
