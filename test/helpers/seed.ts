import type { RunSql } from './run-sql.js';

export interface SeedOptions {
  readonly keys: number;
  /** One for ten keys unless named, and 1,000 at least. */
  readonly owners?: number;
  /** 20 unless named. An incident freezes some owners, however many there are. */
  readonly frozenOwners?: number;
  /** Whether the planner's statistics are gathered at the end; true unless named. */
  readonly analyse?: boolean;
}

/** Has half of the owners and of the keys. */
export const BIG_TENANT = 'tenant-01';
/** One of eighteen that share nearly all of the rest. */
export const MIDDLE_TENANT = 'tenant-07';
/** Has one owner. */
export const SMALL_TENANT = 'tenant-20';
/** Has every twentieth key. All of them are in the big tenant. */
export const BIG_OWNER = 'monolith';
/** Has about ten keys in each tenant but the smallest. */
export const SHARED_OWNER = 'ci-runner';
/** Has about ten keys, in the big tenant. */
export const SMALL_OWNER = 'owner-100';
/** The name of one key in ten. */
export const COMMON_NAME = 'deploy';
/** Held by one key in 20,000. */
export const RARE_SCOPE = 'billing:export';

/** Everything is spread over this time, up to now. */
const SPAN = '400 days';
const LIFETIME = '90 days';
/** What cleanup leaves of the expired and the revoked. */
const RETENTION = '30 days';

/**
 * Fills an empty, migrated database with keys as the program would have stored them over 400 days: 10 % revoked and
 * 10 % expired, none of them for longer than the retention; 1 % frozen and half as many with a freeze that has lapsed;
 * the older ones rotated; a third without an end; 30 % never used. The same number of keys gives the same data, but for
 * the clock. Hashes are made up: no raw key fits a secret, and the chains of the audit trail do not hold.
 *
 * @example
 * await overUrl(database.url, (run) => seedKeys(run, { keys: 20_000 }));
 */
export async function seedKeys(run: RunSql, options: SeedOptions): Promise<void> {
  const { keys, frozenOwners = 20, analyse = true } = options;
  const owners = options.owners ?? Math.max(1_000, Math.floor(keys / 10));
  await run(ownersOf(owners, frozenOwners));
  await run(keysOf(keys, owners));
  await run(SECRETS);
  await run(ACTIVITY);
  await run(USAGE);
  await run(OWNER_VERSIONS);
  await run(KEY_EVENTS);
  await run(OWNER_EVENTS);
  if (!analyse) return;
  for (const table of TABLES) await run(`ANALYZE apikeys.${table}`);
}

const TABLES = ['owners', 'keys', 'secrets', 'key_activity', 'usage_daily', 'audit_events', 'audit_anchors'];

const NOW = `date_trunc('milliseconds', statement_timestamp())`;

/** From 0 to below 1, the same for the same row and salt. */
const chance = (row: string, salt: number): string =>
  `((hashint8extended((${row})::bigint, ${salt}) & 16777215) / 16777216.0::float8)`;

/** For rows that have a UUID and no number. */
const chanceOf = (id: string, salt: number): string =>
  `((uuid_hash_extended(${id}, ${salt}) & 16777215) / 16777216.0::float8)`;

/** A UUID of version 7, as the program makes them. */
const uuidAt = (time: string, salt: string): string =>
  `(lpad(to_hex((extract(epoch FROM ${time}) * 1000)::bigint), 12, '0') || '7' || substr(md5(${salt}), 1, 3)
    || '8' || substr(md5(${salt}), 4, 15))::uuid`;

const hashOf = (text: string): string => `sha256(convert_to(${text}, 'UTF8'))`;
const SECRET_HASH = hashOf(`'secret ' || id`);
const keyHead = (id: string, seq: string): string => hashOf(`${id} || ':' || ${seq}`);
const ownerHead = (tenant: string, owner: string, seq: string): string =>
  hashOf(`${tenant} || '/' || ${owner} || ':' || ${seq}`);

