-- `ended`: a command ended this secret, whatever a clock says later. What has ended by now stays so.
ALTER TABLE apikeys.secrets ADD COLUMN ended boolean NOT NULL DEFAULT false;
UPDATE apikeys.secrets SET ended = true WHERE valid_until <= clock_timestamp();
ALTER TABLE apikeys.secrets ADD CONSTRAINT secrets_ended_ok CHECK (NOT ended OR valid_until IS NOT NULL);

-- The clock when the owner's live keys were last counted and there was room. A key that had ended by then needs room to live
-- on, also when the clock has stepped back since and takes it for live.
ALTER TABLE apikeys.owners ADD COLUMN counted_at timestamptz(3);

-- Every time is one that RFC 3339 can say; that leaves out infinity and -infinity. What was written by hand is moved to the
-- nearest: `infinity` ends with the year 9999, `-infinity` has ended.
UPDATE apikeys.keys
   SET created_at   = LEAST(GREATEST(created_at,   '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00'),
       expires_at   = CASE WHEN expires_at   IS NOT NULL THEN LEAST(GREATEST(expires_at,   '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_at    = CASE WHEN frozen_at    IS NOT NULL THEN LEAST(GREATEST(frozen_at,    '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_until = CASE WHEN frozen_until IS NOT NULL THEN LEAST(GREATEST(frozen_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       revoked_at   = CASE WHEN revoked_at   IS NOT NULL THEN LEAST(GREATEST(revoked_at,   '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) < '0001-01-01 00:00:00+00'
    OR GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.owners
   SET created_at   = LEAST(GREATEST(created_at,   '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00'),
       frozen_at    = CASE WHEN frozen_at    IS NOT NULL THEN LEAST(GREATEST(frozen_at,    '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_until = CASE WHEN frozen_until IS NOT NULL THEN LEAST(GREATEST(frozen_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, frozen_at, frozen_until) < '0001-01-01 00:00:00+00'
    OR GREATEST(created_at, frozen_at, frozen_until) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.secrets
   SET created_at  = LEAST(GREATEST(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00'),
       valid_until = CASE WHEN valid_until IS NOT NULL THEN LEAST(GREATEST(valid_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, valid_until) < '0001-01-01 00:00:00+00'
    OR GREATEST(created_at, valid_until) > '9999-12-31 23:59:59.999+00';

ALTER TABLE apikeys.keys ADD CONSTRAINT keys_times_ok CHECK (
  LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) >= '0001-01-01 00:00:00+00'
  AND GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) <= '9999-12-31 23:59:59.999+00');
ALTER TABLE apikeys.owners ADD CONSTRAINT owners_times_ok CHECK (
  LEAST(created_at, frozen_at, frozen_until, counted_at) >= '0001-01-01 00:00:00+00'
  AND GREATEST(created_at, frozen_at, frozen_until, counted_at) <= '9999-12-31 23:59:59.999+00');
ALTER TABLE apikeys.secrets ADD CONSTRAINT secrets_times_ok CHECK (
  LEAST(created_at, valid_until) >= '0001-01-01 00:00:00+00'
  AND GREATEST(created_at, valid_until) <= '9999-12-31 23:59:59.999+00');
