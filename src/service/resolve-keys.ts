import type { Session } from '../db/engine.js';
import { isUnstorable } from '../db/refusals.js';
import { read } from '../db/transaction.js';
import type { Key } from '../domain/key.js';
import { looksLikeSecret } from '../domain/secret.js';
import { checkReference } from '../domain/text.js';
import { findKeys } from '../repository/key-records.js';
import { findCandidatesOfAll } from '../repository/key-references.js';
import type { TenantScope } from '../repository/tenant-condition.js';
import { type ServiceContext, tenantOf } from './context.js';
import { keyAmbiguous, keyNotFound, MOST_NAMED, secretAsReference } from './refusals.js';

export interface ResolveOptions {
  /** Leaves out what is not found, instead of failing. */
  readonly ignoreMissing?: boolean | undefined;
}

/** The keys that these references mean, each once, in their order. Throws `KEY_NOT_FOUND`
 * with all that are missing, `KEY_AMBIGUOUS` with the candidates, `SECRET_IN_ARGUMENT` for a raw secret. */
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

/** {@link resolveKeys} within a read, of references that {@link checkReferences} gave. */
export async function resolveIn(
  session: Session,
  references: readonly string[],
  tenant: TenantScope,
  ignoreMissing: boolean,
): Promise<Key[]> {
  const ids = new Set<string>();
  const missing: string[] = [];
  const wanted = [...new Set(references)];
  const found = await findCandidatesOfAll(session, wanted, tenant, MOST_NAMED + 1).catch((error: unknown) => {
    // What the database cannot store names no key of it.
    if (isUnstorable(error)) throw keyNotFound(wanted.filter(isBeyondAscii));
    throw error;
  });
  for (const reference of references) {
    const candidates = found.get(reference) ?? [];
    const [only, another] = candidates;
    if (another !== undefined) throw keyAmbiguous(reference, await findKeys(session, candidates));
    if (only === undefined) missing.push(reference);
    else ids.add(only);
  }
  if (missing.length > 0 && !ignoreMissing) throw keyNotFound(missing);
  const keys = new Map((await findKeys(session, [...ids])).map((key) => [key.id, key]));
  return [...ids].flatMap((id) => keys.get(id) ?? []);
}

const isBeyondAscii = (text: string): boolean => /[^\x00-\x7f]/.test(text);

/** A raw secret must not travel to the database, not even as a name to look up. */
export function checkReferences({ settings }: ServiceContext, references: readonly string[]): string[] {
  for (const reference of references) {
    if (looksLikeSecret(reference, settings.prefix)) {
      throw secretAsReference();
    }
  }
  return references.map(checkReference);
}
