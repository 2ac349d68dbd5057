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
   SET created_at   = CASE WHEN created_at IS NOT NULL THEN LEAST(GREATEST(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       expires_at   = CASE WHEN expires_at IS NOT NULL THEN LEAST(GREATEST(expires_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_at    = CASE WHEN frozen_at IS NOT NULL THEN LEAST(GREATEST(frozen_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_until = CASE WHEN frozen_until IS NOT NULL THEN LEAST(GREATEST(frozen_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       revoked_at   = CASE WHEN revoked_at IS NOT NULL THEN LEAST(GREATEST(revoked_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) < '0001-01-01 00:00:00+00' OR GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.owners
   SET created_at   = CASE WHEN created_at IS NOT NULL THEN LEAST(GREATEST(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_at    = CASE WHEN frozen_at IS NOT NULL THEN LEAST(GREATEST(frozen_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       frozen_until = CASE WHEN frozen_until IS NOT NULL THEN LEAST(GREATEST(frozen_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       counted_at   = CASE WHEN counted_at IS NOT NULL THEN LEAST(GREATEST(counted_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, frozen_at, frozen_until, counted_at) < '0001-01-01 00:00:00+00' OR GREATEST(created_at, frozen_at, frozen_until, counted_at) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.secrets
   SET created_at  = CASE WHEN created_at IS NOT NULL THEN LEAST(GREATEST(created_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       valid_until = CASE WHEN valid_until IS NOT NULL THEN LEAST(GREATEST(valid_until, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(created_at, valid_until) < '0001-01-01 00:00:00+00' OR GREATEST(created_at, valid_until) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.key_activity
   SET last_used_at       = CASE WHEN last_used_at IS NOT NULL THEN LEAST(GREATEST(last_used_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       old_secret_used_at = CASE WHEN old_secret_used_at IS NOT NULL THEN LEAST(GREATEST(old_secret_used_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END,
       refused_at         = CASE WHEN refused_at IS NOT NULL THEN LEAST(GREATEST(refused_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE LEAST(last_used_at, old_secret_used_at, refused_at) < '0001-01-01 00:00:00+00' OR GREATEST(last_used_at, old_secret_used_at, refused_at) > '9999-12-31 23:59:59.999+00';
UPDATE apikeys.usage_sources
   SET updated_at = CASE WHEN updated_at IS NOT NULL THEN LEAST(GREATEST(updated_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999+00') END
 WHERE updated_at < '0001-01-01 00:00:00+00' OR updated_at > '9999-12-31 23:59:59.999+00';

-- In UTC, so that the definition reads the same whatever the zone of the session that asks for it.
ALTER TABLE apikeys.keys ADD CONSTRAINT keys_times_ok CHECK (
  LEAST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND GREATEST(created_at, expires_at, frozen_at, frozen_until, revoked_at) AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.owners ADD CONSTRAINT owners_times_ok CHECK (
  LEAST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND GREATEST(created_at, frozen_at, frozen_until, counted_at) AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.secrets ADD CONSTRAINT secrets_times_ok CHECK (
  LEAST(created_at, valid_until) AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND GREATEST(created_at, valid_until) AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.key_activity ADD CONSTRAINT key_activity_times_ok CHECK (
  LEAST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND GREATEST(last_used_at, old_secret_used_at, refused_at) AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.usage_sources ADD CONSTRAINT usage_sources_times_ok CHECK (
  updated_at AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND updated_at AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.audit_events ADD CONSTRAINT audit_events_at_ok CHECK (
  at AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND at AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.audit_anchors ADD CONSTRAINT audit_anchors_times_ok CHECK (
  pruned_at AT TIME ZONE 'UTC' >= timestamp '0001-01-01 00:00:00'
  AND pruned_at AT TIME ZONE 'UTC' <= timestamp '9999-12-31 23:59:59.999');
ALTER TABLE apikeys.usage_daily ADD CONSTRAINT usage_daily_day_ok CHECK (day BETWEEN date '0001-01-01' AND date '9999-12-31');
