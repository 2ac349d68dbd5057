import type { Session } from '../db/engine.js';
import { formatDuration } from '../domain/duration.js';
import { lifetimeBreach, narrower, type Policy, prefixBreach, scopesBreach } from '../domain/policy.js';
import { findPolicies } from '../repository/policies.js';
import { policyViolation } from './refusals.js';
import type { Settings } from './settings.js';

/**
 * What keys of a tenant may be: the narrower of its own policy and that for all tenants. Of a change the policies are held
 * by then, so that none is narrowed before the change is committed.
 */
export async function policyInForce(session: Session, tenantId: string): Promise<Policy> {
  const { own, all } = await findPolicies(session, tenantId);
  return narrower(own, all);
}

/** Throws `POLICY_VIOLATION` for a lifetime that was asked for, in milliseconds; null: for ever. */
export function requireLifetime(policy: Policy, lifetimeMs: number | null): void {
  const rule = lifetimeBreach(policy, lifetimeMs);
  if (rule === null) return;
  const asked = lifetimeMs === null ? 'a key without an end' : 'a lifetime as long as this';
  const { maxLifetimeMs } = policy;
  if (maxLifetimeMs === null) throw policyViolation(rule, asked, { words: 'any that ends' });
  const longest = formatDuration(maxLifetimeMs);
  throw policyViolation(rule, asked, { words: `${longest} at most`, allowed: longest });
}

/** Throws `POLICY_VIOLATION` for scopes that a key is to have, unless all of them are allowed. */
export function requireScopes({ scopes }: Policy, wanted: readonly string[]): void {
  const refused = scopesBreach({ scopes }, wanted);
  if (refused.length > 0) throw policyViolation('scopes', refused, { allowed: scopes ?? [] });
}

/** Throws `POLICY_VIOLATION` for what a new secret may not begin with. */
export function requirePrefix({ prefixes }: Policy, prefix: string): void {
  if (prefixBreach({ prefixes }, prefix))
    throw policyViolation('prefixes', [prefix], { allowed: prefixes ?? [] });
}

/** A setting that a policy is narrower than, or does not allow. */
export type SettingBeyondPolicy = 'defaultExpiry' | 'maxKeysPerOwner' | 'prefix';

/** The settings by which no key is made as they say: a lifetime is cut, fewer keys are allowed, a prefix is refused. */
export function settingsBeyondPolicy(policy: Policy, settings: Settings): SettingBeyondPolicy[] {
  const { defaultExpiry, maxKeysPerOwner, prefix } = settings;
  const lifetime = defaultExpiry.kind === 'in' ? defaultExpiry.ms : null;
  const isMore = policy.maxKeys !== null && (maxKeysPerOwner === 0 || maxKeysPerOwner > policy.maxKeys);
  return [
    ...(lifetimeBreach(policy, lifetime) === null ? [] : ['defaultExpiry' as const]),
    ...(isMore ? ['maxKeysPerOwner' as const] : []),
    ...(prefixBreach(policy, prefix) ? ['prefix' as const] : []),
  ];
}
