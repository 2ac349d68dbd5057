import { z } from 'zod';
import { SECRET_STAGES } from '../../domain/secret-stage.js';
import { brokenChainsSchema } from './chain.js';
import { eventSchema } from './event.js';
import { keySchema } from './key.js';
import { limitsStateSchema } from './limits.js';
import { usageTotalSchema } from './usage.js';
import { count, time } from './values.js';

/** What the policy left of a lifetime that nobody asked for, in milliseconds; `from_ms` is null for one without an end. */
const lifetimeCutSchema = z.strictObject({ from_ms: count.nullable(), to_ms: count }).nullable();

export const createSchema = keySchema.extend({
  api_key: z.string().nullable(),
  message: z.string(),
  changed: count,
  first_key: z.boolean(),
  lifetime_cut: lifetimeCutSchema,
});

export const showSchema = keySchema.extend({
  limits: limitsStateSchema.nullable(),
  /** Of the owner as a whole. */
  owner_limits: limitsStateSchema.nullable(),
  secrets: z.array(
    z.strictObject({
      version: z.int().min(1),
      key_prefix: z.string(),
      state: z.enum(SECRET_STAGES),
      created_at: time,
      valid_until: time.nullable(),
    }),
  ),
  usage_today: usageTotalSchema,
  old_secret_used_at: time.nullable(),
  events: z.array(eventSchema),
});

export const rotateSchema = keySchema.extend({
  api_key: z.string().nullable(),
  message: z.string(),
  changed: count,
  previous: z.array(z.strictObject({ key_prefix: z.string(), valid_until: time })),
  lifetime_cut: lifetimeCutSchema,
  broken_chains: brokenChainsSchema,
});

export type LifetimeCutJson = z.infer<typeof lifetimeCutSchema>;
export type CreateJson = z.infer<typeof createSchema>;
export type ShowJson = z.infer<typeof showSchema>;
export type RotateJson = z.infer<typeof rotateSchema>;
