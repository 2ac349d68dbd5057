import { z } from 'zod';
import { VERIFY_CODES } from '../../domain/verification.js';
import { limitUseSchema } from './limits.js';
import { count, time } from './values.js';

export const verifySchema = z.strictObject({
  valid: z.boolean(),
  code: z.enum(VERIFY_CODES),
  key: z
    .strictObject({
      id: z.uuid(),
      tenant_id: z.string(),
      owner_id: z.string(),
      name: z.string(),
      key_prefix: z.string(),
      scopes: z.array(z.string()),
      metadata: z.record(z.string(), z.string()),
      expires_at: time.nullable(),
    })
    .nullable(),
  missing_scopes: z.array(z.string()),
  retry_after_ms: count.nullable(),
  limits: z.array(limitUseSchema),
  /** With `--explain`. */
  checks: z
    .array(z.strictObject({ check: z.string(), passed: z.boolean().nullable(), detail: z.string() }))
    .nullable(),
});

export type VerifyJson = z.infer<typeof verifySchema>;