const tenantOf = (owner: string): string => `CASE
  WHEN ${owner} = 1 THEN '${SMALL_TENANT}'
  WHEN ${owner} % 2 = 0 THEN '${BIG_TENANT}'
  ELSE 'tenant-' || lpad((2 + ${owner} / 2 % 18)::text, 2, '0') END`;

const ownerIdOf = (owner: string): string => `CASE
  WHEN ${owner} = 0 THEN '${BIG_OWNER}'
  WHEN ${owner} = 2 OR (${owner} % 2 = 1 AND ${owner} BETWEEN 3 AND 37) THEN '${SHARED_OWNER}'
  ELSE 'owner-' || ${owner} END`;

/** Among the frozen ones every fourth freeze has lapsed, and every fourth lapses soon. None is an owner named above. */
function ownersOf(owners: number, frozenOwners: number): string {
  const frozen = `(owner > 100 AND owner <= ${100 + frozenOwners})`;
  return `
    INSERT INTO apikeys.owners (tenant_id, owner_id, max_keys, created_at, frozen_at, frozen_until, frozen_by,
                                frozen_reason, audit_seq, audit_hash)
    SELECT tenant, id, CASE WHEN owner = 0 THEN 0 END, ${NOW} - interval '${SPAN}',
           CASE WHEN ${frozen} THEN ${NOW} - interval '2 hours' END,
           CASE WHEN ${frozen} AND owner % 4 = 0 THEN ${NOW} - interval '1 hour'
                WHEN ${frozen} AND owner % 4 = 1 THEN ${NOW} + interval '7 days' END,
           CASE WHEN ${frozen} THEN 'ops@bastion' END,
           CASE WHEN ${frozen} THEN 'INC-4711' END,
           seq, ${ownerHead('tenant', 'id', 'seq')}
      FROM generate_series(0, ${owners - 1}) AS owner,
           LATERAL (SELECT ${tenantOf('owner')} AS tenant, ${ownerIdOf('owner')} AS id,
                           CASE WHEN ${frozen} THEN 2 ELSE 1 END AS seq) AS made`;
}

