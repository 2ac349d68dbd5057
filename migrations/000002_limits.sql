-- Limits: how much a key, or an owner as a whole, may use, and from where.
--
-- What was used stands beside what may be used, in one row for each key or owner that has limits: to count is to lock and
-- to write that row, and a new period replaces the count of the one before. So there is never an old counter to delete.
-- A key says whether it or its owner has limits: a key without any is verified by one look-up, which reads nothing here.

ALTER TABLE apikeys.owners ADD COLUMN limited boolean NOT NULL DEFAULT false;  -- it has a row in `limits`
ALTER TABLE apikeys.keys   ADD COLUMN limited boolean NOT NULL DEFAULT false;  -- it has one, or its owner has

-- A rate is so many requests in a window, which begins with its first request, at rate_from.
-- A quota and a budget are so many requests, and cents, in a period of the UTC calendar that began at quota_from and budget_from.
-- A count that belongs to a window or a period that is over is worth nothing: see `limits_as_of`.
CREATE TABLE apikeys.limits (
  id             bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order in which rows are locked
  key_id         uuid             CONSTRAINT limits_key_fkey REFERENCES apikeys.keys (id),
  tenant_id      text COLLATE "C",                        -- these two name an owner; NULL for a key
  owner_id       text COLLATE "C",
  rate_requests  bigint           CHECK (rate_requests BETWEEN 1 AND 9007199254740991),
  rate_window_ms bigint           CHECK (rate_window_ms BETWEEN 1000 AND 86400000),
  rate_used      bigint           NOT NULL DEFAULT 0 CHECK (rate_used >= 0),
  rate_from      timestamptz(3),
  quota_requests bigint           CHECK (quota_requests BETWEEN 1 AND 9007199254740991),
  quota_period   text             CHECK (quota_period IN ('day', 'week', 'month', 'total')),
  quota_used     bigint           NOT NULL DEFAULT 0 CHECK (quota_used >= 0),
  quota_from     timestamptz(3),
  budget_cents   bigint           CHECK (budget_cents BETWEEN 1 AND 9007199254740991),
  budget_period  text             CHECK (budget_period IN ('day', 'week', 'month', 'total')),
  budget_used    bigint           NOT NULL DEFAULT 0 CHECK (budget_used BETWEEN 0 AND 9007199254740991),
  budget_from    timestamptz(3),
  allowed_ips    cidr[]           NOT NULL DEFAULT '{}',  -- empty: any address, and none
  CONSTRAINT limits_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES apikeys.owners (tenant_id, owner_id),
  CONSTRAINT limits_subject_ok CHECK ((key_id IS NULL) = (owner_id IS NOT NULL) AND (tenant_id IS NULL) = (owner_id IS NULL)),
  CONSTRAINT limits_rate_ok    CHECK ((rate_requests IS NULL) = (rate_window_ms IS NULL)),
  CONSTRAINT limits_quota_ok   CHECK ((quota_requests IS NULL) = (quota_period IS NULL)),
  CONSTRAINT limits_budget_ok  CHECK ((budget_cents IS NULL) = (budget_period IS NULL)),
  CONSTRAINT limits_ips_ok     CHECK (cardinality(allowed_ips) <= 100 AND array_position(allowed_ips, NULL) IS NULL)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX limits_key_idx   ON apikeys.limits (key_id) WHERE key_id IS NOT NULL;
CREATE UNIQUE INDEX limits_owner_idx ON apikeys.limits (tenant_id, owner_id) WHERE key_id IS NULL;

-- The limits of a row with what was used of them as of a moment: of a window or a period that is over, nothing.
-- A clock that stepped back makes the window or the period begin now, and keeps what was counted: nothing is granted twice,
-- and nobody waits for longer than a window or a period.
CREATE FUNCTION apikeys.limits_as_of(standing apikeys.limits, now timestamptz) RETURNS apikeys.limits
LANGUAGE plpgsql STABLE SET search_path TO pg_catalog, pg_temp AS $$
DECLARE
  begins timestamptz;
BEGIN
  IF now >= standing.rate_from + standing.rate_window_ms * interval '1 millisecond' THEN
    standing.rate_used := 0;
    standing.rate_from := NULL;
  ELSIF standing.rate_from > now THEN
    standing.rate_from := now;
  END IF;

  begins := CASE standing.quota_period WHEN 'total' THEN '0001-01-01 00:00:00Z'
                 ELSE date_trunc(standing.quota_period, now, 'UTC') END;
  IF standing.quota_from < begins THEN
    standing.quota_used := 0;
  END IF;
  standing.quota_from := begins;

  begins := CASE standing.budget_period WHEN 'total' THEN '0001-01-01 00:00:00Z'
                 ELSE date_trunc(standing.budget_period, now, 'UTC') END;
  IF standing.budget_from < begins THEN
    standing.budget_used := 0;
  END IF;
  standing.budget_from := begins;
  RETURN standing;
END
$$;

-- Decides and counts requests, as one statement: of several callers who ask at once for the same key, as many are granted
-- as there is room for; whoever is refused uses up nothing, of the key and of its owner.
--
-- `asked` names keys, owners and requests; each of the `requests` names the place of its key and of its owner among those:
--   {"keys": [id], "tenants": [id], "owners": [id],
--    "requests": [{"key": 1, "owner": 1, "callers": 3, "cents": 7, "ip": "192.0.2.1", "counts": true}]}
-- Requests are decided in their order. One that does not count asks whether one more would be granted, and takes nothing.
-- The answer has a row for each request, and one for each key and owner that has limits, with what is used now.
CREATE FUNCTION apikeys.count_requests(asked jsonb)
RETURNS TABLE (kind text, place integer, moment timestamptz, granted integer, refused_by text,
               rate_requests bigint, rate_window_ms bigint, rate_used bigint, rate_from timestamptz,
               quota_requests bigint, quota_period text, quota_used bigint, quota_from timestamptz,
               budget_cents bigint, budget_period text, budget_used bigint, budget_from timestamptz)
LANGUAGE plpgsql VOLATILE
SET search_path TO pg_catalog, pg_temp SET row_security TO off SET lock_timeout TO '5s' AS $$
#variable_conflict use_column
DECLARE
  keys     uuid[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'keys'));
  tenants  text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'tenants'));
  owners   text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'owners'));
  counts   boolean := jsonb_path_exists(asked, '$.requests[*] ? (@.counts == true)');
  ids      bigint[];
  now      timestamptz;
  -- By the place of a row among `ids`; NULL: no such limit.
  of_key      integer[];  -- by the place of a key among `keys`
  of_owner    integer[];
  has_ips     boolean[];
  rate_left   bigint[];
  quota_left  bigint[];
  budget_left bigint[];
  requests    bigint[];   -- taken
  cents       bigint[];
  one         record;
  n           integer := 0;
  k           integer;
  o           integer;
  room        bigint;
