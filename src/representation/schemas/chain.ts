import { z } from 'zod';
import { CHAIN_KINDS } from '../../domain/audit.js';

/** A chain of events: a key's, or where `key_id` is null an owner's. */
export const chainNameSchema = z.strictObject({
  chain: z.enum(CHAIN_KINDS),
  tenant_id: z.string(),
  owner_id: z.string(),
  key_id: z.uuid().nullable(),
});

/** A place in a chain. */
export const chainPlaceSchema = chainNameSchema.extend({ seq: z.int().min(1) });

/** Chains that were found broken: the change was made, and its event begins a new segment there. */
export const brokenChainsSchema = z.array(chainNameSchema);

export type ChainNameJson = z.infer<typeof chainNameSchema>;
