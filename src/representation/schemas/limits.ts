import { z } from 'zod';
import { COUNTED_LIMITS, LIMIT_PERIODS } from '../../domain/limits.js';
import { count, time } from './values.js';

const rate = z.strictObject({ requests: count, window_ms: z.int().min(1_000) });
const quota = z.strictObject({ requests: count, period: z.enum(LIMIT_PERIODS) });
const budget = z.strictObject({ cents: count, period: z.enum(LIMIT_PERIODS) });

/** As they were set. */
export const limitsSchema = z.strictObject({
  rate: rate.nullable(),
  quota: quota.nullable(),
  budget: budget.nullable(),
  allowed_ips: z.array(z.string()),
});

const standing = { used: count, remaining: count, resets_at: time.nullable() };

/** The same with what is left of each. */
export const limitsStateSchema = z.strictObject({
  rate: rate.extend(standing).nullable(),
  quota: quota.extend(standing).nullable(),
  budget: budget.extend(standing).nullable(),
  allowed_ips: z.array(z.string()),
});

/** One limit of a key (`of: key`) or of its owner as a whole, and what is left of it. */
export const limitUseSchema = z.strictObject({
  of: z.enum(['key', 'owner']),
  limit: z.enum(COUNTED_LIMITS),
  allowed: count,
  used: count,
  remaining: count,
  window_ms: z.int().nullable(),
  period: z.enum(LIMIT_PERIODS).nullable(),
  resets_at: time.nullable(),
});

/** Of `limits`: of a key, or where `key_id` is null of an owner as a whole. */
export const limitsCommandSchema = limitsStateSchema.extend({
  tenant_id: z.string(),
  owner_id: z.string(),
  key_id: z.uuid().nullable(),
  name: z.string().nullable(),
  changed: count,
});

export type LimitsJson = z.infer<typeof limitsSchema>;
export type LimitsStateJson = z.infer<typeof limitsStateSchema>;
export type LimitUseJson = z.infer<typeof limitUseSchema>;
export type LimitsCommandJson = z.infer<typeof limitsCommandSchema>;
