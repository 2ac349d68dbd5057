import type { AuditEvent } from '../../../src/domain/audit.js';
import type { CreateRequest } from '../../helpers/named-caller.js';
import type { RunSql } from '../../helpers/run-sql.js';

let serial = 0;

/** An owner (or a tenant, or a name) that no other test of the file uses. */
export const unique = (what: string): string => `${what}-${++serial}`;

/** A request that is right; what matters to the test is in `more`. */
export const request = (more: Partial<CreateRequest> = {}): CreateRequest => ({
  name: 'ci',
  owner: unique('owner'),
  actor: 'tester',
  ...more,
});

/** The secret of a key that was just made. */
export function secretOf({ apiKey }: { readonly apiKey: string | null }): string {
  if (apiKey === null) throw new Error('no key was made');
  return apiKey;
}

const TABLES = [
  'owners',
  'policies',
  'keys',
  'secrets',
  'key_activity',
  'usage_daily',
  'usage_sources',
  'audit_events',
];

/** How many rows each table has, and the newest version of any owner: equal before and after if nothing was stored. */
export async function fingerprint(rows: RunSql): Promise<unknown> {
  const counts = TABLES.map((table) => `(SELECT count(*) FROM apikeys.${table}) AS ${table}`);
  const versions = `(SELECT sum(version)::bigint FROM apikeys.owners) AS versions`;
  const revoked = `(SELECT count(*) FROM apikeys.keys WHERE revoked_at IS NOT NULL) AS revoked`;
  const [row] = await rows(`SELECT ${[...counts, versions, revoked].join(', ')}`);
  return row;
}

interface EventRow {
  id: string;
  seq: number;
  at: Date;
  actor: string;
  db_role: string;
  action: string;
  tenant_id: string;
  owner_id: string;
  key_id: string | null;
  reason: string | null;
  details: string;
  prev_hash: Buffer | null;
  hash: Buffer;
}

/** The events of one chain, in their order; `where` picks the chain. */
export async function events(rows: RunSql, where: string): Promise<AuditEvent[]> {
  const found = (await rows(
    `SELECT * FROM apikeys.audit_events WHERE ${where} ORDER BY seq`,
  )) as unknown as EventRow[];
  return found.map((row) => ({
    id: row.id,
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    dbRole: row.db_role,
    action: row.action,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    keyId: row.key_id,
    reason: row.reason,
    details: row.details,
    prevHash: row.prev_hash,
    hash: row.hash,
  }));
}

export const keyChain = (keyId: string): string => `key_id = '${keyId}'`;
export const ownerChain = (ownerId: string): string => `key_id IS NULL AND owner_id = '${ownerId}'`;
