CREATE TABLE apikeys.audit_anchors (
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  key_id uuid,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  owner_seq bigint NOT NULL,
  pruned_at timestamp(3) with time zone NOT NULL,
  pruned_by text NOT NULL,
  state text,
  CONSTRAINT audit_anchors_hash_check CHECK ((octet_length(hash) = 32)),
  CONSTRAINT audit_anchors_owner_seq_check CHECK ((owner_seq >= 1)),
  CONSTRAINT audit_anchors_seq_check CHECK ((seq >= 1)),
  CONSTRAINT audit_anchors_times_ok CHECK (((EXTRACT(year FROM (pruned_at AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (pruned_at AT TIME ZONE 'UTC'::text)) <= (9999)::numeric)))
);

CREATE TABLE apikeys.audit_events (
  id uuid NOT NULL,
  seq bigint NOT NULL,
  at timestamp(3) with time zone NOT NULL,
  actor text COLLATE "C" NOT NULL,
  db_role text NOT NULL DEFAULT CURRENT_USER,
  action text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  key_id uuid,
  reason text,
  details text NOT NULL,
  prev_hash bytea,
  hash bytea NOT NULL,
  CONSTRAINT audit_events_pkey PRIMARY KEY (id),
  CONSTRAINT audit_events_action_check CHECK (((char_length(action) >= 1) AND (char_length(action) <= 50))),
  CONSTRAINT audit_events_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 200))),
  CONSTRAINT audit_events_at_ok CHECK (((EXTRACT(year FROM (at AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (at AT TIME ZONE 'UTC'::text)) <= (9999)::numeric))),
  CONSTRAINT audit_events_details_ok CHECK ((json_typeof((details)::json) = 'object'::text)),
  CONSTRAINT audit_events_first_ok CHECK (((seq = 1) = (prev_hash IS NULL))),
  CONSTRAINT audit_events_hash_check CHECK ((octet_length(hash) = 32)),
  CONSTRAINT audit_events_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
  CONSTRAINT audit_events_reason_check CHECK ((char_length(reason) <= 500)),
  CONSTRAINT audit_events_seq_check CHECK ((seq >= 1)),
  CONSTRAINT audit_events_seq_ok CHECK ((seq <= '9007199254740991'::bigint))
);

