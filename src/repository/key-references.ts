import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { findCandidates } from './key-records.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** How many references one statement looks up. */
const BATCH_SIZE = 1_000;

/**
 * For each reference the ids of the keys that it may mean, at most `limit` each, as `findCandidates` gives them for one.
 * Thousands of references take a few statements.
 */
export async function findCandidatesOfAll(
  session: Session,
  references: readonly string[],
  tenant: TenantScope,
  limit: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const [only] = references;
  if (only !== undefined && references.length === 1) {
    return found.set(only, await findCandidates(session, only, tenant, limit));
  }
  for (let from = 0; from < references.length; from += BATCH_SIZE) {
    await findSome(session, references.slice(from, from + BATCH_SIZE), { tenant, limit, found });
  }
  return found;
}

async function findSome(
  session: Session,
  references: readonly string[],
  { tenant, limit, found }: { tenant: TenantScope; limit: number; found: Map<string, readonly string[]> },
): Promise<void> {
  const ids = references.filter((reference) => UUID.test(reference)).map((id) => id.toLowerCase());
  const ofTenant = sql`WHERE ${tenantIs('key.tenant_id', tenant)}`;
  const rows = await session.rows(sql<{ ordinal: number; id: string }>`
    SELECT wanted.ordinal, named.id
      FROM unnest(${[...references]}::text[]) WITH ORDINALITY AS wanted (reference, ordinal)
     CROSS JOIN LATERAL (
       SELECT key.id FROM (
         SELECT key.id, key.tenant_id FROM apikeys.keys AS key
          WHERE key.name >= wanted.reference AND key.name <= wanted.reference
          ORDER BY key.name, key.id OFFSET 0) AS key
       ${ofTenant} LIMIT ${limit}) AS named
     UNION ALL
    SELECT wanted.ordinal, prefixed.id
      FROM unnest(${[...references]}::text[]) WITH ORDINALITY AS wanted (reference, ordinal)
     CROSS JOIN LATERAL (
       SELECT key.id FROM (
         SELECT secret.key_id FROM apikeys.secrets AS secret
          WHERE secret.key_prefix = wanted.reference OFFSET 0) AS secret
         JOIN apikeys.keys AS key ON key.id = secret.key_id
       ${ofTenant} LIMIT ${limit}) AS prefixed
     UNION ALL
    SELECT 0, key.id
      FROM (SELECT key.id, key.tenant_id FROM apikeys.keys AS key
             WHERE key.id = ANY (${ids}::uuid[]) OFFSET 0) AS key
     ${ofTenant}`);
  const byOrdinal = new Map<number, Set<string>>();
  const existing = new Set<string>();
  for (const { ordinal, id } of rows) {
    if (ordinal === 0) existing.add(id);
    else byOrdinal.set(ordinal, (byOrdinal.get(ordinal) ?? new Set()).add(id));
  }
  for (const [index, reference] of references.entries()) {
    const id = reference.toLowerCase();
    // A key named like another's id must not make that id ambiguous.
    const candidates = existing.has(id) ? [id] : [...(byOrdinal.get(index + 1) ?? [])].slice(0, limit);
    found.set(reference, candidates);
  }
}