BEGIN
  SELECT array_agg(id ORDER BY id) INTO ids FROM (
    SELECT id FROM apikeys.limits WHERE key_id = ANY (keys)
    UNION ALL
    SELECT id FROM unnest(tenants, owners) AS named (tenant_id, owner_id)
      JOIN apikeys.limits USING (tenant_id, owner_id) WHERE key_id IS NULL) AS found;
  IF counts THEN
    PERFORM FROM apikeys.limits WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  END IF;
  now := date_trunc('milliseconds', clock_timestamp());

  FOR one IN
    SELECT limits.*, of_keys.place AS key_place, of_owners.place AS owner_place
      FROM apikeys.limits AS stored
     CROSS JOIN LATERAL apikeys.limits_as_of(stored, now) AS limits
      LEFT JOIN unnest(keys) WITH ORDINALITY AS of_keys (key_id, place) ON of_keys.key_id = stored.key_id
      LEFT JOIN unnest(tenants, owners) WITH ORDINALITY AS of_owners (tenant_id, owner_id, place)
             ON of_owners.tenant_id = stored.tenant_id AND of_owners.owner_id = stored.owner_id
     WHERE stored.id = ANY (ids) ORDER BY stored.id
  LOOP
    n := n + 1;
    ids[n] := one.id;
    IF one.key_id IS NULL THEN of_owner[one.owner_place] := n; ELSE of_key[one.key_place] := n; END IF;
    has_ips[n] := cardinality(one.allowed_ips) > 0;
    rate_left[n] := one.rate_requests - one.rate_used;
    quota_left[n] := one.quota_requests - one.quota_used;
    budget_left[n] := one.budget_cents - one.budget_used;
    requests[n] := 0;
    cents[n] := 0;
  END LOOP;
  -- A row that went meanwhile limits nothing any more.
  ids := ids[:n];

  FOR one IN
    SELECT ordinality::integer AS place, (value ->> 'key')::integer AS key, (value ->> 'owner')::integer AS owner,
           (value ->> 'callers')::integer AS callers, (value ->> 'cents')::bigint AS cents,
           (value ->> 'ip')::inet AS ip, (value ->> 'counts')::boolean AS counts
      FROM jsonb_array_elements(asked -> 'requests') WITH ORDINALITY
  LOOP
    kind := 'request';
    place := one.place;
    moment := now;
    refused_by := NULL;
    k := of_key[one.key];
    o := of_owner[one.owner];
    IF (has_ips[k] OR has_ips[o]) AND EXISTS (
      SELECT FROM apikeys.limits
       WHERE id IN (ids[k], ids[o]) AND cardinality(allowed_ips) > 0 AND (one.ip <<= ANY (allowed_ips)) IS NOT TRUE)
    THEN
      granted := 0;
      refused_by := 'address';
      RETURN NEXT;
      CONTINUE;
    END IF;

    room := LEAST(budget_left[k], budget_left[o]);
    -- What costs nothing yet is let through for as long as anything is left.
    room := CASE WHEN room <= 0 THEN 0 WHEN one.cents > 0 THEN room / one.cents WHEN room > 0 THEN one.callers END;
    room := GREATEST(0, LEAST(room, rate_left[k], rate_left[o], quota_left[k], quota_left[o], one.callers));
    granted := CASE WHEN one.counts OR room = 0 THEN room ELSE one.callers END;
    IF granted < one.callers THEN
      refused_by := CASE WHEN LEAST(rate_left[k], rate_left[o]) <= room THEN 'rate'
                         WHEN LEAST(quota_left[k], quota_left[o]) <= room THEN 'quota' ELSE 'budget' END;
    END IF;
    IF one.counts THEN
      FOREACH n IN ARRAY ARRAY[k, o] LOOP
        CONTINUE WHEN n IS NULL;
        rate_left[n] := rate_left[n] - granted;
        quota_left[n] := quota_left[n] - granted;
        budget_left[n] := budget_left[n] - granted * one.cents;
        requests[n] := requests[n] + granted;
        cents[n] := cents[n] + granted * one.cents;
      END LOOP;
    END IF;
    RETURN NEXT;
  END LOOP;

  IF counts THEN
    UPDATE apikeys.limits AS stored
       SET rate_used = CASE WHEN limits.rate_requests IS NULL THEN 0 ELSE limits.rate_used + taken.requests END,
           rate_from = CASE WHEN limits.rate_requests IS NULL THEN NULL ELSE COALESCE(limits.rate_from, now) END,
           quota_used = CASE WHEN limits.quota_requests IS NULL THEN 0 ELSE limits.quota_used + taken.requests END,
           quota_from = limits.quota_from,
           budget_used = CASE WHEN limits.budget_cents IS NULL THEN 0
                              ELSE LEAST(limits.budget_used + taken.cents, 9007199254740991) END,
           budget_from = limits.budget_from
      FROM unnest(ids, requests, cents) AS taken (id, requests, cents)
      JOIN apikeys.limits AS now_stored ON now_stored.id = taken.id
     CROSS JOIN LATERAL apikeys.limits_as_of(now_stored, now) AS limits
     WHERE stored.id = taken.id AND taken.requests > 0;
    -- A crash of the server may take back what was counted of rates alone, and forget the window under way.
    IF EXISTS (SELECT FROM apikeys.limits WHERE id = ANY (ids) AND (quota_requests IS NOT NULL OR budget_cents IS NOT NULL)) THEN
      PERFORM set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local');
    ELSE
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
  END IF;

  RETURN QUERY
    SELECT CASE WHEN stored.key_id IS NULL THEN 'owner' ELSE 'key' END,
           COALESCE(array_position(of_key, subject.place::integer), array_position(of_owner, subject.place::integer)),
           now, NULL::integer, NULL::text,
           limits.rate_requests, limits.rate_window_ms, limits.rate_used, limits.rate_from,
           limits.quota_requests, limits.quota_period, limits.quota_used, limits.quota_from,
           limits.budget_cents, limits.budget_period, limits.budget_used, limits.budget_from
      FROM unnest(ids) WITH ORDINALITY AS subject (id, place)
      JOIN apikeys.limits AS stored ON stored.id = subject.id
     CROSS JOIN LATERAL apikeys.limits_as_of(stored, now) AS limits;
END
$$;
