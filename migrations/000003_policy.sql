-- Policy: what the keys of a tenant, or of all tenants, may be.

-- A tenant has a chain, too: that of the owner '', who owns no key. It tells of the tenant's policy.
ALTER TABLE apikeys.owners
  DROP CONSTRAINT owners_owner_id_ok,
  ADD  CONSTRAINT owners_owner_id_ok CHECK (char_length(owner_id) <= 200 AND owner_id !~ '[\x01-\x1f\x7f]');
ALTER TABLE apikeys.keys
  ADD  CONSTRAINT keys_owner_id_ok CHECK (owner_id <> '');

-- The row of tenant '' is for all tenants. Of two policies the narrower holds, rule by rule; NULL rules nothing.
CREATE TABLE apikeys.policies (
  tenant_id       text COLLATE "C" PRIMARY KEY,
  owner_id        text COLLATE "C" NOT NULL GENERATED ALWAYS AS ('') STORED,  -- whose chain tells of it
  max_lifetime_ms bigint           CHECK (max_lifetime_ms > 0 AND max_lifetime_ms % 60000 = 0),  -- from when a key gets it on
  require_expiry  boolean          NOT NULL DEFAULT false,
  max_keys        integer          CHECK (max_keys >= 1),                     -- live keys of an owner
  scopes          text[],                                                     -- a key may get what one of these covers
  prefixes        text[],                                                     -- of new secrets
  CONSTRAINT policies_chain_fkey  FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners (tenant_id, owner_id),
  CONSTRAINT policies_scopes_ok   CHECK (cardinality(scopes) BETWEEN 1 AND 100 AND array_position(scopes, NULL) IS NULL),
  CONSTRAINT policies_prefixes_ok CHECK (cardinality(prefixes) BETWEEN 1 AND 100 AND array_position(prefixes, NULL) IS NULL)
);

-- Whoever makes or widens a key holds this table in a mode that others may have at the same time, and whoever changes a
-- policy waits for them all. It has neither rows nor columns. `policies` itself would not do: a backup reads it for hours.
-- Nor would an advisory lock: it takes no privilege, so any role could keep keys from being made.
CREATE TABLE apikeys.policy_lock ();
