import { type RawBuilder, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { type ChainState, policyState, type SecretFacts } from '../domain/key-state.js';
import type { ChainRef } from './audit-anchors.js';
import type { ChainPage, StoredHead } from './audit-chains.js';
import { tenantIs } from './tenant-condition.js';

/** The head of a chain, and the state of its key or owner, as the row has it. */
export interface StoredState extends StoredHead {
  readonly state: ChainState;
}

/** The rows of all keys or of all owners, in the order of their chains. */
export async function storedStates(session: Session, page: ChainPage<ChainRef>): Promise<StoredState[]> {
  const { tenant, after, limit } = page;
  const within = tenantIs('tenant_id', tenant);
  if (page.kind === 'key') {
    const rows = await session.rows(sql<KeyRecord>`
      SELECT tenant_id, owner_id, id, audit_seq, audit_hash, name, description, scopes, metadata, lifetime_ms,
             secret_hash_digest, limited, ${limitsOf(sql`limits.key_id = keys.id`)}, ${epoch('expires_at')}, ${epoch('revoked_at')}, ${epoch('frozen_at')}, ${epoch('frozen_until')}
        FROM apikeys.keys
       WHERE ${within} AND ${after === undefined ? sql`true` : sql`id > ${after.keyId}`}
       ORDER BY id LIMIT ${limit}`);
    return rows.map(keyState);
  }
  const rows = await session.rows(sql<OwnerRecord>`
    SELECT tenant_id, owner_id, audit_seq, audit_hash, version, limited,
           ${limitsOf(sql`limits.tenant_id = owner.tenant_id AND limits.owner_id = owner.owner_id AND limits.key_id IS NULL`)},
           ${epoch('frozen_at')}, ${epoch('frozen_until')},
           max_lifetime_ms, require_expiry, max_keys_allowed AS max_keys, scopes, prefixes
      FROM (SELECT * FROM apikeys.owners
             WHERE ${within}
               AND ${after === undefined ? sql`true` : sql`(tenant_id, owner_id) > (${after.tenantId}, ${after.ownerId})`}
             ORDER BY tenant_id, owner_id LIMIT ${limit}) AS owner
      LEFT JOIN (SELECT tenant_id, owner_id, max_lifetime_ms, require_expiry, max_keys AS max_keys_allowed, scopes, prefixes
                   FROM apikeys.policies) AS policy USING (tenant_id, owner_id)
     ORDER BY tenant_id, owner_id`);
  return rows.map(ownerState);
}

/** Where a secret stands in the order of all. */
export interface SecretPosition {
  readonly keyId: string;
  readonly version: number;
}

/** Behind the last secret that a key can have. */
export const endOfSecrets = (keyId: string): SecretPosition => ({ keyId, version: 2_147_483_647 });

/** A secret as its row has it. */
export interface StoredSecret extends SecretPosition {
  readonly facts: Omit<SecretFacts, 'ended'>;
  /** Ended for good. */
  readonly ended: boolean;
}

/**
 * The secrets of all keys of all tenants, in the order of the keys' chains, then of their versions; owners have none. Each
 * page is a stretch of one index: beside a join the planner would rather read and sort all secrets for every page.
 */
export async function storedSecrets(
  session: Session,
  { kind, after, limit }: ChainPage<SecretPosition>,
): Promise<StoredSecret[]> {
  if (kind === 'owner') return [];
  const rows = await session.rows(sql<SecretRecord>`
    SELECT key_id, version, hash_digest, ended, ${epoch('valid_until')}
      FROM apikeys.secrets
     WHERE ${after === undefined ? sql`true` : sql`(key_id, version) > (${after.keyId}::uuid, ${after.version}::integer)`}
     ORDER BY key_id, version LIMIT ${limit}`);
  return rows.map((row) => ({
    keyId: row.key_id,
    version: row.version,
    facts: { digest: row.hash_digest.toString('hex'), valid_until: timeOf(row.valid_until) },
    ended: row.ended,
  }));
}

/** Limits as events have them; null: there are none. */
const limitsOf = (condition: RawBuilder<unknown>) => sql`
  (SELECT json_build_object(
            'rate', CASE WHEN rate_requests IS NOT NULL THEN json_build_object('requests', rate_requests, 'window_ms', rate_window_ms) END,
            'quota', CASE WHEN quota_requests IS NOT NULL THEN json_build_object('requests', quota_requests, 'period', quota_period) END,
            'budget', CASE WHEN budget_cents IS NOT NULL THEN json_build_object('cents', budget_cents, 'period', budget_period) END,
            'allowed_ips', allowed_ips)
     FROM apikeys.limits WHERE ${condition}) AS limits`;

/** Limits that no look-up is told of hold nobody up: they are as good as none. */
const limitsState = ({ limits, limited }: LimitedRecord): unknown => (limited ? limits : null);

/** Seconds since 1970 as text: whatever stands there, `infinity` too, must not stop the one who looks for it. */
const epoch = (column: string) => sql`extract(epoch FROM ${sql.ref(column)})::text AS ${sql.ref(column)}`;

type Epoch = string | null;

/** As an event has it: an RFC 3339 time; or the text itself, which no event has. */
function timeOf(epoch: Epoch): string | null {
  if (epoch === null) return null;
  const time = new Date(Math.round(Number(epoch) * 1_000));
  return Number.isNaN(time.getTime()) ? epoch : time.toISOString();
}

interface SecretRecord {
  readonly key_id: string;
  readonly version: number;
  readonly hash_digest: Buffer;
  readonly valid_until: Epoch;
  readonly ended: boolean;
}

interface FreezeRecord {
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly audit_seq: number;
  readonly frozen_at: Epoch;
  readonly frozen_until: Epoch;
}

interface LimitedRecord {
  readonly limited: boolean;
  readonly limits: unknown;
}

interface OwnerRecord extends FreezeRecord, LimitedRecord {
  readonly audit_hash: Buffer | null;
  readonly version: number;
  /** These of the row of a tenant, or of the database, that has a policy; null of all others. */
  readonly max_lifetime_ms: number | null;
  readonly require_expiry: boolean | null;
  readonly max_keys: number | null;
  readonly scopes: readonly string[] | null;
  readonly prefixes: readonly string[] | null;
}

interface KeyRecord extends FreezeRecord, LimitedRecord {
  readonly id: string;
  readonly audit_hash: Buffer;
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly lifetime_ms: number | null;
  readonly secret_hash_digest: Buffer;
  readonly expires_at: Epoch;
  readonly revoked_at: Epoch;
}

const freezeOf = (row: FreezeRecord) => ({
  frozen_at: timeOf(row.frozen_at),
  frozen_until: timeOf(row.frozen_until),
});

function ownerState(row: OwnerRecord): StoredState {
  const policy = policyOf(row);
  return {
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    keyId: null,
    seq: row.audit_seq,
    hash: row.audit_hash,
    expected: row.version > 0 || row.audit_seq > 0 || Object.keys(policy).length > 0,
    state: { ...freezeOf(row), limits: limitsState(row), policy },
  };
}

const policyOf = ({ max_lifetime_ms, require_expiry, max_keys, scopes, prefixes }: OwnerRecord) =>
  policyState({ max_lifetime_ms, require_expiry, max_keys, scopes, prefixes });

const keyState = (row: KeyRecord): StoredState => ({
  tenantId: row.tenant_id,
  ownerId: row.owner_id,
  keyId: row.id,
  seq: row.audit_seq,
  hash: row.audit_hash,
  expected: true,
  state: {
    tenant_id: row.tenant_id,
    owner_id: row.owner_id,
    name: row.name,
    description: row.description,
    scopes: row.scopes,
    limits: limitsState(row),
    metadata: row.metadata,
    expires_at: timeOf(row.expires_at),
    lifetime_ms: row.lifetime_ms,
    revoked_at: timeOf(row.revoked_at),
    ...freezeOf(row),
    current_secret: row.secret_hash_digest.toString('hex'),
  },
});
