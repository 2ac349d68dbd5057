import type { Key } from '../domain/key.js';
import { flawWords, type KeyFlaw } from '../domain/pasted-key.js';
import { masked, quote } from '../domain/quote.js';
import type { KeyCandidate, PolicyRule } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import type { KeyRow } from '../repository/keys.js';
import type { KeyInTrail } from '../repository/keys-in-trail.js';

/** How many of several that are meant a refusal names. */
export const MOST_NAMED = 5;

export function keyNotFound(references: readonly string[]): ApiKeysError {
  const names = references.map(quote).join(', ');
  return new ApiKeysError('KEY_NOT_FOUND', `no key matches ${names}; nothing was changed`, {
    details: { references: references.map(masked) },
  });
}

/** Of the audit trail, where a key that was deleted has events still. */
export const keyWithoutEvents = (reference: string): ApiKeysError =>
  new ApiKeysError('KEY_NOT_FOUND', `neither a key nor the events of one match ${quote(reference)}`, {
    details: { reason: 'no_events', references: [masked(reference)] },
  });

/** For keys that are all meant by one reference. */
export const keyAmbiguous = (reference: string, keys: readonly Key[]): ApiKeysError =>
  ambiguous(reference, keys.map(candidateOf));

/** For keys that the audit trail alone knows by this name. */
export const keyInTrailAmbiguous = (reference: string, keys: readonly KeyInTrail[]): ApiKeysError =>
  ambiguous(
    reference,
    keys.map(({ ownerId, tenantId, isDeleted, ...key }) => ({
      ...key,
      owner: ownerId,
      tenant: tenantId,
      status: isDeleted ? 'deleted' : 'kept',
      lastUsedAt: null,
    })),
  );

function ambiguous(reference: string, candidates: readonly KeyCandidate[]): ApiKeysError {
  const listed = candidates.slice(0, MOST_NAMED);
  const more = candidates.length > MOST_NAMED;
  const shown = `${listed.map(({ keyPrefix }) => keyPrefix).join(', ')}${more ? ' and more' : ''}`;
  return new ApiKeysError(
    'KEY_AMBIGUOUS',
    `${quote(reference)} matches more than one key: ${shown}; nothing was changed`,
    { details: { reference: masked(reference), candidates: listed, more } },
  );
}

/** As a refusal names it. */
const candidateOf = (key: Key): KeyCandidate => ({
  id: key.id,
  keyPrefix: key.keyPrefix,
  name: key.name,
  owner: key.ownerId,
  tenant: key.tenantId,
  status: key.status,
  createdAt: key.createdAt,
  lastUsedAt: key.lastUsedAt,
});

export const secretAsReference = (keyPrefix: string | undefined): ApiKeysError =>
  new ApiKeysError(
    'SECRET_IN_ARGUMENT',
    `that is a secret${keyPrefix === undefined ? '' : ` (${keyPrefix}…)`}, not the name of a key`,
    { details: { ...(keyPrefix !== undefined && { keyPrefix }) } },
  );

/** No key has this secret; where its shape tells why, it is said. */
export function secretNotFound({
  keyPrefix,
  flaw,
}: {
  readonly keyPrefix: string;
  readonly flaw: KeyFlaw | null;
}): ApiKeysError {
  if (flaw === null) return keyNotFound([keyPrefix]);
  return new ApiKeysError(
    'KEY_NOT_FOUND',
    `no key has the secret that begins with ${quote(flaw.keyPrefix)}, and ${flawWords(flaw)}; nothing was changed`,
    {
      details: {
        reason: flaw.kind === 'cut' ? 'key_cut' : 'key_mistyped',
        keyPrefix: flaw.keyPrefix,
        references: [flaw.keyPrefix],
      },
    },
  );
}

export const noKeyInText = (): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', 'there is no raw key in that text', {
    details: { reason: 'no_key_in_text' },
  });

export const severalKeysInText = (): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', 'there is more than one raw key in that text', {
    details: { reason: 'several_keys_in_text' },
  });

type NamedKey = Pick<KeyRow, 'id' | 'name' | 'keyPrefix'>;

const named = ({ name, keyPrefix }: NamedKey): string => `key ${quote(name)} (${keyPrefix})`;

