import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import type { AuditEvent } from '../../domain/audit.js';
import type { Key } from '../../domain/key.js';
import { masked, quote } from '../../domain/quote.js';
import { looksLikeSecret } from '../../domain/secret.js';
import { checkReference } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { latestEvents } from '../../repository/audit.js';
import { findKeys } from '../../repository/key-records.js';
import { findCandidatesOfAll } from '../../repository/key-references.js';
import { findSecrets, type SecretRecord } from '../../repository/secrets.js';
import type { TenantScope } from '../../repository/tenant-condition.js';
import { secretUse, type UsageTotal, usageToday } from '../../repository/usage.js';
import { type ServiceContext, tenantOf } from '../context.js';

const NO_USAGE: UsageTotal = { requestCount: 0, spendCents: 0 };
/**
 * The key that `reference` means: its id, the prefix of any of its kept secrets, or its name.
 * Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS` with the candidates, `SECRET_IN_ARGUMENT` for a raw secret.
 */
export async function getKey(context: ServiceContext, reference: string): Promise<Key> {
  const [found] = await resolveKeys(context, [reference]);
  if (found === undefined) throw notFound([reference]);
  return found;
}

/** A key that was just changed, within the same transaction: nothing that can fail may follow its commit. */
export async function reread(session: Session, id: string): Promise<Key> {
  const [key] = await findKeys(session, [id]);
  if (key === undefined) throw notFound([id]);
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
    if (key === undefined) throw notFound(wanted);
    const usage = await usageToday(session, [key.id]);
    return {
      key,
      secrets: await findSecrets(session, key.id),
      usageToday: usage.get(key.id) ?? NO_USAGE,
      oldSecretUsedAt: (await secretUse(session, key.id))?.oldSecretUsedAt ?? null,
      events: await latestEvents(session, key.id, 10),
    };
  });
}

export interface ResolveOptions {
  /** Leaves out what is not found, instead of failing. */
  readonly ignoreMissing?: boolean | undefined;
}

/** The keys that these references mean, each once, in their order. Throws as {@link getKey} does, naming all that are missing. */
export async function resolveKeys(
  context: ServiceContext,
  references: readonly string[],
  { ignoreMissing = false }: ResolveOptions = {},
): Promise<Key[]> {
  const wanted = checkReferences(context, references);
  const scope = tenantOf(context);
  await context.ready();
  return read(context.engine, (session) => resolveIn(session, wanted, scope, ignoreMissing));
}

export interface KeyImpact {
  readonly key: Key;
  readonly usageToday: UsageTotal;
}

/** What an operator wants to see before ending these keys: who used them last, and how much today. */
export async function usageOf(session: Session, keys: readonly Key[]): Promise<KeyImpact[]> {
  const usage = await usageToday(
    session,
    keys.map(({ id }) => id),
  );
  return keys.map((key) => ({ key, usageToday: usage.get(key.id) ?? NO_USAGE }));
}

async function resolveIn(
  session: Session,
  references: readonly string[],
  tenant: TenantScope,
  ignoreMissing: boolean,
): Promise<Key[]> {
  const ids = new Set<string>();
  const missing: string[] = [];
  const found = await findCandidatesOfAll(session, [...new Set(references)], tenant, MAX_CANDIDATES + 1);
  for (const reference of references) {
    const candidates = found.get(reference) ?? [];
    const [only, another] = candidates;
    if (another !== undefined) throw ambiguous(reference, await findKeys(session, candidates));
    if (only === undefined) missing.push(reference);
    else ids.add(only);
  }
  if (missing.length > 0 && !ignoreMissing) throw notFound(missing);
  const keys = new Map((await findKeys(session, [...ids])).map((key) => [key.id, key]));
  return [...ids].flatMap((id) => keys.get(id) ?? []);
}

const MAX_CANDIDATES = 5;

export function notFound(references: readonly string[]): ApiKeysError {
  const names = references.map(quote).join(', ');
  return new ApiKeysError('KEY_NOT_FOUND', `no key matches ${names}; nothing was changed`, {
    details: { references: references.map(masked) },
  });
}

function ambiguous(reference: string, candidates: readonly Key[]): ApiKeysError {
  const listed = candidates.slice(0, MAX_CANDIDATES);
  const shown = listed.map(
    (key) =>
      `${key.id} (${quote(key.name)} of ${quote(key.ownerId)}, tenant ${quote(key.tenantId)}, ${key.status})`,
  );
  const more = candidates.length > MAX_CANDIDATES ? ' and more' : '';
  return new ApiKeysError(
    'KEY_AMBIGUOUS',
    `${quote(reference)} matches more than one key: ${shown.join(', ')}${more}; nothing was changed`,
    {
      details: {
        reference: masked(reference),
        candidates: listed.map(({ id, name, ownerId, tenantId }) => ({
          id,
          name,
          owner: ownerId,
          tenant: tenantId,
        })),
      },
    },
  );
}

/** A raw secret must not travel to the database, not even as a name to look up. */
function checkReferences({ settings }: ServiceContext, references: readonly string[]): string[] {
  for (const reference of references) {
    if (looksLikeSecret(reference, settings.prefix)) {
      throw new ApiKeysError('SECRET_IN_ARGUMENT', 'that is a secret, not the name of a key');
    }
  }
  return references.map(checkReference);
}
