import type { Session } from '../db/engine.js';
import { isUnstorable } from '../db/refusals.js';
import { read } from '../db/transaction.js';
import type { Key } from '../domain/key.js';
import type { KeyReference } from '../domain/key-reference.js';
import { flawOf, type KeyFlaw, pastedKey } from '../domain/pasted-key.js';
import { hashSecret, isMalformed, keyPrefixOf, looksLikeSecret, shownPrefixIn } from '../domain/secret.js';
import { checkOwner, checkReference } from '../domain/text.js';
import { findKeys } from '../repository/key-records.js';
import { type Candidate, findCandidatesOfAll, findKeysOfSecrets } from '../repository/key-references.js';
import { type ServiceContext, tenantOf } from './context.js';
import {
  keyAmbiguous,
  keyNotFound,
  MOST_NAMED,
  noKeyInText,
  secretAsReference,
  secretNotFound,
  severalKeysInText,
} from './refusals.js';
import type { Settings } from './settings.js';

export interface ResolveOptions {
  /** Leaves out what is not found, instead of failing. */
  readonly ignoreMissing?: boolean | undefined;
  /** Only keys of this owner. */
  readonly owner?: string | undefined;
}

/** What names a key, once it was understood. */
export type CheckedReference =
  | { readonly name: string }
  | { readonly hash: Buffer; readonly keyPrefix: string; readonly flaw: KeyFlaw | null };

/** A key that is meant, and how many others of its name have ended. */
export interface ResolvedKey {
  readonly key: Key;
  readonly ended: number;
}

/**
 * The keys that these references mean, each once, in their order. Of several keys of one name, the only live one is meant.
 * Throws `KEY_NOT_FOUND` with all that are missing, `KEY_AMBIGUOUS` with the candidates, `SECRET_IN_ARGUMENT` for a raw
 * secret that is not said to be one, `INVALID_INPUT` for a text without a raw key, or with several.
 */
export async function resolveKeys(
  context: ServiceContext,
  references: readonly KeyReference[],
  options: ResolveOptions = {},
): Promise<Key[]> {
  const wanted = checkReferences(context, references);
  const scope = { tenant: tenantOf(context), ...checkedOptions(options) };
  await context.ready();
  const resolved = await read(context.engine, (session) => resolveIn(session, wanted, scope));
  return resolved.map(({ key }) => key);
}

const checkedOptions = ({ ignoreMissing, owner }: ResolveOptions): ResolveOptions => ({
  ignoreMissing,
  owner: owner === undefined ? undefined : checkOwner(owner),
});

/** {@link resolveKeys} within a read, of references that {@link checkReferences} gave. */
export async function resolveIn(
  session: Session,
  references: readonly CheckedReference[],
  { ignoreMissing = false, ...scope }: ResolveOptions & { readonly tenant: string | undefined },
): Promise<ResolvedKey[]> {
  const names = references.flatMap((reference) => ('name' in reference ? [reference.name] : []));
  const hashes = references.flatMap((reference) => ('hash' in reference ? [reference.hash] : []));
  const wanted = [...new Set(names)];
  const found = await findCandidatesOfAll(session, wanted, scope, MOST_NAMED + 1).catch((error: unknown) => {
    // What the database cannot store names no key of it.
    if (isUnstorable(error)) throw keyNotFound(wanted.filter(isBeyondAscii));
    throw error;
  });
  const bySecret = await findKeysOfSecrets(session, hashes, scope);

  const meant = new Map<string, number>();
  const missing: CheckedReference[] = [];
  for (const reference of references) {
    const { ids, ended } =
      'name' in reference
        ? meantBy(found.get(reference.name) ?? [])
        : { ids: [bySecret.get(reference.hash.toString('hex')) ?? []].flat(), ended: 0 };
    const [only, another] = ids;
    if (another !== undefined && 'name' in reference)
      throw keyAmbiguous(reference.name, await findKeys(session, ids));
    if (only === undefined) missing.push(reference);
    else meant.set(only, ended);
  }
  if (missing.length > 0 && !ignoreMissing) throw notFound(missing);
  const keys = new Map((await findKeys(session, [...meant.keys()])).map((key) => [key.id, key]));
  return [...meant].flatMap(([id, ended]) => {
    const key = keys.get(id);
    return key === undefined ? [] : [{ key, ended }];
  });
}

const isBeyondAscii = (text: string): boolean => /[^\x00-\x7f]/.test(text);

/**
 * Which of its candidates a reference means: the key that has it as its id, though another may be named so; of several
 * that have it as their name the only live one; otherwise all of them. `ended` counts the others of that name.
 */
export function meantBy(candidates: readonly Candidate[]): { ids: string[]; ended: number } {
  const byId = candidates.find(({ by }) => by === 'id');
  if (byId !== undefined) return { ids: [byId.id], ended: 0 };
  const all = new Set(candidates.map(({ id }) => id));
  const live = new Set(candidates.flatMap(({ id, live: isLive }) => (isLive ? [id] : [])));
  // A prefix is a piece of a secret, dead or not: it says nothing of a name that somebody chose again.
  const named = candidates.every(({ by }) => by === 'name');
  if (!named || live.size === 0) return { ids: [...all], ended: 0 };
  return { ids: [...live], ended: all.size - live.size };
}

function notFound(missing: readonly CheckedReference[]): Error {
  const [first] = missing;
  if (missing.length === 1 && first !== undefined && 'hash' in first) return secretNotFound(first);
  return keyNotFound(
    missing.map((reference) => ('name' in reference ? reference.name : reference.keyPrefix)),
  );
}

/** A raw secret must not travel to the database, not even as a name to look up: of one that is meant, its hash does. */
export function checkReferences(
  { settings }: Pick<ServiceContext, 'settings'>,
  references: readonly KeyReference[],
): CheckedReference[] {
  return references.map((reference) =>
    typeof reference === 'string' ? checkName(reference, settings) : checkRawKey(reference.rawKey, settings),
  );
}

function checkName(reference: string, { prefix }: Settings): CheckedReference {
  if (looksLikeSecret(reference, prefix)) throw secretAsReference(shownPrefixIn(reference, prefix));
  return { name: checkReference(reference) };
}

function checkRawKey(text: string, settings: Settings): CheckedReference {
  const pasted = pastedKey(text, settings);
  if (pasted.kind === 'several') throw severalKeysInText();
  if (pasted.kind === 'none' || isMalformed(pasted.rawKey)) throw noKeyInText();
  const { rawKey } = pasted;
  return {
    hash: hashSecret(rawKey),
    keyPrefix: shownPrefixIn(rawKey, settings.prefix) ?? shortPrefix(rawKey, settings),
    flaw: flawOf(rawKey, settings),
  };
}

/** What a refusal calls what was asked for. */
export const nameOf = (reference: KeyReference): string =>
  typeof reference === 'string' ? reference : 'that raw key';

/** Of a key of another shape nothing is known to be safe to show. */
const shortPrefix = (rawKey: string, { prefix }: Settings): string =>
  rawKey.startsWith(prefix) ? keyPrefixOf(rawKey, prefix) : 'that raw key';
