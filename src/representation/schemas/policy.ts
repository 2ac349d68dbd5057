import { z } from 'zod';
import { brokenChainsSchema } from './chain.js';
import { count } from './values.js';

/** The rules of a policy; null where there is none. */
export const policyRulesSchema = z.strictObject({
  /** A duration: `90d`. */
  max_lifetime: z.string().nullable(),
  require_expiry: z.boolean(),
  max_keys: z.int().min(1).nullable(),
  scopes: z.array(z.string()).nullable(),
  prefixes: z.array(z.string()).nullable(),
});

/** Of a tenant, or where that is null of all tenants; `in_force` is the narrower of its own and that for all. */
export const policySchema = z.strictObject({
  tenant_id: z.string().nullable(),
  policy: policyRulesSchema,
  all_tenants: policyRulesSchema,
  in_force: policyRulesSchema,
});

/** Of set and unset. */
export const policyChangeSchema = policySchema.extend({
  changed: count,
  dry_run: z.boolean(),
  broken_chains: brokenChainsSchema,
});

export type PolicyRulesJson = z.infer<typeof policyRulesSchema>;
export type PolicyJson = z.infer<typeof policySchema>;
export type PolicyChangeJson = z.infer<typeof policyChangeSchema>;
