/** What has a schema: the commands that print a result, and `error` for what is printed when one fails. */
export const SCHEMA_NAMES = [
  'create',
  'list',
  'show',
  'update',
  'rotate',
  'revoke',
  'freeze',
  'unfreeze',
  'scopes',
  'verify',
  'usage',
  'usage-record',
  'usage-import',
  'cleanup',
  'audit',
  'audit-head',
  'audit-verify',
  'migrate',
  'grants',
  'doctor',
  'error',
] as const;

export type SchemaName = (typeof SCHEMA_NAMES)[number];
