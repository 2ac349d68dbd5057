import type { z } from 'zod';
import { auditHeadSchema, auditSchema, auditVerifySchema } from './schemas/audit.js';
import { changeSchema } from './schemas/change.js';
import { cleanupSchema } from './schemas/cleanup.js';
import { doctorSchema } from './schemas/doctor.js';
import { errorSchema } from './schemas/error.js';
import { grantsSchema } from './schemas/grants.js';
import { listSchema, scopesSchema, updateSchema } from './schemas/key.js';
import { createSchema, rotateSchema, showSchema } from './schemas/key-secrets.js';
import { limitsCommandSchema } from './schemas/limits.js';
import { migrateSchema } from './schemas/migration.js';
import { policyChangeSchema, policySchema } from './schemas/policy.js';
import { usageImportSchema, usageRecordSchema, usageSchema } from './schemas/usage.js';
import { verifySchema } from './schemas/verification.js';

/**
 * The JSON of every face, by the name of its schema: `apikeys schema` prints it, and the tests hold the program to it.
 * Schemas are loaded at run time by `apikeys schema` alone; everything else imports their types.
 */
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
  limits: limitsCommandSchema,
  verify: verifySchema,
  usage: usageSchema,
  'usage-record': usageRecordSchema,
  'usage-import': usageImportSchema,
  policy: policySchema,
  'policy-set': policyChangeSchema,
  'policy-unset': policyChangeSchema,
  cleanup: cleanupSchema,
  audit: auditSchema,
  'audit-head': auditHeadSchema,
  'audit-verify': auditVerifySchema,
  migrate: migrateSchema,
  grants: grantsSchema,
  doctor: doctorSchema,
  error: errorSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type SchemaName = keyof typeof SCHEMAS;
