import { z } from 'zod';
import { USAGE_PERIODS } from '../../domain/usage-period.js';
import { brokenChainsSchema } from './chain.js';
import { count, day } from './values.js';

export const usageTotalSchema = z.strictObject({ request_count: count, spend_cents: count });

export const usageSchema = z.union([
  z.strictObject({
    key_id: z.uuid().nullable(),
    tenant_id: z.string().nullable(),
    owner_id: z.string().nullable(),
    name: z.string().nullable(),
    from: day,
    to: day,
    by: z.enum(USAGE_PERIODS),
    ...usageTotalSchema.shape,
    series: z.array(usageTotalSchema.extend({ period: z.string() })),
  }),
  z.strictObject({
    from: day,
    to: day,
    ...usageTotalSchema.shape,
    top: z.array(
      usageTotalSchema.extend({
        key_id: z.uuid(),
        name: z.string().nullable(),
        tenant_id: z.string(),
        owner_id: z.string(),
        key_prefix: z.string().nullable(),
      }),
    ),
  }),
]);

export const usageRecordSchema = usageTotalSchema.extend({
  key_id: z.uuid(),
  changed: count,
  broken_chains: brokenChainsSchema,
});

export const usageImportSchema = usageTotalSchema.extend({
  changed: count,
  skipped: count,
  dry_run: z.boolean(),
  bad_lines: z.array(z.strictObject({ line: z.int().min(1), reason: z.string() })),
  broken_chains: brokenChainsSchema,
});

export type UsageTotalJson = z.infer<typeof usageTotalSchema>;
export type UsageJson = z.infer<typeof usageSchema>;
export type UsageRecordJson = z.infer<typeof usageRecordSchema>;
export type UsageImportJson = z.infer<typeof usageImportSchema>;
