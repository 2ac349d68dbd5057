import { z } from 'zod';
import { KEY_STATUSES } from '../../domain/key.js';
import { limitsSchema } from './limits.js';
import { count, time } from './values.js';

export const keySchema = z.strictObject({
  id: z.uuid(),
  tenant_id: z.string(),
  owner_id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  key_prefix: z.string(),
  status: z.enum(KEY_STATUSES),
  scopes: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
  is_frozen: z.boolean(),
  frozen_by_owner: z.boolean(),
  frozen_at: time.nullable(),
  frozen_until: time.nullable(),
  frozen_reason: z.string().nullable(),
  created_at: time,
  created_by: z.string(),
  expires_at: time.nullable(),
  last_used_at: time.nullable(),
  total_requests: count,
  revoked_at: time.nullable(),
  revoked_by: z.string().nullable(),
  revoked_reason: z.string().nullable(),
  limits: limitsSchema.nullable(),
});

export const listSchema = z.union([
  z.strictObject({ keys: z.array(keySchema), next_cursor: z.string().nullable() }),
  z.strictObject({ count }),
]);

export const updateSchema = keySchema.extend({ changed: count });

export const scopesSchema = keySchema.extend({
  changed: count,
  has: z.strictObject({ granted: z.boolean(), missing: z.array(z.string()) }).nullable(),
});

export type KeyJson = z.infer<typeof keySchema>;
export type ListJson = z.infer<typeof listSchema>;
export type UpdateJson = z.infer<typeof updateSchema>;
export type ScopesJson = z.infer<typeof scopesSchema>;
