import { z } from 'zod';
import { brokenChainsSchema } from './chain.js';
import { keySchema } from './key.js';
import { ownerSchema } from './owner.js';
import { usageTotalSchema } from './usage.js';
import { count, time } from './values.js';

/** Of revoke, freeze and unfreeze. */
export const changeSchema = z.strictObject({
  keys: z.array(keySchema),
  changed: count,
  dry_run: z.boolean(),
  owner: ownerSchema.nullable(),
  impact: z.array(usageTotalSchema.extend({ key_id: z.uuid(), last_used_at: time.nullable() })).nullable(),
  broken_chains: brokenChainsSchema,
});

export type ChangeJson = z.infer<typeof changeSchema>;
