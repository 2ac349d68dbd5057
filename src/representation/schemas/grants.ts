import { z } from 'zod';
import { PROFILES } from '../../domain/profiles.js';
import { brokenChainsSchema } from './chain.js';
import { count } from './values.js';

export const grantsSchema = z.strictObject({
  role: z.string(),
  as: z.enum(PROFILES),
  statements: z.array(z.string()),
  /** What the role may do beyond the profile all the same. */
  beyond: z.array(z.string()),
  changed: count,
  broken_chains: brokenChainsSchema,
});

export type GrantsJson = z.infer<typeof grantsSchema>;
