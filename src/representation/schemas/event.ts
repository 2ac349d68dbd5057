import { z } from 'zod';
import { time } from './values.js';

export const eventSchema = z.strictObject({
  id: z.uuid(),
  seq: z.int().min(1),
  at: time,
  actor: z.string(),
  db_role: z.string(),
  action: z.string(),
  tenant_id: z.string(),
  owner_id: z.string(),
  key_id: z.uuid().nullable(),
  reason: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

export type EventJson = z.infer<typeof eventSchema>;