function keysOf(keys: number, owners: number): string {
  return `
    INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, description, scopes, metadata, key_prefix, secret_version,
                              secret_hash, created_at, created_by, expires_at, lifetime_ms, frozen_at, frozen_until, frozen_by,
                              frozen_reason, revoked_at, revoked_by, revoked_reason, audit_seq, audit_hash)
    SELECT id, ${tenantOf('owner')}, ${ownerIdOf('owner')},
           CASE WHEN i % 10000 = 7 THEN 'nightly-' || i
                WHEN kind < 3 THEN 'ci-' || i
                WHEN kind = 3 THEN '${COMMON_NAME}'
                WHEN kind < 6 THEN 'svc-' || i / 10 % 500 || '-prod'
                ELSE 'Key ' || i END,
           CASE WHEN i % 4 = 0 THEN 'made for ticket ' || i END,
           CASE WHEN i % 20000 = 11 THEN ARRAY['${RARE_SCOPE}']
                WHEN ${chance('i', 1)} < 0.1 THEN '{}'
                WHEN ${chance('i', 1)} < 0.5 THEN ARRAY['read']
                WHEN ${chance('i', 1)} < 0.8 THEN ARRAY['orders:read', 'orders:write']
                WHEN ${chance('i', 1)} < 0.85 THEN ARRAY['orders:*']
                WHEN ${chance('i', 1)} < 0.851 THEN ARRAY['*']
                ELSE ARRAY['read', 'users:read'] END,
           CASE WHEN i % 5 = 0 THEN jsonb_build_object('team', 'team-' || i % 50) ELSE '{}' END,
           'rv_' || substr(md5('secret ' || i), 1, 8), CASE WHEN rotated THEN 2 ELSE 1 END,
           ${SECRET_HASH}, created_at, 'ci@builder', expires_at,
           CASE WHEN expires_at IS NOT NULL THEN extract(epoch FROM interval '${LIFETIME}')::bigint * 1000 END,
           CASE WHEN frozen THEN stopped_at END,
           CASE WHEN frozen AND lapsed THEN date_trunc('milliseconds', stopped_at + (${NOW} - stopped_at) / 2)
                WHEN frozen AND i % 3 = 0 THEN ${NOW} + interval '7 days' END,
           CASE WHEN frozen THEN 'ops@bastion' END, CASE WHEN frozen THEN 'INC-4711' END,
           CASE WHEN revoked THEN stopped_at END,
           CASE WHEN revoked THEN 'ops@bastion' END, CASE WHEN revoked AND i % 2 = 0 THEN 'leaked' END,
           seq, ${keyHead('id', 'seq')}
      FROM generate_series(1, ${keys}) AS i,
           LATERAL (SELECT ${NOW} - interval '${SPAN}' * ((${keys} - i + ${chance('i', 2)}) / ${keys}) AS made_at,
                           ${chance('i', 3)} AS fate, ${chance('i', 4)} AS lapse, floor(10 * ${chance('i', 11)}) AS kind,
                           CASE WHEN i % 20 = 0 THEN 0 ELSE 1 + (i - i / 20) % ${owners - 1} END AS owner) AS drawn,
           LATERAL (SELECT date_trunc('milliseconds', made_at) AS created_at) AS born,
           LATERAL (SELECT ${uuidAt('created_at', `'key ' || i`)} AS id,
                           fate < 0.1 AS revoked,
                           (fate < 0.014 OR fate BETWEEN 0.1 AND 0.243 OR fate > 0.998)
                             AND made_at < ${NOW} - interval '120 days' AS expired,
                           fate > 0.985 AS frozen, fate BETWEEN 0.993 AND 0.998 AS lapsed,
                           date_trunc('milliseconds', ${NOW}
                             - LEAST(interval '${RETENTION}', ${NOW} - created_at) * ${chance('i', 5)}) AS stopped_at
                   ) AS fates,
           LATERAL (SELECT date_trunc('milliseconds',
                      CASE WHEN expired THEN ${NOW} - interval '${RETENTION}' * lapse
                           WHEN i % 3 = 0 THEN NULL
                           WHEN created_at > ${NOW} - interval '${LIFETIME}' THEN created_at + interval '${LIFETIME}'
                           ELSE ${NOW} + interval '${LIFETIME}' * lapse END) AS expires_at) AS ends,
           LATERAL (SELECT COALESCE(expires_at > created_at + interval '${LIFETIME}', false) AS rotated) AS turned,
           LATERAL (SELECT 1 + rotated::integer + (frozen OR revoked)::integer AS seq) AS counted`;
}

/** Of what was rotated, one secret in ten has a predecessor whose end has not come, or that cleanup has yet to take. */
const SECRETS = `
  INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
  SELECT secret_hash, id, secret_version, key_prefix,
         CASE WHEN secret_version = 1 THEN created_at ELSE expires_at - interval '${LIFETIME}' END, NULL::timestamptz
    FROM apikeys.keys
   UNION ALL
  SELECT ${hashOf(`'older ' || id`)}, id, 1, 'rv_' || substr(md5('older ' || id), 1, 8), created_at,
         expires_at - interval '${LIFETIME}' + interval '1 day'
    FROM apikeys.keys WHERE secret_version = 2 AND ${chanceOf('id', 6)} < 0.1`;

/** A day's requests of a key that is used. */
const REQUESTS = `(1 + (uuid_hash_extended(id, 7) & 1023))`;

/** When a key was used last: mostly a moment ago, never after its end. */
const ACTIVITY = `
  INSERT INTO apikeys.key_activity (key_id, last_used_at, total_requests, total_spend_cents)
  SELECT id, CASE WHEN used THEN date_trunc('milliseconds', stop - (stop - created_at) * ${chanceOf('id', 8)} ^ 3) END,
         CASE WHEN used THEN 2 * ${REQUESTS} ELSE 0 END, CASE WHEN used THEN 2 * ${REQUESTS} / 10 ELSE 0 END
    FROM apikeys.keys,
         LATERAL (SELECT LEAST(${NOW}, expires_at, revoked_at) AS stop, ${chanceOf('id', 9)} > 0.3 AS used) AS known`;

