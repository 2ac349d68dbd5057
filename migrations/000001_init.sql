-- Runs on PostgreSQL 14 and later and on the embedded engine.
-- Every time is stored in whole milliseconds (the program truncates, never rounds up), as the JSON shows it.
-- No CHECK looks at a clock or compares two clock readings: a clock that steps back must never stop a revoke.
-- Indexed text is COLLATE "C": the same order on every server, and LIKE 'x%' can use the index.

CREATE SCHEMA IF NOT EXISTS apikeys;

CREATE TABLE apikeys.schema_migrations (
  version    integer        PRIMARY KEY CHECK (version > 0),
  name       text           NOT NULL,
  checksum   bytea          NOT NULL CHECK (octet_length(checksum) = 32),
  applied_at timestamptz(3) NOT NULL,
  applied_by text           NOT NULL
);

-- One row per owner, made before the owner's first key, never deleted: the lock of the limit and the kill switch.
-- `version` rises with everything that may raise the number of live keys, and with every freeze and unfreeze of the owner.
CREATE TABLE apikeys.owners (
  tenant_id     text COLLATE "C" NOT NULL,
  owner_id      text COLLATE "C" NOT NULL,
  version       bigint           NOT NULL DEFAULT 0,
  max_keys      integer          CHECK (max_keys >= 0),   -- NULL: the configured limit; 0: no limit
  created_at    timestamptz(3)   NOT NULL,
  frozen_at     timestamptz(3),
  frozen_until  timestamptz(3),                           -- NULL while frozen: until unfrozen
  frozen_by     text,
  frozen_reason text,
  audit_seq     bigint           NOT NULL DEFAULT 0 CHECK (audit_seq >= 0),
  audit_hash    bytea,
  CONSTRAINT owners_pkey PRIMARY KEY (tenant_id, owner_id),
  CONSTRAINT owners_tenant_id_ok CHECK (char_length(tenant_id) BETWEEN 1 AND 100 AND tenant_id !~ '[\x01-\x1f\x7f]'),
  CONSTRAINT owners_owner_id_ok  CHECK (char_length(owner_id) BETWEEN 1 AND 200 AND owner_id !~ '[\x01-\x1f\x7f]'),
  CONSTRAINT owners_frozen_ok    CHECK (frozen_at IS NOT NULL OR (frozen_until IS NULL AND frozen_by IS NULL AND frozen_reason IS NULL)),
  CONSTRAINT owners_reason_ok    CHECK (char_length(frozen_reason) <= 500),
  CONSTRAINT owners_head_ok      CHECK ((audit_seq = 0) = (audit_hash IS NULL) AND octet_length(audit_hash) = 32)
);
CREATE INDEX owners_owner_idx  ON apikeys.owners (owner_id, tenant_id);  -- an owner whose tenant is not named
CREATE INDEX owners_frozen_idx ON apikeys.owners (tenant_id, owner_id) WHERE frozen_at IS NOT NULL;

