import { z } from 'zod';
import { time } from './values.js';

export const ownerSchema = z.strictObject({
  tenant_id: z.string(),
  owner_id: z.string(),
  is_frozen: z.boolean(),
  frozen_at: time.nullable(),
  frozen_until: time.nullable(),
  frozen_by: z.string().nullable(),
  frozen_reason: z.string().nullable(),
});

export type OwnerJson = z.infer<typeof ownerSchema>;