CREATE TABLE apikeys.key_activity (
  key_id uuid NOT NULL,
  last_used_at timestamp(3) with time zone,
  old_secret_used_at timestamp(3) with time zone,
  refused_at timestamp(3) with time zone,
  total_requests bigint NOT NULL DEFAULT 0,
  total_spend_cents bigint NOT NULL DEFAULT 0,
  total_refused bigint NOT NULL DEFAULT 0,
  CONSTRAINT key_activity_pkey PRIMARY KEY (key_id),
  CONSTRAINT key_activity_times_ok CHECK (((EXTRACT(year FROM (LEAST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (GREATEST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC'::text)) <= (9999)::numeric))),
  CONSTRAINT key_activity_total_refused_check CHECK (((total_refused >= 0) AND (total_refused <= '9007199254740991'::bigint))),
  CONSTRAINT key_activity_total_requests_check CHECK (((total_requests >= 0) AND (total_requests <= '9007199254740991'::bigint))),
  CONSTRAINT key_activity_total_spend_cents_check CHECK (((total_spend_cents >= 0) AND (total_spend_cents <= '9007199254740991'::bigint)))
) WITH (fillfactor=70);

CREATE TABLE apikeys.keys (
  id uuid NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text,
  scopes text[] NOT NULL DEFAULT '{}'::text[],
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  key_prefix text COLLATE "C" NOT NULL,
  secret_version integer NOT NULL DEFAULT 1,
  secret_hash bytea NOT NULL,
  secret_hash_digest bytea GENERATED ALWAYS AS (sha256(secret_hash)) STORED,
  created_at timestamp(3) with time zone NOT NULL,
  created_by text NOT NULL,
  expires_at timestamp(3) with time zone,
  lifetime_ms bigint,
  frozen_at timestamp(3) with time zone,
  frozen_until timestamp(3) with time zone,
  frozen_by text,
  frozen_reason text,
  revoked_at timestamp(3) with time zone,
  revoked_by text,
  revoked_reason text,
  idempotency_key text COLLATE "C",
  idempotency_digest bytea,
  audit_seq bigint NOT NULL,
  audit_hash bytea NOT NULL,
  limited boolean NOT NULL DEFAULT false,
  CONSTRAINT keys_pkey PRIMARY KEY (id),
  CONSTRAINT keys_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners(tenant_id, owner_id),
  CONSTRAINT keys_audit_hash_check CHECK ((octet_length(audit_hash) = 32)),
  CONSTRAINT keys_audit_seq_check CHECK ((audit_seq >= 1)),
  CONSTRAINT keys_audit_seq_ok CHECK ((audit_seq <= '9007199254740991'::bigint)),
  CONSTRAINT keys_description_ok CHECK ((char_length(description) <= 2000)),
  CONSTRAINT keys_frozen_ok CHECK (((frozen_at IS NOT NULL) OR ((frozen_until IS NULL) AND (frozen_by IS NULL) AND (frozen_reason IS NULL)))),
  CONSTRAINT keys_idempotency_ok CHECK ((((idempotency_key IS NULL) = (idempotency_digest IS NULL)) AND ((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 200)) AND (octet_length(idempotency_digest) = 32))),
  CONSTRAINT keys_key_prefix_ok CHECK (((char_length(key_prefix) >= 1) AND (char_length(key_prefix) <= 40))),
  CONSTRAINT keys_lifetime_ms_check CHECK ((lifetime_ms > 0)),
  CONSTRAINT keys_lifetime_ok CHECK (((lifetime_ms IS NULL) = (expires_at IS NULL))),
  CONSTRAINT keys_metadata_ok CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (octet_length((metadata)::text) <= 8192))),
  CONSTRAINT keys_name_ok CHECK ((((char_length(name) >= 1) AND (char_length(name) <= 200)) AND (name !~ '[\x01-\x1f\x7f]'::text) AND (btrim(name) = name))),
  CONSTRAINT keys_owner_id_ok CHECK ((owner_id <> ''::text)),
  CONSTRAINT keys_reasons_ok CHECK (((char_length(frozen_reason) <= 500) AND (char_length(revoked_reason) <= 500))),
  CONSTRAINT keys_revoked_ok CHECK (((revoked_at IS NOT NULL) OR ((revoked_by IS NULL) AND (revoked_reason IS NULL)))),
  CONSTRAINT keys_scopes_ok CHECK (((cardinality(scopes) <= 100) AND (array_position(scopes, NULL::text) IS NULL))),
  CONSTRAINT keys_secret_hash_ok CHECK ((octet_length(secret_hash) = 32)),
  CONSTRAINT keys_secret_version_check CHECK ((secret_version >= 1)),
  CONSTRAINT keys_tenant_id_ok CHECK ((tenant_id <> ''::text)),
  CONSTRAINT keys_times_ok CHECK (((EXTRACT(year FROM (LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC'::text)) <= (9999)::numeric)))
);

CREATE TABLE apikeys.limits (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key_id uuid,
  tenant_id text COLLATE "C",
  owner_id text COLLATE "C",
  rate_requests bigint,
  rate_window_ms bigint,
  rate_used bigint NOT NULL DEFAULT 0,
  rate_from timestamp(3) with time zone,
  quota_requests bigint,
  quota_period text,
  quota_used bigint NOT NULL DEFAULT 0,
  quota_from timestamp(3) with time zone,
  budget_cents bigint,
  budget_period text,
  budget_used bigint NOT NULL DEFAULT 0,
  budget_from timestamp(3) with time zone,
  allowed_ips cidr[] NOT NULL DEFAULT '{}'::cidr[],
  CONSTRAINT limits_pkey PRIMARY KEY (id),
  CONSTRAINT limits_key_fkey FOREIGN KEY (key_id) REFERENCES apikeys.keys(id),
  CONSTRAINT limits_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners(tenant_id, owner_id),
  CONSTRAINT limits_budget_cents_check CHECK (((budget_cents >= 1) AND (budget_cents <= '9007199254740991'::bigint))),
  CONSTRAINT limits_budget_ok CHECK (((budget_cents IS NULL) = (budget_period IS NULL))),
  CONSTRAINT limits_budget_period_check CHECK ((budget_period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'total'::text]))),
  CONSTRAINT limits_budget_used_check CHECK (((budget_used >= 0) AND (budget_used <= '9007199254740991'::bigint))),
  CONSTRAINT limits_ips_ok CHECK (((cardinality(allowed_ips) <= 100) AND (array_position(allowed_ips, NULL::cidr) IS NULL))),
  CONSTRAINT limits_quota_ok CHECK (((quota_requests IS NULL) = (quota_period IS NULL))),
  CONSTRAINT limits_quota_period_check CHECK ((quota_period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'total'::text]))),
  CONSTRAINT limits_quota_requests_check CHECK (((quota_requests >= 1) AND (quota_requests <= '9007199254740991'::bigint))),
  CONSTRAINT limits_quota_used_check CHECK ((quota_used >= 0)),
  CONSTRAINT limits_rate_ok CHECK (((rate_requests IS NULL) = (rate_window_ms IS NULL))),
  CONSTRAINT limits_rate_requests_check CHECK (((rate_requests >= 1) AND (rate_requests <= '9007199254740991'::bigint))),
  CONSTRAINT limits_rate_used_check CHECK ((rate_used >= 0)),
  CONSTRAINT limits_rate_window_ms_check CHECK (((rate_window_ms >= 1000) AND (rate_window_ms <= 86400000))),
  CONSTRAINT limits_subject_ok CHECK ((((key_id IS NULL) = (owner_id IS NOT NULL)) AND ((tenant_id IS NULL) = (owner_id IS NULL))))
) WITH (fillfactor=50);

CREATE TABLE apikeys.owners (
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  created_at timestamp(3) with time zone NOT NULL,
  max_keys integer,
  version bigint NOT NULL DEFAULT 0,
  counted_at timestamp(3) with time zone,
  frozen_at timestamp(3) with time zone,
  frozen_until timestamp(3) with time zone,
  frozen_by text,
  frozen_reason text,
  audit_seq bigint NOT NULL DEFAULT 0,
  audit_hash bytea,
  limited boolean NOT NULL DEFAULT false,
  CONSTRAINT owners_pkey PRIMARY KEY (tenant_id, owner_id),
  CONSTRAINT owners_audit_seq_check CHECK ((audit_seq >= 0)),
  CONSTRAINT owners_audit_seq_ok CHECK ((audit_seq <= '9007199254740991'::bigint)),
  CONSTRAINT owners_frozen_ok CHECK (((frozen_at IS NOT NULL) OR ((frozen_until IS NULL) AND (frozen_by IS NULL) AND (frozen_reason IS NULL)))),
  CONSTRAINT owners_head_ok CHECK ((((audit_seq = 0) = (audit_hash IS NULL)) AND (octet_length(audit_hash) = 32))),
  CONSTRAINT owners_max_keys_check CHECK ((max_keys >= 0)),
  CONSTRAINT owners_owner_id_ok CHECK (((char_length(owner_id) <= 200) AND (owner_id !~ '[\x01-\x1f\x7f]'::text))),
  CONSTRAINT owners_reason_ok CHECK ((char_length(frozen_reason) <= 500)),
  CONSTRAINT owners_tenant_id_ok CHECK (((((char_length(tenant_id) >= 1) AND (char_length(tenant_id) <= 100)) AND (tenant_id !~ '[\x01-\x1f\x7f]'::text)) OR ((tenant_id = ''::text) AND (owner_id = ''::text)))),
  CONSTRAINT owners_times_ok CHECK (((EXTRACT(year FROM (LEAST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (GREATEST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC'::text)) <= (9999)::numeric)))
);

CREATE TABLE apikeys.policies (
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (''::text) STORED,
  max_lifetime_ms bigint,
  require_expiry boolean NOT NULL DEFAULT false,
  max_keys integer,
  scopes text[],
  prefixes text[],
  CONSTRAINT policies_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT policies_chain_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners(tenant_id, owner_id),
  CONSTRAINT policies_max_keys_check CHECK ((max_keys >= 1)),
  CONSTRAINT policies_max_lifetime_ms_check CHECK (((max_lifetime_ms > 0) AND ((max_lifetime_ms % (60000)::bigint) = 0))),
  CONSTRAINT policies_prefixes_ok CHECK ((((cardinality(prefixes) >= 1) AND (cardinality(prefixes) <= 100)) AND (array_position(prefixes, NULL::text) IS NULL))),
  CONSTRAINT policies_scopes_ok CHECK ((((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 100)) AND (array_position(scopes, NULL::text) IS NULL)))
);

CREATE TABLE apikeys.policy_lock (

);

CREATE TABLE apikeys.schema_migrations (
  version integer NOT NULL,
  name text NOT NULL,
  checksum bytea NOT NULL,
  applied_at timestamp(3) with time zone NOT NULL,
  applied_by text NOT NULL,
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (version),
  CONSTRAINT schema_migrations_checksum_check CHECK ((octet_length(checksum) = 32)),
  CONSTRAINT schema_migrations_version_check CHECK ((version > 0))
);

CREATE TABLE apikeys.secrets (
  hash bytea NOT NULL,
  hash_digest bytea GENERATED ALWAYS AS (sha256(hash)) STORED,
  key_id uuid NOT NULL,
  version integer NOT NULL,
  key_prefix text COLLATE "C" NOT NULL,
  created_at timestamp(3) with time zone NOT NULL,
  valid_until timestamp(3) with time zone,
  ended boolean NOT NULL DEFAULT false,
  CONSTRAINT secrets_pkey PRIMARY KEY (hash),
  CONSTRAINT secrets_version_key UNIQUE (key_id, version),
  CONSTRAINT secrets_key_fkey FOREIGN KEY (key_id) REFERENCES apikeys.keys(id),
  CONSTRAINT secrets_ended_ok CHECK (((NOT ended) OR (valid_until IS NOT NULL))),
  CONSTRAINT secrets_hash_check CHECK ((octet_length(hash) = 32)),
  CONSTRAINT secrets_key_prefix_check CHECK (((char_length(key_prefix) >= 1) AND (char_length(key_prefix) <= 40))),
  CONSTRAINT secrets_times_ok CHECK (((EXTRACT(year FROM (LEAST(created_at, valid_until) AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (GREATEST(created_at, valid_until) AT TIME ZONE 'UTC'::text)) <= (9999)::numeric))),
  CONSTRAINT secrets_version_check CHECK ((version >= 1))
);

CREATE TABLE apikeys.usage_daily (
  key_id uuid NOT NULL,
  day date NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  request_count bigint NOT NULL,
  spend_cents bigint NOT NULL,
  CONSTRAINT usage_daily_pkey PRIMARY KEY (key_id, day),
  CONSTRAINT usage_daily_day_ok CHECK (((EXTRACT(year FROM day) >= (1)::numeric) AND (EXTRACT(year FROM day) <= (9999)::numeric))),
  CONSTRAINT usage_daily_request_count_check CHECK (((request_count >= 0) AND (request_count <= '9007199254740991'::bigint))),
  CONSTRAINT usage_daily_spend_cents_check CHECK (((spend_cents >= 0) AND (spend_cents <= '9007199254740991'::bigint)))
) WITH (fillfactor=80);

CREATE TABLE apikeys.usage_sources (
  source_id text COLLATE "C" NOT NULL,
  "position" bigint NOT NULL,
  digest bytea,
  updated_at timestamp(3) with time zone NOT NULL,
  CONSTRAINT usage_sources_pkey PRIMARY KEY (source_id),
  CONSTRAINT usage_sources_digest_check CHECK ((octet_length(digest) = 32)),
  CONSTRAINT usage_sources_position_check CHECK (("position" >= 0)),
  CONSTRAINT usage_sources_source_id_check CHECK (((char_length(source_id) >= 1) AND (char_length(source_id) <= 200))),
  CONSTRAINT usage_sources_times_ok CHECK (((EXTRACT(year FROM (updated_at AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (updated_at AT TIME ZONE 'UTC'::text)) <= (9999)::numeric)))
);

CREATE UNIQUE INDEX audit_anchors_key_chain_idx ON apikeys.audit_anchors USING btree (key_id) WHERE (key_id IS NOT NULL);
CREATE UNIQUE INDEX audit_anchors_owner_chain_idx ON apikeys.audit_anchors USING btree (tenant_id, owner_id) WHERE (key_id IS NULL);
CREATE INDEX audit_events_at_idx ON apikeys.audit_events USING btree (at, id);
CREATE UNIQUE INDEX audit_events_key_chain_idx ON apikeys.audit_events USING btree (key_id, seq) WHERE (key_id IS NOT NULL);
CREATE INDEX audit_events_owner_at_idx ON apikeys.audit_events USING btree (owner_id, tenant_id, at, id);
CREATE UNIQUE INDEX audit_events_owner_chain_idx ON apikeys.audit_events USING btree (tenant_id, owner_id, seq) WHERE (key_id IS NULL);
CREATE UNIQUE INDEX audit_events_pkey ON apikeys.audit_events USING btree (id);
CREATE INDEX audit_events_tenant_at_idx ON apikeys.audit_events USING btree (tenant_id, at, id);
CREATE INDEX key_activity_last_used_idx ON apikeys.key_activity USING btree (COALESCE(last_used_at, '-infinity'::timestamp with time zone), key_id);
CREATE UNIQUE INDEX key_activity_pkey ON apikeys.key_activity USING btree (key_id);
CREATE INDEX keys_created_idx ON apikeys.keys USING btree (created_at, id);
CREATE INDEX keys_dead_idx ON apikeys.keys USING btree (LEAST(revoked_at, expires_at), id) WHERE ((revoked_at IS NOT NULL) OR (expires_at IS NOT NULL));
CREATE INDEX keys_expires_idx ON apikeys.keys USING btree (COALESCE(expires_at, 'infinity'::timestamp with time zone), id);
CREATE INDEX keys_frozen_idx ON apikeys.keys USING btree (created_at, id) WHERE ((frozen_at IS NOT NULL) AND (revoked_at IS NULL));
CREATE UNIQUE INDEX keys_idempotency_idx ON apikeys.keys USING btree (tenant_id, owner_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX keys_name_idx ON apikeys.keys USING btree (name, id);
CREATE INDEX keys_owner_idx ON apikeys.keys USING btree (owner_id, created_at, id);
CREATE UNIQUE INDEX keys_pkey ON apikeys.keys USING btree (id);
CREATE INDEX keys_revoked_idx ON apikeys.keys USING btree (created_at, id) WHERE (revoked_at IS NOT NULL);
CREATE INDEX keys_scopes_idx ON apikeys.keys USING gin (scopes);
CREATE UNIQUE INDEX keys_secret_hash_idx ON apikeys.keys USING btree (secret_hash);
CREATE INDEX keys_tenant_created_idx ON apikeys.keys USING btree (tenant_id, created_at, id);
CREATE INDEX keys_tenant_owner_idx ON apikeys.keys USING btree (tenant_id, owner_id, created_at, id) INCLUDE (revoked_at, expires_at);
CREATE UNIQUE INDEX limits_key_idx ON apikeys.limits USING btree (key_id) WHERE (key_id IS NOT NULL);
CREATE UNIQUE INDEX limits_owner_idx ON apikeys.limits USING btree (tenant_id, owner_id) WHERE (key_id IS NULL);
CREATE UNIQUE INDEX limits_pkey ON apikeys.limits USING btree (id);
CREATE INDEX owners_frozen_idx ON apikeys.owners USING btree (tenant_id, owner_id) WHERE (frozen_at IS NOT NULL);
CREATE INDEX owners_owner_idx ON apikeys.owners USING btree (owner_id, tenant_id);
CREATE UNIQUE INDEX owners_pkey ON apikeys.owners USING btree (tenant_id, owner_id);
CREATE UNIQUE INDEX policies_pkey ON apikeys.policies USING btree (tenant_id);
CREATE UNIQUE INDEX schema_migrations_pkey ON apikeys.schema_migrations USING btree (version);
CREATE UNIQUE INDEX secrets_current_idx ON apikeys.secrets USING btree (key_id) WHERE (valid_until IS NULL);
CREATE UNIQUE INDEX secrets_pkey ON apikeys.secrets USING btree (hash);
CREATE INDEX secrets_prefix_idx ON apikeys.secrets USING btree (key_prefix);
CREATE INDEX secrets_retired_idx ON apikeys.secrets USING btree (valid_until, hash) WHERE (valid_until IS NOT NULL);
CREATE UNIQUE INDEX secrets_version_key ON apikeys.secrets USING btree (key_id, version);
CREATE INDEX usage_daily_day_idx ON apikeys.usage_daily USING btree (day, tenant_id);
CREATE INDEX usage_daily_owner_idx ON apikeys.usage_daily USING btree (owner_id, tenant_id, day);
CREATE UNIQUE INDEX usage_daily_pkey ON apikeys.usage_daily USING btree (key_id, day);
CREATE UNIQUE INDEX usage_sources_pkey ON apikeys.usage_sources USING btree (source_id);
CREATE INDEX usage_sources_updated_idx ON apikeys.usage_sources USING btree (updated_at);

ROUTINE apikeys.count_requests(asked jsonb);
ROUTINE apikeys.limits_as_of(standing apikeys.limits, now timestamp with time zone);
SEQUENCE apikeys.limits_id_seq;
