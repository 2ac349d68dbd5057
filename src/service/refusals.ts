import type { Key } from '../domain/key.js';
import { masked, quote } from '../domain/quote.js';
import type { PolicyRule } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import type { KeyRow } from '../repository/keys.js';

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

export function keyAmbiguous(reference: string, candidates: readonly Key[]): ApiKeysError {
  const listed = candidates.slice(0, MOST_NAMED);
  const shown = listed.map(
    (key) =>
      `${key.id} (${quote(key.name)} of ${quote(key.ownerId)}, tenant ${quote(key.tenantId)}, ${key.status})`,
  );
  const more = candidates.length > MOST_NAMED ? ' and more' : '';
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

export const secretAsReference = (): ApiKeysError =>
  new ApiKeysError('SECRET_IN_ARGUMENT', 'that is a secret, not the name of a key');

type NamedKey = Pick<KeyRow, 'id' | 'name' | 'keyPrefix'>;

const named = ({ name, keyPrefix }: NamedKey): string => `key ${quote(name)} (${keyPrefix})`;

export const keyRevoked = (key: NamedKey, done: string): ApiKeysError =>
  new ApiKeysError('KEY_REVOKED', `${named(key)} is revoked, so it cannot be ${done}; nothing was changed`, {
    details: { key: key.id },
  });

export const keyFrozen = (key: NamedKey): ApiKeysError =>
  new ApiKeysError('KEY_FROZEN', `${named(key)} is frozen; nothing was changed`, {
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

export const ownerNotFound = (owner: string, tenant: string | undefined): ApiKeysError =>
  new ApiKeysError(
    'OWNER_NOT_FOUND',
    `there is no owner ${quote(owner)}${tenant === undefined ? '' : ` in tenant ${quote(tenant)}`}; nothing was changed`,
    { details: { owner, ...(tenant !== undefined && { tenant }) } },
  );

/** `tenants` are all that were found to have one, at least two. */
export function ownerAmbiguous(owner: string, tenants: readonly string[]): ApiKeysError {
  const listed = tenants.slice(0, MOST_NAMED);
  const more = tenants.length > MOST_NAMED ? ' and more' : '';
  return new ApiKeysError(
    'OWNER_AMBIGUOUS',
    `more than one tenant has an owner ${quote(owner)}: ${listed.map(quote).join(', ')}${more}; nothing was changed`,
    { details: { owner, tenants: listed } },
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
