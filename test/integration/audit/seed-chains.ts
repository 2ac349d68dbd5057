import type { RunSql } from '../../helpers/run-sql.js';

export interface ChainSeed {
  readonly keys: number;
  /** Each in one of the tenants `tenant-0` to `tenant-9`, but `shared`, which is in all of them. */
  readonly owners: number;
  /** Events of each key: `key.created`, then frozen and unfrozen in turn. */
  readonly length: number;
}

/**
 * Fills an empty, migrated database with chains that hold, spread over the last 400 days: those of keys, each `length`
 * events, and one event for each owner. Every tenth key's actor is `rare`-something, all others' is `ci@builder`. The rows
 * of keys and secrets are what the events say.
 */
export async function seedChains(run: RunSql, { keys, owners, length }: ChainSeed): Promise<void> {
  await run(`
    INSERT INTO apikeys.audit_events (${COLUMNS})
    SELECT id, 1, at, actor, 'seed', 'owner.first_key', tenant, owner, NULL, NULL, '{}', NULL, ${hash('NULL')}
      FROM generate_series(0, ${owners - 1}) AS n,
           LATERAL (SELECT ${uuid(`'owner ' || n`)} AS id, 1 AS seq, ${tenantOf('n')} AS tenant, ${ownerOf('n')} AS owner,
                           ${timeOf('n', owners, '400 days')} AS at, 'ci@builder' AS actor, 'owner.first_key' AS action,
                           NULL::uuid AS key_id, '{}' AS details) AS event`);
  await run(`
    INSERT INTO apikeys.owners (tenant_id, owner_id, version, created_at, audit_seq, audit_hash)
    SELECT tenant_id, owner_id, 1, at, seq, hash FROM apikeys.audit_events WHERE key_id IS NULL`);
  await run(`
    INSERT INTO apikeys.audit_events (${COLUMNS})
    SELECT id, 1, at, actor, 'seed', 'key.created', tenant, owner, key_id, NULL, details, NULL, ${hash('NULL')}
      FROM generate_series(0, ${keys - 1}) AS n,
           LATERAL (SELECT ${uuid(`'event ' || n`)} AS id, 1 AS seq, ${tenantOf(`n % ${owners}`)} AS tenant,
                           ${ownerOf(`n % ${owners}`)} AS owner, ${timeOf('n', keys, '400 days')} AS at,
                           CASE WHEN n % 10 = 0 THEN 'rare-' || n / 10 % 1000 ELSE 'ci@builder' END AS actor,
                           'key.created' AS action, ${uuid(`'key ' || n`)} AS key_id,
                           '{"name":"key ' || n || '","key_prefix":"rv_' || substr(md5(n::text), 1, 8)
                             || '","description":null,"scopes":[],"metadata":{},"expires_at":null,"lifetime_ms":null'
                             || ',"secret_digest":"' || encode(sha256(${secretHash(uuid(`'key ' || n`))}), 'hex') || '"}' AS details) AS event`);
  for (let seq = 2; seq <= length; seq++) {
    const action = seq % 2 === 0 ? 'key.frozen' : 'key.unfrozen';
    await run(`
      INSERT INTO apikeys.audit_events (${COLUMNS})
      SELECT id, ${seq}, at, actor, 'seed', action, tenant, owner, key_id, NULL, details, previous, ${hash('previous')}
        FROM (SELECT ${uuid(`'${seq} ' || key_id`)} AS id, ${seq} AS seq, at + interval '${seq} hours' AS at, actor,
                     '${action}' AS action, tenant_id AS tenant, owner_id AS owner, key_id, '{}' AS details,
                     hash AS previous
                FROM apikeys.audit_events WHERE seq = ${seq - 1} AND key_id IS NOT NULL) AS event`);
  }
  await run(`
    INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, frozen_at, audit_seq, audit_hash)
    SELECT head.key_id, head.tenant_id, head.owner_id, first.details::json ->> 'name', first.details::json ->> 'key_prefix',
           ${secretHash('head.key_id')}, first.at, first.actor, CASE WHEN head.action = 'key.frozen' THEN head.at END,
           head.seq, head.hash
      FROM apikeys.audit_events AS head JOIN apikeys.audit_events AS first ON first.key_id = head.key_id AND first.seq = 1
     WHERE head.seq = ${length} AND head.key_id IS NOT NULL`);
  await run(`
    INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at)
    SELECT secret_hash, id, 1, key_prefix, created_at FROM apikeys.keys`);
  for (const table of ['owners', 'keys', 'secrets', 'audit_events']) await run(`ANALYZE apikeys.${table}`);
}

const COLUMNS =
  'id, seq, at, actor, db_role, action, tenant_id, owner_id, key_id, reason, details, prev_hash, hash';

/** Made up: no raw key fits it. */
const secretHash = (keyId: string): string => `sha256(convert_to((${keyId})::text, 'UTF8'))`;

const uuid = (salt: string): string => `md5(${salt})::uuid`;

const ownerOf = (n: string): string => `CASE WHEN ${n} < 10 THEN 'shared' ELSE 'owner-' || ${n} END`;
const tenantOf = (n: string): string => `'tenant-' || ${n} % 10`;

const timeOf = (n: string, of: number, span: string): string =>
  `date_trunc('milliseconds', now() - interval '1 day' - interval '${span}' * ((${of} - ${n}) / ${of}::float8))`;

const json = (text: string): string => `to_json((${text})::text)::text`;

/** What `chainHash` hashes, of an event whose columns are in scope. */
const hash = (previous: string): string =>
  `sha256(convert_to('["apikeys.audit.1",' || ${[
    json('id'),
    'seq',
    json(`to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`),
    json('actor'),
    json(`'seed'`),
    json('action'),
    json('tenant'),
    json('owner'),
    `COALESCE(${json('key_id')}, 'null')`,
    `'null'`,
    json('details'),
    `COALESCE(${json(`encode(${previous}, 'hex')`)}, 'null')`,
  ].join(` || ',' || `)} || ']', 'UTF8'))`;
