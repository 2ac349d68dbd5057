import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { NO_POLICY, type Policy } from '../domain/policy.js';

/** Under what tenant the policy for all tenants stands. */
export const ALL_TENANTS = '';

/**
 * Statements that hold the policies of all tenants until the end of the transaction, as its prelude: those who only read
 * them hold them together, and whoever changes one waits for them, and they for it.
 */
export const HOLD_POLICIES = 'LOCK TABLE apikeys.policy_lock IN ROW SHARE MODE';
export const HOLD_POLICIES_TO_CHANGE = 'LOCK TABLE apikeys.policy_lock IN EXCLUSIVE MODE';

/** The tenant's own policy and that for all tenants; without rules where there is none. */
export async function findPolicies(
  session: Session,
  tenantId: string,
): Promise<{ readonly own: Policy; readonly all: Policy }> {
  const rows = await session.rows(
    build.selectFrom('apikeys.policies').selectAll().where('tenant_id', 'in', [tenantId, ALL_TENANTS]),
  );
  const of = (tenant: string): Policy => {
    const row = rows.find(({ tenant_id }) => tenant_id === tenant);
    return row === undefined ? NO_POLICY : toPolicy(row);
  };
  return { own: of(tenantId), all: of(ALL_TENANTS) };
}

/** Stores the policy of a tenant, whose chain has a row by now. */
export async function storePolicy(session: Session, tenantId: string, policy: Policy): Promise<void> {
  const rules = policyRow(policy);
  await session.rows(
    build
      .insertInto('apikeys.policies')
      .values({ tenant_id: tenantId, ...rules })
      .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet(rules)),
  );
}

/** The rules of a policy by the names of their columns. */
export const policyRow = ({ maxLifetimeMs, requireExpiry, maxKeys, scopes, prefixes }: Policy) => ({
  max_lifetime_ms: maxLifetimeMs,
  require_expiry: requireExpiry,
  max_keys: maxKeys,
  scopes: scopes && [...scopes],
  prefixes: prefixes && [...prefixes],
});

const toPolicy = (row: ReturnType<typeof policyRow>): Policy => ({
  maxLifetimeMs: row.max_lifetime_ms,
  requireExpiry: row.require_expiry,
  maxKeys: row.max_keys,
  scopes: row.scopes,
  prefixes: row.prefixes,
});
