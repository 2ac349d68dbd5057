import { z } from 'zod';
import { DATABASE_KINDS, FINDING_STATUSES } from '../../domain/health.js';
import { PROFILES } from '../../domain/profiles.js';
import { SCHEMA_STATES } from '../../domain/schema-state.js';
import { policyRulesSchema } from './policy.js';
import { count } from './values.js';

export const doctorSchema = z.strictObject({
  ok: z.boolean(),
  database: z.strictObject({
    kind: z.enum(DATABASE_KINDS),
    place: z.string(),
    source: z.string(),
    server_version: z.string().nullable(),
    role: z.string().nullable(),
    encoding: z.string().nullable(),
    latency_ms: count.nullable(),
    tls: z.boolean().nullable(),
    size_bytes: count.nullable(),
  }),
  clock_ahead_ms: z.int().nullable(),
  schema: z
    .strictObject({
      state: z.enum(SCHEMA_STATES),
      version: count,
      target: count,
    })
    .nullable(),
  row_security: z.array(z.string()).nullable(),
  policy: policyRulesSchema.nullable(),
  profiles: z.array(z.enum(PROFILES)).nullable(),
  may_change_audit_events: z.boolean().nullable(),
  expiring_keys: count.nullable(),
  overdue_keys: count.nullable(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(FINDING_STATUSES),
      message: z.string(),
      hint: z.string().nullable(),
      code: z.string().nullable(),
    }),
  ),
  files: z.array(z.strictObject({ path: z.string(), found: z.boolean() })),
  config: z.array(z.strictObject({ name: z.string(), value: z.string(), source: z.string() })),
});

export type DoctorJson = z.infer<typeof doctorSchema>;
