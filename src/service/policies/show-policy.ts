import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { narrower, type Policy } from '../../domain/policy.js';
import { ALL_TENANTS, findPolicies } from '../../repository/policies.js';
import { type ServiceContext, tenantOf } from '../context.js';

/** The policies that decide of a tenant's keys; without a tenant, of those of all. */
export interface PolicyView {
  /** Null: all tenants. */
  readonly tenant: string | null;
  /** The tenant's own. Where all tenants are meant, it is the same as `allTenants`. */
  readonly own: Policy;
  readonly allTenants: Policy;
  /** The narrower of both, rule by rule: what keys are held to. */
  readonly inForce: Policy;
}

/** The policy of the caller's tenant; without a tenant, that for all. */
export async function showPolicy(context: ServiceContext): Promise<PolicyView> {
  const tenant = tenantOf(context);
  await context.ready();
  return read(context.engine, (session) => readPolicy(session, tenant ?? null));
}

export async function readPolicy(session: Session, tenant: string | null): Promise<PolicyView> {
  return policyView(tenant, await findPolicies(session, tenant ?? ALL_TENANTS));
}

export const policyView = (
  tenant: string | null,
  { own, all }: { readonly own: Policy; readonly all: Policy },
): PolicyView => ({ tenant, own, allTenants: all, inForce: narrower(own, all) });
