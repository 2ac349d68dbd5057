import { z } from 'zod';
import { time } from './values.js';

export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    /** Of `KEY_AMBIGUOUS`: the keys that may be meant, a few of very many. */
    candidates: z
      .array(
        z.strictObject({
          id: z.uuid(),
          key_prefix: z.string(),
          name: z.string(),
          owner_id: z.string(),
          tenant_id: z.string(),
          status: z.string(),
          created_at: time.nullable(),
          last_used_at: time.nullable(),
        }),
      )
      .optional(),
  }),
});

export type ErrorJson = z.infer<typeof errorSchema>;
