import { z } from 'zod';
import { STATE_FIELDS } from '../domain/key-state.js';

/**
 * The JSON of every command, declared once: the types come from here, `apikeys schema` prints it and the tests
 * hold the program to it. Loaded at run time by `apikeys schema` alone; everything else imports types.
 */

const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const keySchema = z.strictObject({
  id: z.uuid(),
  tenant_id: z.string(),
  owner_id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  key_prefix: z.string(),
  status: z.enum(['active', 'revoked', 'frozen', 'expired']),
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
});

const eventSchema = z.strictObject({
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

/** A chain of events: a key's, or where `key_id` is null an owner's. */
const chainNameSchema = z.strictObject({
  chain: z.enum(['key', 'owner']),
  tenant_id: z.string(),
  owner_id: z.string(),
  key_id: z.uuid().nullable(),
});

/** Chains that were found broken: the change was made, and its event begins a new segment there. */
const brokenChainsSchema = z.array(chainNameSchema);

const usageTotalSchema = z.strictObject({ request_count: count, spend_cents: count });

export const createSchema = keySchema.extend({
  api_key: z.string().nullable(),
  message: z.string(),
  changed: count,
  first_key: z.boolean(),
});

export const listSchema = z.union([
  z.strictObject({ keys: z.array(keySchema), next_cursor: z.string().nullable() }),
  z.strictObject({ count }),
]);

export const showSchema = keySchema.extend({
  secrets: z.array(
    z.strictObject({
      version: z.int().min(1),
      key_prefix: z.string(),
      state: z.enum(['current', 'grace', 'retired']),
      created_at: time,
      valid_until: time.nullable(),
    }),
  ),
  usage_today: usageTotalSchema,
  old_secret_used_at: time.nullable(),
  events: z.array(eventSchema),
});

export const rotateSchema = keySchema.extend({
  api_key: z.string().nullable(),
  message: z.string(),
  changed: count,
  previous: z.array(z.strictObject({ key_prefix: z.string(), valid_until: time })),
  broken_chains: brokenChainsSchema,
});

export const updateSchema = keySchema.extend({ changed: count });

export const scopesSchema = keySchema.extend({
  changed: count,
  has: z.strictObject({ granted: z.boolean(), missing: z.array(z.string()) }).nullable(),
});

const ownerSchema = z.strictObject({
  tenant_id: z.string(),
  owner_id: z.string(),
  is_frozen: z.boolean(),
  frozen_at: time.nullable(),
  frozen_until: time.nullable(),
  frozen_by: z.string().nullable(),
  frozen_reason: z.string().nullable(),
});

/** Of revoke, freeze and unfreeze. */
export const changeSchema = z.strictObject({
  keys: z.array(keySchema),
  changed: count,
  dry_run: z.boolean(),
  owner: ownerSchema.nullable(),
  impact: z.array(usageTotalSchema.extend({ key_id: z.uuid(), last_used_at: time.nullable() })).nullable(),
  broken_chains: brokenChainsSchema,
});

export const verifySchema = z.strictObject({
  valid: z.boolean(),
  code: z.enum([
    'VALID',
    'NOT_FOUND',
    'MALFORMED',
    'REVOKED',
    'FROZEN',
    'RETIRED',
    'EXPIRED',
    'INSUFFICIENT_SCOPE',
  ]),
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
  /** With `--explain`. */
  checks: z
    .array(z.strictObject({ check: z.string(), passed: z.boolean().nullable(), detail: z.string() }))
    .nullable(),
});

const day = z.iso.date();

export const usageSchema = z.union([
  z.strictObject({
    key_id: z.uuid(),
    tenant_id: z.string(),
    owner_id: z.string(),
    name: z.string().nullable(),
    from: day,
    to: day,
    by: z.enum(['day', 'week', 'month']),
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

export const auditSchema = z.strictObject({
  events: z.array(eventSchema),
  next_cursor: z.string().nullable(),
});

/** A place in a chain. */
const chainSchema = chainNameSchema.extend({ seq: z.int().min(1) });

/** A line: the head of a chain, or, as the last one, the number of all others and their checksum. */
export const auditHeadSchema = z.union([
  chainSchema.extend({ hash: sha256 }),
  z.strictObject({ chains: count, at: time, sha256 }),
]);

export const auditVerifySchema = z.strictObject({
  valid: z.boolean(),
  chains: count,
  events: count,
  broken: z.array(
    chainSchema.extend({
      fault: z.enum(['hash', 'seq', 'prev_hash', 'head', 'truncated', 'missing', 'segment', 'state']),
      field: z.enum(STATE_FIELDS).nullable(),
    }),
  ),
  broken_count: count,
});

export const migrateSchema = z.strictObject({
  state: z.enum(['missing', 'behind', 'current', 'ahead', 'changed', 'unrecorded']),
  version: count,
  target: count,
  changed: count,
  dry_run: z.boolean(),
  migrations: z.array(
    z.strictObject({
      version: z.int().min(1),
      name: z.string(),
      state: z.enum(['applied', 'pending', 'changed', 'unknown']),
      applied_at: time.nullable(),
      applied_by: z.string().nullable(),
    }),
  ),
});

export const grantsSchema = z.strictObject({
  role: z.string(),
  as: z.enum(['admin', 'verifier', 'auditor']),
  statements: z.array(z.string()),
  /** What the role may do beyond the profile all the same. */
  beyond: z.array(z.string()),
  changed: count,
  broken_chains: brokenChainsSchema,
});

export const doctorSchema = z.strictObject({
  ok: z.boolean(),
  database: z.strictObject({
    kind: z.enum(['server', 'embedded']),
    place: z.string(),
    source: z.string(),
    server_version: z.string().nullable(),
    role: z.string().nullable(),
    latency_ms: count.nullable(),
    tls: z.boolean().nullable(),
    size_bytes: count.nullable(),
  }),
  clock_ahead_ms: z.int().nullable(),
  schema: z
    .strictObject({
      state: z.enum(['missing', 'behind', 'current', 'ahead', 'changed', 'unrecorded']),
      version: count,
      target: count,
    })
    .nullable(),
  profiles: z.array(z.enum(['admin', 'verifier', 'auditor'])).nullable(),
  may_change_audit_events: z.boolean().nullable(),
  expiring_keys: count.nullable(),
  overdue_keys: count.nullable(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(['ok', 'warn', 'fail']),
      message: z.string(),
      hint: z.string().nullable(),
      code: z.string().nullable(),
    }),
  ),
  config: z.array(z.strictObject({ name: z.string(), value: z.string(), source: z.string() })),
});

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

export const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

/** By the name that `apikeys schema` takes: the commands, and `error` for what is printed when one fails. */
export const SCHEMAS = {
  create: createSchema,
  list: listSchema,
  show: showSchema,
  update: updateSchema,
  rotate: rotateSchema,
  revoke: changeSchema,
  freeze: changeSchema,
  unfreeze: changeSchema,
  scopes: scopesSchema,
  verify: verifySchema,
  usage: usageSchema,
  'usage-record': usageRecordSchema,
  'usage-import': usageImportSchema,
  cleanup: cleanupSchema,
  audit: auditSchema,
  'audit-head': auditHeadSchema,
  'audit-verify': auditVerifySchema,
  migrate: migrateSchema,
  grants: grantsSchema,
  doctor: doctorSchema,
  error: errorSchema,
} as const;

export type KeyJson = z.infer<typeof keySchema>;
export type EventJson = z.infer<typeof eventSchema>;
export type CreateJson = z.infer<typeof createSchema>;
export type ShowJson = z.infer<typeof showSchema>;
export type RotateJson = z.infer<typeof rotateSchema>;
export type UpdateJson = z.infer<typeof updateSchema>;
export type ScopesJson = z.infer<typeof scopesSchema>;
export type BrokenChainsJson = z.infer<typeof brokenChainsSchema>;
export type ChangeJson = z.infer<typeof changeSchema>;
export type GrantsJson = z.infer<typeof grantsSchema>;
export type DoctorJson = z.infer<typeof doctorSchema>;
export type CleanupJson = z.infer<typeof cleanupSchema>;
export type VerifyJson = z.infer<typeof verifySchema>;
export type UsageJson = z.infer<typeof usageSchema>;
export type UsageRecordJson = z.infer<typeof usageRecordSchema>;
export type UsageImportJson = z.infer<typeof usageImportSchema>;
export type AuditJson = z.infer<typeof auditSchema>;
export type AuditHeadJson = z.infer<typeof auditHeadSchema>;
export type AuditVerifyJson = z.infer<typeof auditVerifySchema>;
export type MigrateJson = z.infer<typeof migrateSchema>;
