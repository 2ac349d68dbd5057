/** What a database role is for. */
export const PROFILES = ['admin', 'verifier', 'auditor', 'policy'] as const;

export type Profile = (typeof PROFILES)[number];

/** A privilege on a table of schema `apikeys`, or on some of its columns. */
export interface Privilege {
  readonly kind: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
  readonly table: string;
  readonly columns?: readonly string[];
}

const on = (table: string, ...kinds: Privilege['kind'][]): Privilege[] =>
  kinds.map((kind) => ({ kind, table }));

const columns = (kind: Privilege['kind'], table: string, ...names: string[]): Privilege => ({
  kind,
  table,
  columns: names,
});

/** The columns of an event that the program writes. */
const WRITTEN_OF_EVENTS = [
  'id',
  'seq',
  'at',
  'actor',
  'action',
  'tenant_id',
  'owner_id',
  'key_id',
  'reason',
  'details',
  'prev_hash',
  'hash',
];

const RULES_OF_POLICIES = ['max_lifetime_ms', 'require_expiry', 'max_keys', 'scopes', 'prefixes'];

/**
 * The least that each profile needs: `admin` runs every command but `migrate`, changes no policy, and cannot change or
 * delete an audit event; `verifier` looks hashes up and records usage; `auditor` reads everything but the hashes of
 * secrets; `policy` changes policies and sees no key. None of them owns the schema.
 */
export const PRIVILEGES: Readonly<Record<Profile, readonly Privilege[]>> = {
  admin: [
    ...on('schema_migrations', 'SELECT'),
    ...on('owners', 'SELECT', 'INSERT', 'UPDATE'),
    ...on('keys', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('secrets', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('key_activity', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('limits', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('usage_daily', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('usage_sources', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('audit_events', 'SELECT'),
    // Not the role: that is the server's to say.
    columns('INSERT', 'audit_events', ...WRITTEN_OF_EVENTS),
    ...on('audit_anchors', 'SELECT'),
    ...on('policies', 'SELECT'),
    // To hold it, which takes a privilege to write; there is nothing to write.
    ...on('policy_lock', 'UPDATE'),
  ],
  verifier: [
    ...on('schema_migrations', 'SELECT'),
    columns('SELECT', 'owners', 'tenant_id', 'owner_id', 'frozen_at', 'frozen_until'),
    columns(
      'SELECT',
      'keys',
      'id',
      'tenant_id',
      'owner_id',
      'name',
      'scopes',
      'metadata',
      'key_prefix',
      'secret_version',
      'secret_hash',
      'expires_at',
      'frozen_at',
      'frozen_until',
      'revoked_at',
      'limited',
    ),
    columns('SELECT', 'secrets', 'hash', 'key_id', 'version', 'key_prefix', 'valid_until', 'ended'),
    ...on('key_activity', 'SELECT'),
    columns(
      'UPDATE',
      'key_activity',
      'last_used_at',
      'old_secret_used_at',
      'refused_at',
      'total_requests',
      'total_spend_cents',
      'total_refused',
    ),
    ...on('limits', 'SELECT'),
    // What was used, and not what may be.
    columns(
      'UPDATE',
      'limits',
      'rate_used',
      'rate_from',
      'quota_used',
      'quota_from',
      'budget_used',
      'budget_from',
    ),
    columns('SELECT', 'usage_daily', 'key_id', 'day', 'request_count', 'spend_cents'),
    ...on('usage_daily', 'INSERT'),
    columns('UPDATE', 'usage_daily', 'request_count', 'spend_cents'),
    columns('SELECT', 'usage_sources', 'source_id', 'position', 'updated_at'),
    columns('INSERT', 'usage_sources', 'source_id', 'position', 'updated_at'),
    columns('UPDATE', 'usage_sources', 'position', 'updated_at'),
  ],
  auditor: [
    ...on('schema_migrations', 'SELECT'),
    ...on('owners', 'SELECT'),
    columns(
      'SELECT',
      'keys',
      'id',
      'tenant_id',
      'owner_id',
      'name',
      'description',
      'scopes',
      'metadata',
      'key_prefix',
      'secret_version',
      'created_at',
      'created_by',
      'expires_at',
      'lifetime_ms',
      'frozen_at',
      'frozen_until',
      'frozen_by',
      'frozen_reason',
      'revoked_at',
      'revoked_by',
      'revoked_reason',
      'idempotency_key',
      'idempotency_digest',
      'audit_seq',
      'audit_hash',
      'secret_hash_digest',
      'limited',
    ),
    columns(
      'SELECT',
      'secrets',
      'key_id',
      'version',
      'key_prefix',
      'created_at',
      'valid_until',
      'hash_digest',
      'ended',
    ),
    ...on('key_activity', 'SELECT'),
    ...on('limits', 'SELECT'),
    ...on('usage_daily', 'SELECT'),
    ...on('usage_sources', 'SELECT'),
    ...on('audit_events', 'SELECT'),
    ...on('audit_anchors', 'SELECT'),
    ...on('policies', 'SELECT'),
  ],
  policy: [
    ...on('schema_migrations', 'SELECT'),
    ...on('policies', 'SELECT'),
    columns('INSERT', 'policies', 'tenant_id', ...RULES_OF_POLICIES),
    columns('UPDATE', 'policies', ...RULES_OF_POLICIES),
    ...on('policy_lock', 'UPDATE'),
    // The chains that tell of policies end where the rows of owners say.
    ...on('owners', 'SELECT'),
    columns('INSERT', 'owners', 'tenant_id', 'owner_id', 'created_at'),
    columns('UPDATE', 'owners', 'version', 'audit_seq', 'audit_hash'),
    columns('SELECT', 'audit_events', 'id', 'seq', 'db_role', 'tenant_id', 'owner_id', 'key_id', 'hash'),
    columns('INSERT', 'audit_events', ...WRITTEN_OF_EVENTS),
    columns('SELECT', 'audit_anchors', 'seq', 'tenant_id', 'owner_id', 'key_id', 'hash'),
  ],
};
