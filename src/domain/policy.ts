import { checkScope, grants } from './scopes.js';

/** What keys may be. Null rules nothing. */
export interface Policy {
  /** The longest that a key may be given to live, in milliseconds; then none may live for ever. */
  readonly maxLifetimeMs: number | null;
  /** Whether every key has to have an end. */
  readonly requireExpiry: boolean;
  /** How many live keys an owner may have. */
  readonly maxKeys: number | null;
  /** A key may be given the scopes that these cover. */
  readonly scopes: readonly string[] | null;
  /** What new secrets may begin with. */
  readonly prefixes: readonly string[] | null;
}

export const NO_POLICY: Policy = {
  maxLifetimeMs: null,
  requireExpiry: false,
  maxKeys: null,
  scopes: null,
  prefixes: null,
};

/** What two policies allow both. */
export const narrower = (a: Policy, b: Policy): Policy => ({
  maxLifetimeMs: least(a.maxLifetimeMs, b.maxLifetimeMs),
  requireExpiry: a.requireExpiry || b.requireExpiry,
  maxKeys: least(a.maxKeys, b.maxKeys),
  scopes: both(a.scopes, b.scopes, commonScopes),
  prefixes: both(a.prefixes, b.prefixes, (some, others) => some.filter((prefix) => others.includes(prefix))),
});

const least = (a: number | null, b: number | null): number | null => both(a, b, Math.min);

const both = <T>(a: T | null, b: T | null, join: (a: T, b: T) => T): T | null =>
  a === null || b === null ? (a ?? b) : join(a, b);

/** Of two scopes that share anything, one covers the other: so what both lists cover is the scopes that the other one covers. */
const commonScopes = (some: readonly string[], others: readonly string[]): string[] =>
  [
    ...new Set([
      ...some.filter((scope) => grants(others, scope)),
      ...others.filter((scope) => grants(some, scope)),
    ]),
  ].sort();

/** The rule that a lifetime is against, in milliseconds, or null for ever; null if none. */
export function lifetimeBreach(
  { maxLifetimeMs, requireExpiry }: Pick<Policy, 'maxLifetimeMs' | 'requireExpiry'>,
  lifetimeMs: number | null,
): 'max_lifetime' | 'require_expiry' | null {
  if (maxLifetimeMs !== null) {
    return lifetimeMs === null || lifetimeMs > maxLifetimeMs ? 'max_lifetime' : null;
  }
  return requireExpiry && lifetimeMs === null ? 'require_expiry' : null;
}

/**
 * What a policy leaves of a lifetime that nobody asked for: the longest that it allows, or `usual` where it allows any that
 * ends.
 */
export function allowedLifetime(policy: Policy, lifetimeMs: number | null, usual: number): number | null {
  return lifetimeBreach(policy, lifetimeMs) === null ? lifetimeMs : (policy.maxLifetimeMs ?? usual);
}

/** Those of the scopes that a policy does not allow. */
export const scopesBreach = (
  { scopes }: Pick<Policy, 'scopes'>,
  wanted: readonly string[],
): readonly string[] => (scopes === null ? [] : checkScope(scopes, wanted).missing);

/** Whether a policy does not allow secrets that begin so. */
export const prefixBreach = ({ prefixes }: Pick<Policy, 'prefixes'>, prefix: string): boolean =>
  prefixes !== null && !prefixes.includes(prefix);