CREATE TABLE apikeys.keys (
  id                 uuid             PRIMARY KEY,
  tenant_id          text COLLATE "C" NOT NULL,
  owner_id           text COLLATE "C" NOT NULL,
  name               text COLLATE "C" NOT NULL,
  description        text,
  scopes             text[]           NOT NULL DEFAULT '{}',
  metadata           jsonb            NOT NULL DEFAULT '{}',
  key_prefix         text COLLATE "C" NOT NULL,           -- of the newest secret
  secret_version     integer          NOT NULL DEFAULT 1 CHECK (secret_version >= 1),
  created_at         timestamptz(3)   NOT NULL,
  created_by         text             NOT NULL,
  expires_at         timestamptz(3),                      -- NULL: never
  lifetime_ms        bigint           CHECK (lifetime_ms > 0),  -- what a rotation gives again
  frozen_at          timestamptz(3),
  frozen_until       timestamptz(3),
  frozen_by          text,
  frozen_reason      text,
  revoked_at         timestamptz(3),
  revoked_by         text,
  revoked_reason     text,
  idempotency_key    text COLLATE "C",
  idempotency_digest bytea,                               -- SHA-256 of the request
  audit_seq          bigint           NOT NULL CHECK (audit_seq >= 1),
  audit_hash         bytea            NOT NULL CHECK (octet_length(audit_hash) = 32),
  CONSTRAINT keys_owner_fkey      FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners (tenant_id, owner_id),
  CONSTRAINT keys_name_ok         CHECK (char_length(name) BETWEEN 1 AND 200 AND name !~ '[\x01-\x1f\x7f]' AND btrim(name) = name),
  CONSTRAINT keys_description_ok  CHECK (char_length(description) <= 2000),
  CONSTRAINT keys_scopes_ok       CHECK (cardinality(scopes) <= 100 AND array_position(scopes, NULL) IS NULL),
  CONSTRAINT keys_metadata_ok     CHECK (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 8192),
  CONSTRAINT keys_key_prefix_ok   CHECK (char_length(key_prefix) BETWEEN 1 AND 40),
  CONSTRAINT keys_lifetime_ok     CHECK ((lifetime_ms IS NULL) = (expires_at IS NULL)),
  CONSTRAINT keys_frozen_ok       CHECK (frozen_at IS NOT NULL OR (frozen_until IS NULL AND frozen_by IS NULL AND frozen_reason IS NULL)),
  CONSTRAINT keys_revoked_ok      CHECK (revoked_at IS NOT NULL OR (revoked_by IS NULL AND revoked_reason IS NULL)),
  CONSTRAINT keys_reasons_ok      CHECK (char_length(frozen_reason) <= 500 AND char_length(revoked_reason) <= 500),
  CONSTRAINT keys_idempotency_ok  CHECK ((idempotency_key IS NULL) = (idempotency_digest IS NULL)
                                         AND char_length(idempotency_key) BETWEEN 1 AND 200 AND octet_length(idempotency_digest) = 32)
);
CREATE UNIQUE INDEX keys_idempotency_idx ON apikeys.keys (tenant_id, owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX keys_created_idx        ON apikeys.keys (created_at, id);
CREATE INDEX keys_tenant_created_idx ON apikeys.keys (tenant_id, created_at, id);
CREATE INDEX keys_owner_idx          ON apikeys.keys (owner_id, created_at, id);  -- list --owner without a tenant
CREATE INDEX keys_tenant_owner_idx   ON apikeys.keys (tenant_id, owner_id, created_at, id) INCLUDE (revoked_at, expires_at);  -- and with one; the limit's count
CREATE INDEX keys_name_idx           ON apikeys.keys (name, id);                  -- --sort name, <key> by name, --name 'ci-*'
CREATE INDEX keys_expires_idx        ON apikeys.keys ((COALESCE(expires_at, 'infinity'::timestamptz)), id);
CREATE INDEX keys_dead_idx           ON apikeys.keys ((LEAST(revoked_at, expires_at)), id) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX keys_revoked_idx        ON apikeys.keys (created_at, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX keys_frozen_idx         ON apikeys.keys (created_at, id) WHERE frozen_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX keys_scopes_idx         ON apikeys.keys USING gin (scopes);

-- The newest secret has no end of its own (it ends with its key); every older one has, set at rotation and only ever moved earlier.
CREATE TABLE apikeys.secrets (
  hash        bytea            PRIMARY KEY CHECK (octet_length(hash) = 32),
  key_id      uuid             NOT NULL CONSTRAINT secrets_key_fkey REFERENCES apikeys.keys (id),
  version     integer          NOT NULL CHECK (version >= 1),
  key_prefix  text COLLATE "C" NOT NULL CHECK (char_length(key_prefix) BETWEEN 1 AND 40),
  created_at  timestamptz(3)   NOT NULL,
  valid_until timestamptz(3),
  CONSTRAINT secrets_version_key UNIQUE (key_id, version)
);
CREATE UNIQUE INDEX secrets_current_idx ON apikeys.secrets (key_id) WHERE valid_until IS NULL;
CREATE INDEX secrets_prefix_idx         ON apikeys.secrets (key_prefix);
CREATE INDEX secrets_retired_idx        ON apikeys.secrets (valid_until, hash) WHERE valid_until IS NOT NULL;

-- Made with its key, updated by traffic only, so that traffic never touches a row of `keys`.
-- No foreign key: a late counter of a deleted key must not fail a whole flush.
CREATE TABLE apikeys.key_activity (
  key_id             uuid           PRIMARY KEY,
  last_used_at       timestamptz(3),
  old_secret_used_at timestamptz(3),                      -- last request on any but the newest secret
  refused_at         timestamptz(3),
  total_requests     bigint         NOT NULL DEFAULT 0 CHECK (total_requests BETWEEN 0 AND 9007199254740991),
  total_spend_cents  bigint         NOT NULL DEFAULT 0 CHECK (total_spend_cents BETWEEN 0 AND 9007199254740991),
  total_refused      bigint         NOT NULL DEFAULT 0 CHECK (total_refused BETWEEN 0 AND 9007199254740991)
) WITH (fillfactor = 70);
CREATE INDEX key_activity_last_used_idx ON apikeys.key_activity ((COALESCE(last_used_at, '-infinity'::timestamptz)), key_id);

-- Days are UTC. Outlives the key, hence tenant and owner here and no foreign key.
CREATE TABLE apikeys.usage_daily (
  key_id        uuid             NOT NULL,
  day           date             NOT NULL,
  tenant_id     text COLLATE "C" NOT NULL,
  owner_id      text COLLATE "C" NOT NULL,
  request_count bigint           NOT NULL CHECK (request_count BETWEEN 0 AND 9007199254740991),
  spend_cents   bigint           NOT NULL CHECK (spend_cents BETWEEN 0 AND 9007199254740991),
  CONSTRAINT usage_daily_pkey PRIMARY KEY (key_id, day)
) WITH (fillfactor = 80);
CREATE INDEX usage_daily_owner_idx ON apikeys.usage_daily (owner_id, tenant_id, day);
CREATE INDEX usage_daily_day_idx   ON apikeys.usage_daily (day, tenant_id);

-- What makes a retried flush or import count once: its position is raised in the same transaction.
CREATE TABLE apikeys.usage_sources (
  source_id  text COLLATE "C" PRIMARY KEY CHECK (char_length(source_id) BETWEEN 1 AND 200), -- writer uuid, or import:<tenant>:<id>
  position   bigint           NOT NULL CHECK (position >= 0),                                -- last flush, or last line, counted
  digest     bytea            CHECK (octet_length(digest) = 32),
  updated_at timestamptz(3)   NOT NULL
);
CREATE INDEX usage_sources_updated_idx ON apikeys.usage_sources (updated_at);

-- Append-only. A chain is one key's events, or (key_id NULL) one owner's; the head is also on keys / owners.
-- `id` is made before BEGIN: a second insert of it waits for, and so settles, a lost COMMIT.
CREATE TABLE apikeys.audit_events (
  id        uuid             PRIMARY KEY,
  seq       bigint           NOT NULL CHECK (seq >= 1),
  at        timestamptz(3)   NOT NULL,
  actor     text COLLATE "C" NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 200),
  db_role   text             NOT NULL,
  action    text COLLATE "C" NOT NULL CHECK (char_length(action) BETWEEN 1 AND 50),
  tenant_id text COLLATE "C" NOT NULL,
  owner_id  text COLLATE "C" NOT NULL,
  key_id    uuid,
  reason    text             CHECK (char_length(reason) <= 500),
  details   json             NOT NULL,                    -- json, not jsonb: the hashed text is kept as written
  prev_hash bytea            CHECK (octet_length(prev_hash) = 32),
  hash      bytea            NOT NULL CHECK (octet_length(hash) = 32),
  CONSTRAINT audit_events_first_ok CHECK ((seq = 1) = (prev_hash IS NULL))
);
CREATE UNIQUE INDEX audit_events_key_chain_idx   ON apikeys.audit_events (key_id, seq) WHERE key_id IS NOT NULL;
CREATE UNIQUE INDEX audit_events_owner_chain_idx ON apikeys.audit_events (tenant_id, owner_id, seq) WHERE key_id IS NULL;
CREATE INDEX audit_events_at_idx                 ON apikeys.audit_events (at, id);
CREATE INDEX audit_events_tenant_at_idx          ON apikeys.audit_events (tenant_id, at, id);
CREATE INDEX audit_events_owner_at_idx           ON apikeys.audit_events (owner_id, tenant_id, at, id);

-- Where a chain begins once its oldest events were pruned: after this one, the last of them. No row: with its first event.
-- `owner_seq` is the event audit.pruned in the owner's chain that names this position; it vouches for the row.
CREATE TABLE apikeys.audit_anchors (
  tenant_id text COLLATE "C" NOT NULL,
  owner_id  text COLLATE "C" NOT NULL,
  key_id    uuid,
  seq       bigint           NOT NULL CHECK (seq >= 1),
  hash      bytea            NOT NULL CHECK (octet_length(hash) = 32),
  owner_seq bigint           NOT NULL CHECK (owner_seq >= 1),
  pruned_at timestamptz(3)   NOT NULL,
  pruned_by text             NOT NULL
);
CREATE UNIQUE INDEX audit_anchors_key_chain_idx   ON apikeys.audit_anchors (key_id) WHERE key_id IS NOT NULL;
CREATE UNIQUE INDEX audit_anchors_owner_chain_idx ON apikeys.audit_anchors (tenant_id, owner_id) WHERE key_id IS NULL;
