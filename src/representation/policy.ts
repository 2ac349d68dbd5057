import { formatDuration } from '../domain/duration.js';
import type { Policy } from '../domain/policy.js';
import { type ChainName, chainNameJson } from './chain.js';
import type { PolicyChangeJson, PolicyJson, PolicyRulesJson } from './schemas/policy.js';

interface PolicyView {
  readonly tenant: string | null;
  readonly own: Policy;
  readonly allTenants: Policy;
  readonly inForce: Policy;
}

interface ChangedPolicy extends PolicyView {
  readonly changed: number;
  readonly brokenChains: readonly ChainName[];
}

export const policyRulesJson = (policy: Policy): PolicyRulesJson => ({
  max_lifetime: policy.maxLifetimeMs === null ? null : formatDuration(policy.maxLifetimeMs),
  require_expiry: policy.requireExpiry,
  max_keys: policy.maxKeys,
  scopes: policy.scopes && [...policy.scopes],
  prefixes: policy.prefixes && [...policy.prefixes],
});

export const policyJson = ({ tenant, own, allTenants, inForce }: PolicyView): PolicyJson => ({
  tenant_id: tenant,
  policy: policyRulesJson(own),
  all_tenants: policyRulesJson(allTenants),
  in_force: policyRulesJson(inForce),
});

export const changedPolicyJson = (policy: ChangedPolicy, dryRun: boolean): PolicyChangeJson => ({
  ...policyJson(policy),
  changed: policy.changed,
  dry_run: dryRun,
  broken_chains: policy.brokenChains.map(chainNameJson),
});
