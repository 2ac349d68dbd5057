import { z } from 'zod';
import { count, time } from './values.js';

export const cleanupSchema = z.strictObject({
  deleted_keys: count,
  deleted_secrets: count,
  deleted_usage_days: count,
  deleted_events: count,
  older_than: z.string(),
  cutoff: time,
  dry_run: z.boolean(),
  skipped: z.boolean(),
  complete: z.boolean(),
});

export type CleanupJson = z.infer<typeof cleanupSchema>;
