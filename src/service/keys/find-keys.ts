import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import type { AuditEvent } from '../../domain/audit.js';
import type { Key } from '../../domain/key.js';
import type { KeyReference } from '../../domain/key-reference.js';
import { checkOwner } from '../../domain/text.js';
import { latestEvents, latestFreezeOfOwner } from '../../repository/audit.js';
import { findKeys } from '../../repository/key-records.js';
import { findSecrets, type SecretRecord } from '../../repository/secrets.js';
import { secretUse, type UsageTotal, usageToday } from '../../repository/usage.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { NO_USAGE } from '../key-impact.js';
import { keyNotFound } from '../refusals.js';
import { checkReferences, nameOf, resolveIn, resolveKeys } from '../resolve-keys.js';

/** Which of several keys is meant, where its name is not enough. */
export interface KeyLookup {
  /** Only a key of this owner. */
  readonly owner?: string | undefined;
}

/**
 * The key that `reference` means: its id, a piece of any of its kept secrets from four digits on, its name (of several
 * keys that have it, the only live one), or a raw key. Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS` with the candidates,
 * `SECRET_IN_ARGUMENT` for a raw secret that is not said to be one.
 */
export async function getKey(
  context: ServiceContext,
  reference: KeyReference,
  { owner }: KeyLookup = {},
): Promise<Key> {
  const [found] = await resolveKeys(context, [reference], { owner });
  if (found === undefined) throw keyNotFound([nameOf(reference)]);
  return found;
}

/** A key that was just changed, within the same transaction: nothing that can fail may follow its commit. */
export async function reread(session: Session, id: string): Promise<Key> {
  const [key] = await findKeys(session, [id]);
  if (key === undefined) throw keyNotFound([id]);
  return key;
}

export interface KeyDetails {
  readonly key: Key;
  /** Newest first. */
  readonly secrets: readonly SecretRecord[];
  /** Of the present UTC day. */
  readonly usageToday: UsageTotal;
  /** When a request last came on any but the newest secret; null: never. */
  readonly oldSecretUsedAt: Date | null;
  /** The latest ten, newest first; while its owner is frozen, that freeze too. */
  readonly events: readonly AuditEvent[];
  /** How many other keys of the name that was asked for have ended; a few of very many. */
  readonly ended: number;
}

/** Everything about one key, all as of one moment. Throws as {@link getKey} does. */
export async function showKey(
  context: ServiceContext,
  reference: KeyReference,
  { owner }: KeyLookup = {},
): Promise<KeyDetails> {
  const wanted = checkReferences(context, [reference]);
  const scope = { tenant: tenantOf(context), owner: owner === undefined ? undefined : checkOwner(owner) };
  await context.ready();
  return read(context.engine, async (session) => {
    const [resolved] = await resolveIn(session, wanted, scope);
    if (resolved === undefined) throw keyNotFound([nameOf(reference)]);
    const { key, ended } = resolved;
    const usage = await usageToday(session, [key.id]);
    return {
      key,
      secrets: await findSecrets(session, key.id),
      usageToday: usage.get(key.id) ?? NO_USAGE,
      oldSecretUsedAt: (await secretUse(session, key.id))?.oldSecretUsedAt ?? null,
      events: await eventsOf(session, key),
      ended,
    };
  });
}

/** A key that its owner's freeze stops is not understood without that event. */
async function eventsOf(session: Session, key: Key): Promise<AuditEvent[]> {
  const own = await latestEvents(session, key.id, 10);
  if (!key.frozenByOwner) return own;
  const ofOwner = await latestFreezeOfOwner(session, key);
  return [...own, ...ofOwner].sort((a, b) => b.at.getTime() - a.at.getTime());
}