export const keyRevoked = (key: NamedKey, done: string): ApiKeysError =>
  new ApiKeysError('KEY_REVOKED', `${named(key)} is revoked, so it cannot be ${done}; nothing was changed`, {
    details: { key: key.id },
  });

export const tooManySecrets = (
  key: NamedKey,
  { older, most }: { readonly older: number; readonly most: number },
): ApiKeysError =>
  new ApiKeysError(
    'TOO_MANY_SECRETS',
    `${named(key)} has ${older} secrets that are still valid, and at most ${most} may be; nothing was changed`,
    { details: { key: key.id, older, most } },
  );

export const idempotencyConflict = (keyId: string): ApiKeysError =>
  new ApiKeysError(
    'IDEMPOTENCY_CONFLICT',
    'another key was made with this idempotency key, from other arguments; nothing was changed',
    { details: { key: keyId } },
  );

/** Of a key that was rotated by another request. */
export const rotationConflict = (keyId: string): ApiKeysError =>
  new ApiKeysError(
    'IDEMPOTENCY_CONFLICT',
    'this key was rotated with this idempotency key, from other arguments; nothing was changed',
    { details: { reason: 'other_rotation', key: keyId } },
  );

export const ownerNotFound = (owner: string, tenant: string | undefined): ApiKeysError =>
  new ApiKeysError(
    'OWNER_NOT_FOUND',
    `there is no owner ${quote(owner)}${tenant === undefined ? '' : ` in tenant ${quote(tenant)}`}; nothing was changed`,
    { details: { owner, ...(tenant !== undefined && { tenant }) } },
  );

/** `tenants` are all that were found to have one, at least two. */
export function ownerAmbiguous(owner: string, tenants: readonly string[]): ApiKeysError {
  return new ApiKeysError(
    'OWNER_AMBIGUOUS',
    `more than one tenant has an owner ${quote(owner)}: ${listed(tenants)}; nothing was changed`,
    { details: { owner, tenants: tenants.slice(0, MOST_NAMED) } },
  );
}

export const ownerFrozen = (owner: string): ApiKeysError =>
  new ApiKeysError('OWNER_FROZEN', `owner ${quote(owner)} is frozen; nothing was changed`, {
    details: { owner },
  });

export const limitReached = (
  owner: string,
  { live, limit }: { readonly live: number; readonly limit: number },
): ApiKeysError =>
  new ApiKeysError(
    'LIMIT_REACHED',
    `owner ${quote(owner)} has ${live} live keys, and the limit is ${limit}; nothing was changed`,
    { details: { limit, live, owner } },
  );

/** `asked` is in words, or a list of what was asked for and is not allowed; `allowed` is for programs. */
export function policyViolation(
  rule: PolicyRule,
  asked: string | readonly string[],
  { allowed, words }: { readonly allowed?: string | readonly string[]; readonly words?: string },
): ApiKeysError {
  const [what, refused] = typeof asked === 'string' ? [asked] : [listed(asked), asked];
  const limits = words ?? (Array.isArray(allowed) ? listed(allowed) : String(allowed));
  return new ApiKeysError(
    'POLICY_VIOLATION',
    `${what} is against the policy, whose rule ${rule} allows ${limits}; nothing was changed`,
    { details: { rule, ...(allowed !== undefined && { allowed }), ...(refused && { refused }) } },
  );
}

/** Of the keys of an owner, where the policy is narrower than its limit, or as narrow. */
export const policyLimitReached = (
  owner: string,
  { live, limit }: { readonly live: number; readonly limit: number },
): ApiKeysError =>
  new ApiKeysError(
    'POLICY_VIOLATION',
    `owner ${quote(owner)} has ${live} live keys, and the policy, by its rule max_keys, allows ${limit}; nothing was changed`,
    { details: { rule: 'max_keys', allowed: limit, live, owner } },
  );

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const more = names.length > MOST_NAMED ? ' and more' : '';
  return names.slice(0, MOST_NAMED).map(quote).join(', ') + more;
}

export const keyManagementOff = (): ApiKeysError =>
  new ApiKeysError('FEATURE_DISABLED', 'key management is switched off by configuration');
