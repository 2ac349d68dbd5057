-- What `audit verify` needs to hold the rows of keys, secrets and owners against what their events say.

-- The role of an event is the server's to say: no profile may write this column.
ALTER TABLE apikeys.audit_events ALTER COLUMN db_role SET DEFAULT CURRENT_USER;

-- A place in a chain is a number that JSON can hold.
ALTER TABLE apikeys.audit_events ADD CONSTRAINT audit_events_seq_ok CHECK (seq <= 9007199254740991);
ALTER TABLE apikeys.keys         ADD CONSTRAINT keys_audit_seq_ok   CHECK (audit_seq <= 9007199254740991);
ALTER TABLE apikeys.owners       ADD CONSTRAINT owners_audit_seq_ok CHECK (audit_seq <= 9007199254740991);

-- The SHA-256 of the hash: an auditor compares it with what the events say of a secret, and can verify nothing with it.
ALTER TABLE apikeys.secrets ADD COLUMN hash_digest        bytea GENERATED ALWAYS AS (pg_catalog.sha256(hash)) STORED;
ALTER TABLE apikeys.keys    ADD COLUMN secret_hash_digest bytea GENERATED ALWAYS AS (pg_catalog.sha256(secret_hash)) STORED;

-- What the pruned events said of the key or owner: as text, the same as in the event audit.pruned. NULL: nothing is known.
ALTER TABLE apikeys.audit_anchors ADD COLUMN state text;

-- The row ('', '') is the database as a whole: its chain tells of migrations, grants and imports. No key is its own.
ALTER TABLE apikeys.owners
  DROP CONSTRAINT owners_tenant_id_ok,
  DROP CONSTRAINT owners_owner_id_ok,
  ADD CONSTRAINT owners_tenant_id_ok CHECK ((char_length(tenant_id) BETWEEN 1 AND 100 AND tenant_id !~ '[\x01-\x1f\x7f]')
                                            OR (tenant_id = '' AND owner_id = '')),
  ADD CONSTRAINT owners_owner_id_ok  CHECK ((char_length(owner_id) BETWEEN 1 AND 200 AND owner_id !~ '[\x01-\x1f\x7f]')
                                            OR (tenant_id = '' AND owner_id = ''));
ALTER TABLE apikeys.keys ADD CONSTRAINT keys_tenant_id_ok CHECK (tenant_id <> '');