/** Two days of every tenth key that is used. */
const USAGE = `
  INSERT INTO apikeys.usage_daily (key_id, day, tenant_id, owner_id, request_count, spend_cents)
  SELECT id, (last_used_at AT TIME ZONE 'UTC')::date - ago, tenant_id, owner_id, ${REQUESTS}, ${REQUESTS} / 10
    FROM apikeys.keys
    JOIN apikeys.key_activity ON key_id = id AND last_used_at IS NOT NULL, generate_series(0, 1) AS ago
   WHERE ${chanceOf('id', 10)} < 0.1`;

/** One for each key that was made, one for the freeze. */
const OWNER_VERSIONS = `
  UPDATE apikeys.owners AS owner
     SET version = made.keys + (owner.frozen_at IS NOT NULL)::integer
    FROM (SELECT tenant_id, owner_id, count(*) AS keys FROM apikeys.keys GROUP BY tenant_id, owner_id) AS made
   WHERE owner.tenant_id = made.tenant_id AND owner.owner_id = made.owner_id`;

const EVENT_COLUMNS =
  'id, seq, at, actor, db_role, action, tenant_id, owner_id, key_id, reason, details, prev_hash, hash';

const KEY_EVENTS = `
  INSERT INTO apikeys.audit_events (${EVENT_COLUMNS})
  SELECT ${uuidAt('at', `action || key.id`)}, seq, at, actor, 'apikeys', action, tenant_id, owner_id, key.id, reason,
         details, CASE WHEN seq > 1 THEN ${keyHead('key.id', '(seq - 1)')} END, ${keyHead('key.id', 'seq')}
    FROM apikeys.keys AS key,
         LATERAL (
           SELECT 1 AS seq, 'key.created' AS action, created_at AS at, created_by AS actor, NULL AS reason,
                  json_build_object('name', name, 'description', description, 'scopes', scopes, 'metadata', metadata,
                                    'key_prefix', key_prefix) AS details
            UNION ALL
           SELECT 2, 'key.rotated', expires_at - interval '${LIFETIME}', created_by, NULL,
                  json_build_object('key_prefix', key_prefix) WHERE secret_version = 2
            UNION ALL
           SELECT audit_seq, 'key.frozen', frozen_at, frozen_by, frozen_reason, '{}' WHERE frozen_at IS NOT NULL
            UNION ALL
           SELECT audit_seq, 'key.revoked', revoked_at, revoked_by, revoked_reason, '{}' WHERE revoked_at IS NOT NULL
         ) AS event`;

const OWNER_EVENTS = `
  INSERT INTO apikeys.audit_events (${EVENT_COLUMNS})
  SELECT ${uuidAt('at', `action || tenant_id || '/' || owner_id`)}, seq, at, actor, 'apikeys', action, tenant_id,
         owner_id, NULL, reason, details,
         CASE WHEN seq > 1 THEN ${ownerHead('tenant_id', 'owner_id', '(seq - 1)')} END,
         ${ownerHead('tenant_id', 'owner_id', 'seq')}
    FROM (SELECT tenant_id, owner_id, 1 AS seq, 'owner.first_key' AS action, created_at AS at, created_by AS actor,
                 NULL AS reason, json_build_object('key_id', id) AS details
            FROM (SELECT DISTINCT ON (tenant_id, owner_id) * FROM apikeys.keys
                   ORDER BY tenant_id, owner_id, created_at, id) AS first
           UNION ALL
          SELECT tenant_id, owner_id, 2, 'owner.frozen', frozen_at, frozen_by, frozen_reason, '{}'
            FROM apikeys.owners WHERE frozen_at IS NOT NULL) AS event`;
