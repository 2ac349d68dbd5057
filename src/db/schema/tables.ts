import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { LimitPeriod } from '../../domain/limits.js';

/** The tables of schema `apikeys`, as the queries see them: bigint is a safe integer, date is text. */
export interface Tables {
  'apikeys.schema_migrations': SchemaMigrationsTable;
  'apikeys.owners': OwnersTable;
  'apikeys.keys': KeysTable;
  'apikeys.secrets': SecretsTable;
  'apikeys.limits': LimitsTable;
  'apikeys.key_activity': KeyActivityTable;
  'apikeys.usage_daily': UsageDailyTable;
  'apikeys.audit_events': AuditEventsTable;
  'apikeys.audit_anchors': AuditAnchorsTable;
  'apikeys.policies': PoliciesTable;
}

export interface SchemaMigrationsTable {
  version: number;
  name: string;
  checksum: Buffer;
  applied_at: Date;
  applied_by: string;
}

interface Freezable {
  frozen_at: Date | null;
  frozen_until: Date | null;
  frozen_by: string | null;
  frozen_reason: string | null;
}

export interface OwnersTable extends Freezable {
  tenant_id: string;
  owner_id: string;
  version: Generated<number>;
  max_keys: number | null;
  counted_at: Generated<Date | null>;
  limited: Generated<boolean>;
  created_at: Date;
  audit_seq: Generated<number>;
  audit_hash: Buffer | null;
}

export interface KeysTable extends Freezable {
  id: string;
  tenant_id: string;
  owner_id: string;
  name: string;
  description: string | null;
  scopes: string[];
  metadata: ColumnType<Record<string, string>, string, string>;
  key_prefix: string;
  secret_version: Generated<number>;
  secret_hash: Buffer;
  secret_hash_digest: GeneratedAlways<Buffer>;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  lifetime_ms: number | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  revoked_reason: string | null;
  idempotency_key: string | null;
  idempotency_digest: Buffer | null;
  limited: Generated<boolean>;
  audit_seq: number;
  audit_hash: Buffer;
}

export interface PoliciesTable {
  tenant_id: string;
  max_lifetime_ms: number | null;
  require_expiry: boolean;
  max_keys: number | null;
  scopes: string[] | null;
  prefixes: string[] | null;
}

export interface SecretsTable {
  hash: Buffer;
  key_id: string;
  version: number;
  key_prefix: string;
  created_at: Date;
  valid_until: Date | null;
  ended: Generated<boolean>;
  hash_digest: GeneratedAlways<Buffer>;
}

/** Of a key, or of an owner where `key_id` is null. */
export interface LimitsTable {
  id: GeneratedAlways<number>;
  key_id: string | null;
  tenant_id: string | null;
  owner_id: string | null;
  rate_requests: number | null;
  rate_window_ms: number | null;
  rate_used: Generated<number>;
  rate_from: Generated<Date | null>;
  quota_requests: number | null;
  quota_period: LimitPeriod | null;
  quota_used: Generated<number>;
  quota_from: Generated<Date | null>;
  budget_cents: number | null;
  budget_period: LimitPeriod | null;
  budget_used: Generated<number>;
  budget_from: Generated<Date | null>;
}

export interface KeyActivityTable {
  key_id: string;
  last_used_at: Date | null;
  old_secret_used_at: Date | null;
  refused_at: Date | null;
  total_requests: Generated<number>;
  total_spend_cents: Generated<number>;
  total_refused: Generated<number>;
}

export interface UsageDailyTable {
  key_id: string;
  day: string;
  tenant_id: string;
  owner_id: string;
  request_count: number;
  spend_cents: number;
}

export interface AuditEventsTable {
  id: string;
  seq: number;
  at: Date;
  actor: string;
  db_role: Generated<string>;
  action: string;
  tenant_id: string;
  owner_id: string;
  key_id: string | null;
  reason: string | null;
  details: string;
  prev_hash: Buffer | null;
  hash: Buffer;
}

export interface AuditAnchorsTable {
  tenant_id: string;
  owner_id: string;
  key_id: string | null;
  seq: number;
  hash: Buffer;
  owner_seq: number;
  pruned_at: Date;
  pruned_by: string;
  state: string | null;
}
