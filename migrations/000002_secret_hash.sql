-- The hash of the newest secret beside its key, as its prefix and version are: what nearly every request presents is
-- found in one table. Older secrets, in their grace period, are found in `secrets`, which has the newest too.

ALTER TABLE apikeys.keys ADD COLUMN secret_hash bytea CONSTRAINT keys_secret_hash_ok CHECK (octet_length(secret_hash) = 32);
UPDATE apikeys.keys AS key SET secret_hash = secret.hash
  FROM apikeys.secrets AS secret WHERE secret.key_id = key.id AND secret.version = key.secret_version;
ALTER TABLE apikeys.keys ALTER COLUMN secret_hash SET NOT NULL;
CREATE UNIQUE INDEX keys_secret_hash_idx ON apikeys.keys (secret_hash);
