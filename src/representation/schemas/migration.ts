import { z } from 'zod';
import { MIGRATION_STATES, SCHEMA_STATES } from '../../domain/schema-state.js';
import { count, time } from './values.js';

export const migrateSchema = z.strictObject({
  state: z.enum(SCHEMA_STATES),
  version: count,
  target: count,
  changed: count,
  dry_run: z.boolean(),
  migrations: z.array(
    z.strictObject({
      version: z.int().min(1),
      name: z.string(),
      state: z.enum(MIGRATION_STATES),
      applied_at: time.nullable(),
      applied_by: z.string().nullable(),
    }),
  ),
});

export type MigrateJson = z.infer<typeof migrateSchema>;
