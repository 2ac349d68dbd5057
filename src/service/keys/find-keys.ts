import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import type { AuditEvent } from '../../domain/audit.js';
import type { Key } from '../../domain/key.js';
import { type LimitsState, limitsState } from '../../domain/standing.js';
import { latestEvents } from '../../repository/audit.js';
import { findKeys } from '../../repository/key-records.js';
import { findStanding } from '../../repository/limits.js';
import { findSecrets, type SecretRecord } from '../../repository/secrets.js';
import { secretUse, type UsageTotal, usageToday } from '../../repository/usage.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { NO_USAGE } from '../key-impact.js';
import { keyNotFound } from '../refusals.js';
import { checkReferences, resolveIn, resolveKeys } from '../resolve-keys.js';

/**
 * The key that `reference` means: its id, the prefix of any of its kept secrets, or its name.
 * Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS` with the candidates, `SECRET_IN_ARGUMENT` for a raw secret.
 */
export async function getKey(context: ServiceContext, reference: string): Promise<Key> {
  const [found] = await resolveKeys(context, [reference]);
  if (found === undefined) throw keyNotFound([reference]);
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
  /** Its own limits and what is left of them, and those of its owner as a whole; null: none. */
  readonly limits: LimitsState | null;
  readonly ownerLimits: LimitsState | null;
  /** Of the present UTC day. */
  readonly usageToday: UsageTotal;
  /** When a request last came on any but the newest secret; null: never. */
  readonly oldSecretUsedAt: Date | null;
  /** The latest ten, newest first. */
  readonly events: readonly AuditEvent[];
}

/** Everything about one key, all as of one moment. Throws as {@link getKey} does. */
export async function showKey(context: ServiceContext, reference: string): Promise<KeyDetails> {
  const wanted = checkReferences(context, [reference]);
  const scope = tenantOf(context);
  await context.ready();
  return read(context.engine, async (session) => {
    const [key] = await resolveIn(session, wanted, scope, false);
    if (key === undefined) throw keyNotFound(wanted);
    const usage = await usageToday(session, [key.id]);
    const limits = await findStanding(session, { keyId: key.id });
    const ownerLimits = await findStanding(session, { tenantId: key.tenantId, ownerId: key.ownerId });
    return {
      key,
      limits: limits === undefined ? null : limitsState('key', limits),
      ownerLimits: ownerLimits === undefined ? null : limitsState('owner', ownerLimits),
      secrets: await findSecrets(session, key.id),
      usageToday: usage.get(key.id) ?? NO_USAGE,
      oldSecretUsedAt: (await secretUse(session, key.id))?.oldSecretUsedAt ?? null,
      events: await latestEvents(session, key.id, 10),
    };
  });
}
