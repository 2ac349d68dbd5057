-- The whole schema, for PostgreSQL 14 and later and for the embedded one.
--
-- Owners have keys, and a key has secrets; the rest is what happens to them: activity and usage, and the audit trail.
-- Times are whole milliseconds, as the JSON shows them; the program cuts off what is finer.
-- Years are 1 to 9999 in UTC, which RFC 3339 can say; that leaves out infinity and -infinity.
-- No CHECK looks at a clock or compares two times: a clock that steps back must never stop a revoke.
-- Indexed text has COLLATE "C": its order is the same on every server, and LIKE 'x%' can use the index.
-- Counters and places in a chain end at 2^53 - 1, the last whole number that JSON holds exactly.

CREATE SCHEMA IF NOT EXISTS apikeys;

-- An owner has a row before its first key, and for ever: the row is the lock of its limit and the switch that freezes it.
-- Its version rises with all that may raise the number of live keys, and with each freeze and unfreeze.
-- Its live keys were last counted, and found to have room, at counted_at: a key that had ended by then needs room to live
-- on, also where a clock that stepped back takes it for live.
-- The row ('', '') stands for the database as a whole: its chain tells of migrations, grants and imports.
CREATE TABLE apikeys.owners (
  tenant_id     text COLLATE "C" NOT NULL,
  owner_id      text COLLATE "C" NOT NULL,
  created_at    timestamptz(3)   NOT NULL,
  max_keys      integer          CHECK (max_keys >= 0),   -- NULL: the configured limit; 0: no limit
  version       bigint           NOT NULL DEFAULT 0,
  counted_at    timestamptz(3),
  frozen_at     timestamptz(3),
  frozen_until  timestamptz(3),                           -- NULL while frozen: until unfrozen
  frozen_by     text,
  frozen_reason text,
  audit_seq     bigint           NOT NULL DEFAULT 0 CHECK (audit_seq >= 0),
  audit_hash    bytea,
  CONSTRAINT owners_pkey         PRIMARY KEY (tenant_id, owner_id),
  CONSTRAINT owners_tenant_id_ok CHECK ((char_length(tenant_id) BETWEEN 1 AND 100 AND tenant_id !~ '[\x01-\x1f\x7f]')
                                        OR (tenant_id = '' AND owner_id = '')),
  CONSTRAINT owners_owner_id_ok  CHECK ((char_length(owner_id) BETWEEN 1 AND 200 AND owner_id !~ '[\x01-\x1f\x7f]')
                                        OR (tenant_id = '' AND owner_id = '')),
  CONSTRAINT owners_frozen_ok    CHECK (frozen_at IS NOT NULL OR (frozen_until IS NULL AND frozen_by IS NULL AND frozen_reason IS NULL)),
  CONSTRAINT owners_reason_ok    CHECK (char_length(frozen_reason) <= 500),
  CONSTRAINT owners_times_ok     CHECK (extract(year FROM LEAST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC') >= 1
                                        AND extract(year FROM GREATEST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC') <= 9999),
  CONSTRAINT owners_audit_seq_ok CHECK (audit_seq <= 9007199254740991),
  CONSTRAINT owners_head_ok      CHECK ((audit_seq = 0) = (audit_hash IS NULL) AND octet_length(audit_hash) = 32)
);
CREATE INDEX owners_owner_idx  ON apikeys.owners (owner_id, tenant_id);  -- an owner whose tenant is not named
CREATE INDEX owners_frozen_idx ON apikeys.owners (tenant_id, owner_id) WHERE frozen_at IS NOT NULL;

-- A key keeps its row, and its id, through every rotation.
-- The newest secret's hash stands here too: nearly every request presents it, and finds its key in this table alone.
-- A digest is the SHA-256 of a hash: an auditor compares it with what the trail says, and can verify no key with it.
CREATE TABLE apikeys.keys (
  id                 uuid             PRIMARY KEY,
  tenant_id          text COLLATE "C" NOT NULL,
  owner_id           text COLLATE "C" NOT NULL,
  name               text COLLATE "C" NOT NULL,
  description        text,
  scopes             text[]           NOT NULL DEFAULT '{}',
  metadata           jsonb            NOT NULL DEFAULT '{}',
  key_prefix         text COLLATE "C" NOT NULL,           -- of the newest secret, as are the next three
  secret_version     integer          NOT NULL DEFAULT 1 CHECK (secret_version >= 1),
  secret_hash        bytea            NOT NULL,
  secret_hash_digest bytea            GENERATED ALWAYS AS (pg_catalog.sha256(secret_hash)) STORED,
  created_at         timestamptz(3)   NOT NULL,
  created_by         text             NOT NULL,
  expires_at         timestamptz(3),                      -- NULL: never
  lifetime_ms        bigint           CHECK (lifetime_ms > 0),  -- what a rotation gives again
  frozen_at          timestamptz(3),
  frozen_until       timestamptz(3),                      -- NULL while frozen: until unfrozen
  frozen_by          text,
  frozen_reason      text,
  revoked_at         timestamptz(3),
  revoked_by         text,
  revoked_reason     text,
  idempotency_key    text COLLATE "C",
  idempotency_digest bytea,                               -- SHA-256 of the request that the key was made by
  audit_seq          bigint           NOT NULL CHECK (audit_seq >= 1),
  audit_hash         bytea            NOT NULL CHECK (octet_length(audit_hash) = 32),
  CONSTRAINT keys_owner_fkey      FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners (tenant_id, owner_id),
  CONSTRAINT keys_tenant_id_ok    CHECK (tenant_id <> ''),  -- the database as a whole owns no key
  CONSTRAINT keys_name_ok         CHECK (char_length(name) BETWEEN 1 AND 200 AND name !~ '[\x01-\x1f\x7f]' AND btrim(name) = name),
  CONSTRAINT keys_description_ok  CHECK (char_length(description) <= 2000),
  CONSTRAINT keys_scopes_ok       CHECK (cardinality(scopes) <= 100 AND array_position(scopes, NULL) IS NULL),
  CONSTRAINT keys_metadata_ok     CHECK (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 8192),
  CONSTRAINT keys_key_prefix_ok   CHECK (char_length(key_prefix) BETWEEN 1 AND 40),
  CONSTRAINT keys_secret_hash_ok  CHECK (octet_length(secret_hash) = 32),
  CONSTRAINT keys_lifetime_ok     CHECK ((lifetime_ms IS NULL) = (expires_at IS NULL)),
  CONSTRAINT keys_frozen_ok       CHECK (frozen_at IS NOT NULL OR (frozen_until IS NULL AND frozen_by IS NULL AND frozen_reason IS NULL)),
  CONSTRAINT keys_revoked_ok      CHECK (revoked_at IS NOT NULL OR (revoked_by IS NULL AND revoked_reason IS NULL)),
  CONSTRAINT keys_reasons_ok      CHECK (char_length(frozen_reason) <= 500 AND char_length(revoked_reason) <= 500),
  CONSTRAINT keys_times_ok        CHECK (extract(year FROM LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC') >= 1
                                         AND extract(year FROM GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC') <= 9999),
  CONSTRAINT keys_idempotency_ok  CHECK ((idempotency_key IS NULL) = (idempotency_digest IS NULL)
                                         AND char_length(idempotency_key) BETWEEN 1 AND 200 AND octet_length(idempotency_digest) = 32),
  CONSTRAINT keys_audit_seq_ok    CHECK (audit_seq <= 9007199254740991)
);
CREATE UNIQUE INDEX keys_secret_hash_idx ON apikeys.keys (secret_hash);  -- what a request presents
CREATE UNIQUE INDEX keys_idempotency_idx ON apikeys.keys (tenant_id, owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX keys_created_idx        ON apikeys.keys (created_at, id);
CREATE INDEX keys_tenant_created_idx ON apikeys.keys (tenant_id, created_at, id);
CREATE INDEX keys_owner_idx          ON apikeys.keys (owner_id, created_at, id);  -- an owner's keys where no tenant is named
CREATE INDEX keys_tenant_owner_idx   ON apikeys.keys (tenant_id, owner_id, created_at, id) INCLUDE (revoked_at, expires_at);  -- and where one is; the limit's count
CREATE INDEX keys_name_idx           ON apikeys.keys (name, id);
CREATE INDEX keys_expires_idx        ON apikeys.keys ((COALESCE(expires_at, 'infinity'::timestamptz)), id);
CREATE INDEX keys_dead_idx           ON apikeys.keys ((LEAST(revoked_at, expires_at)), id) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX keys_revoked_idx        ON apikeys.keys (created_at, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX keys_frozen_idx         ON apikeys.keys (created_at, id) WHERE frozen_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX keys_scopes_idx         ON apikeys.keys USING gin (scopes);

-- Every secret of a key is here, the newest too; of each only the SHA-256 is known.
-- The newest secret has no end of its own, since it ends with its key.
-- An older secret gets its end at the rotation that replaced it, and that end only ever moves earlier.
CREATE TABLE apikeys.secrets (
  hash        bytea            PRIMARY KEY CHECK (octet_length(hash) = 32),
  hash_digest bytea            GENERATED ALWAYS AS (pg_catalog.sha256(hash)) STORED,
  key_id      uuid             NOT NULL CONSTRAINT secrets_key_fkey REFERENCES apikeys.keys (id),
  version     integer          NOT NULL CHECK (version >= 1),
  key_prefix  text COLLATE "C" NOT NULL CHECK (char_length(key_prefix) BETWEEN 1 AND 40),
  created_at  timestamptz(3)   NOT NULL,
  valid_until timestamptz(3),
  ended       boolean          NOT NULL DEFAULT false,    -- a command ended it, whatever a clock says later
  CONSTRAINT secrets_version_key UNIQUE (key_id, version),
  CONSTRAINT secrets_ended_ok    CHECK (NOT ended OR valid_until IS NOT NULL),
  CONSTRAINT secrets_times_ok    CHECK (extract(year FROM LEAST(created_at, valid_until) AT TIME ZONE 'UTC') >= 1
                                        AND extract(year FROM GREATEST(created_at, valid_until) AT TIME ZONE 'UTC') <= 9999)
);
CREATE UNIQUE INDEX secrets_current_idx ON apikeys.secrets (key_id) WHERE valid_until IS NULL;
CREATE INDEX secrets_prefix_idx         ON apikeys.secrets (key_prefix);
CREATE INDEX secrets_retired_idx        ON apikeys.secrets (valid_until, hash) WHERE valid_until IS NOT NULL;

-- A key's activity is a row beside it, so that traffic never touches a row of `keys`.
-- No foreign key leads from here: a late counter of a deleted key must not fail a whole flush.
CREATE TABLE apikeys.key_activity (
  key_id             uuid           PRIMARY KEY,
  last_used_at       timestamptz(3),
  old_secret_used_at timestamptz(3),                      -- the last request with any but the newest secret
  refused_at         timestamptz(3),
  total_requests     bigint         NOT NULL DEFAULT 0 CHECK (total_requests BETWEEN 0 AND 9007199254740991),
  total_spend_cents  bigint         NOT NULL DEFAULT 0 CHECK (total_spend_cents BETWEEN 0 AND 9007199254740991),
  total_refused      bigint         NOT NULL DEFAULT 0 CHECK (total_refused BETWEEN 0 AND 9007199254740991),
  CONSTRAINT key_activity_times_ok CHECK (extract(year FROM LEAST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC') >= 1
                                          AND extract(year FROM GREATEST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC') <= 9999)
) WITH (fillfactor = 70);
CREATE INDEX key_activity_last_used_idx ON apikeys.key_activity ((COALESCE(last_used_at, '-infinity'::timestamptz)), key_id);

-- A day of usage outlives its key; hence tenant and owner stand here too, and no foreign key does.
CREATE TABLE apikeys.usage_daily (
  key_id        uuid             NOT NULL,
  day           date             NOT NULL,                -- in UTC
  tenant_id     text COLLATE "C" NOT NULL,
  owner_id      text COLLATE "C" NOT NULL,
  request_count bigint           NOT NULL CHECK (request_count BETWEEN 0 AND 9007199254740991),
  spend_cents   bigint           NOT NULL CHECK (spend_cents BETWEEN 0 AND 9007199254740991),
  CONSTRAINT usage_daily_pkey   PRIMARY KEY (key_id, day),
  CONSTRAINT usage_daily_day_ok CHECK (extract(year FROM day) BETWEEN 1 AND 9999)
) WITH (fillfactor = 80);
CREATE INDEX usage_daily_owner_idx ON apikeys.usage_daily (owner_id, tenant_id, day);
CREATE INDEX usage_daily_day_idx   ON apikeys.usage_daily (day, tenant_id);

-- A source of usage is a process that flushes, or an import; its position rises in the transaction that counts.
-- The position is why a flush or an import that is tried again counts once.
CREATE TABLE apikeys.usage_sources (
  source_id  text COLLATE "C" PRIMARY KEY CHECK (char_length(source_id) BETWEEN 1 AND 200),  -- a process's UUID, or `import:` and a digest
  position   bigint           NOT NULL CHECK (position >= 0),                                 -- the last flush, or line, that is counted
  digest     bytea            CHECK (octet_length(digest) = 32),                              -- of an import's lines up to there
  updated_at timestamptz(3)   NOT NULL,
  CONSTRAINT usage_sources_times_ok CHECK (extract(year FROM updated_at AT TIME ZONE 'UTC') BETWEEN 1 AND 9999)
);
CREATE INDEX usage_sources_updated_idx ON apikeys.usage_sources (updated_at);

-- Events are only ever added; each is hashed with the one before it, so that a chain shows what was done to it.
-- A chain is the events of one key or, where key_id is NULL, of one owner; its head stands on the row of the key or owner.
-- The id is made before the transaction begins: whoever lost the answer to COMMIT finds it by inserting it once more.
CREATE TABLE apikeys.audit_events (
  id        uuid             PRIMARY KEY,
  seq       bigint           NOT NULL CHECK (seq >= 1),
  at        timestamptz(3)   NOT NULL,
  actor     text COLLATE "C" NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 200),
  db_role   text             NOT NULL DEFAULT CURRENT_USER,  -- the server's to say: no profile may write it
  action    text COLLATE "C" NOT NULL CHECK (char_length(action) BETWEEN 1 AND 50),
  tenant_id text COLLATE "C" NOT NULL,
  owner_id  text COLLATE "C" NOT NULL,
  key_id    uuid,
  reason    text             CHECK (char_length(reason) <= 500),
  details   text             NOT NULL,                    -- JSON; text, since what is stored is to be what was hashed, byte by byte
  prev_hash bytea            CHECK (octet_length(prev_hash) = 32),
  hash      bytea            NOT NULL CHECK (octet_length(hash) = 32),
  CONSTRAINT audit_events_seq_ok     CHECK (seq <= 9007199254740991),
  CONSTRAINT audit_events_at_ok      CHECK (extract(year FROM at AT TIME ZONE 'UTC') BETWEEN 1 AND 9999),
  CONSTRAINT audit_events_details_ok CHECK (pg_catalog.json_typeof(details::pg_catalog.json) = 'object'),
  CONSTRAINT audit_events_first_ok   CHECK ((seq = 1) = (prev_hash IS NULL))
);
CREATE UNIQUE INDEX audit_events_key_chain_idx   ON apikeys.audit_events (key_id, seq) WHERE key_id IS NOT NULL;
CREATE UNIQUE INDEX audit_events_owner_chain_idx ON apikeys.audit_events (tenant_id, owner_id, seq) WHERE key_id IS NULL;
CREATE INDEX audit_events_at_idx                 ON apikeys.audit_events (at, id);
CREATE INDEX audit_events_tenant_at_idx          ON apikeys.audit_events (tenant_id, at, id);
CREATE INDEX audit_events_owner_at_idx           ON apikeys.audit_events (owner_id, tenant_id, at, id);

-- An anchor stands for the events of a chain that were pruned: it is the last of them, and the chain begins after it.
-- A chain without an anchor begins with its first event.
-- The event audit.pruned at owner_seq in the owner's chain names this position and state, and so vouches for the row.
CREATE TABLE apikeys.audit_anchors (
  tenant_id text COLLATE "C" NOT NULL,
  owner_id  text COLLATE "C" NOT NULL,
  key_id    uuid,
  seq       bigint           NOT NULL CHECK (seq >= 1),
  hash      bytea            NOT NULL CHECK (octet_length(hash) = 32),
  owner_seq bigint           NOT NULL CHECK (owner_seq >= 1),
  pruned_at timestamptz(3)   NOT NULL,
  pruned_by text             NOT NULL,
  state     text,                                         -- JSON: what the pruned events say of the key or owner; NULL: nothing is known
  CONSTRAINT audit_anchors_times_ok CHECK (extract(year FROM pruned_at AT TIME ZONE 'UTC') BETWEEN 1 AND 9999)
);
CREATE UNIQUE INDEX audit_anchors_key_chain_idx   ON apikeys.audit_anchors (key_id) WHERE key_id IS NOT NULL;
CREATE UNIQUE INDEX audit_anchors_owner_chain_idx ON apikeys.audit_anchors (tenant_id, owner_id) WHERE key_id IS NULL;

-- A migration that was applied has a row, with the SHA-256 of its text: another text under its number is refused.
CREATE TABLE apikeys.schema_migrations (
  version    integer        PRIMARY KEY CHECK (version > 0),
  name       text           NOT NULL,
  checksum   bytea          NOT NULL CHECK (octet_length(checksum) = 32),
  applied_at timestamptz(3) NOT NULL,
  applied_by text           NOT NULL
);
