import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { prefixMatch } from '../domain/key-reference.js';
import { isLiveBy } from './key-conditions.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** How many references one statement looks up. */
const BATCH_SIZE = 1_000;

/** Which keys a reference may mean at all. */
export interface ReferenceScope {
  readonly tenant?: TenantScope;
  /** Only keys of this owner; undefined: of anybody. */
  readonly owner?: string | undefined;
}

/** A key that a reference may mean: by its id, by its name, or by the prefix of any of its kept secrets. */
export interface Candidate {
  readonly id: string;
  readonly by: 'id' | 'name' | 'prefix';
  /** Neither revoked nor expired. */
  readonly live: boolean;
}

/**
 * For each reference the keys that it may mean: of a name at most `limit` live ones and `limit` of any kind, of a prefix
 * at most `limit`. A key that is meant by its id and its name is there twice. Thousands of references take a few statements.
 */
export async function findCandidatesOfAll(
  session: Session,
  references: readonly string[],
  scope: ReferenceScope,
  limit: number,
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const found = new Map<string, Candidate[]>(references.map((reference) => [reference, []]));
  for (let from = 0; from < references.length; from += BATCH_SIZE) {
    const batch = references.slice(from, from + BATCH_SIZE);
    for (const { ordinal, ...candidate } of await findSome(session, batch, scope, limit)) {
      found.get(batch[ordinal - 1] ?? '')?.push(candidate);
    }
  }
  return found;
}

/** {@link findCandidatesOfAll} for one. */
export async function findCandidates(
  session: Session,
  reference: string,
  scope: ReferenceScope,
  limit: number,
): Promise<readonly Candidate[]> {
  return (await findCandidatesOfAll(session, [reference], scope, limit)).get(reference) ?? [];
}

type FoundCandidate = Candidate & { readonly ordinal: number };

function findSome(
  session: Session,
  references: readonly string[],
  scope: ReferenceScope,
  limit: number,
): Promise<FoundCandidate[]> {
  const inScope = scopeOf(scope);
  const { exact, beginnings } = prefixesOf(references);
  const named = sql`
    SELECT key.id, key.tenant_id, key.owner_id, key.revoked_at, key.expires_at FROM apikeys.keys AS key
     WHERE key.name >= wanted.reference AND key.name <= wanted.reference
     ORDER BY key.name, key.id OFFSET 0`;
  // A range and an order that keys_name_idx alone has, and a fence before the tenant: a name that many keys have would be
  // looked for all over the table, along all ids, or among all keys of the tenant.
  const byName = (condition: RawBuilder<SqlBool>) => sql`
    SELECT wanted.ordinal, key.id, 'name' AS by, ${LIVE} AS live
      FROM unnest(${[...references]}::text[]) WITH ORDINALITY AS wanted (reference, ordinal)
     CROSS JOIN LATERAL (SELECT key.* FROM (${named}) AS key WHERE ${inScope} AND ${condition} LIMIT ${limit}) AS key`;
  const byPrefix = (wanted: RawBuilder<unknown>, condition: RawBuilder<unknown>) => sql`
    SELECT wanted.ordinal, key.id, 'prefix' AS by, ${LIVE} AS live
      FROM ${wanted}
     CROSS JOIN LATERAL (
       SELECT DISTINCT key.id, key.revoked_at, key.expires_at FROM (
         SELECT secret.key_id FROM apikeys.secrets AS secret WHERE ${condition} OFFSET 0) AS secret
         JOIN apikeys.keys AS key ON key.id = secret.key_id
        WHERE ${inScope} LIMIT ${limit}) AS key`;
  const ids = references.flatMap((reference, index) =>
    UUID.test(reference) ? [{ id: reference.toLowerCase(), ordinal: index + 1 }] : [],
  );
  const branches = [
    byName(LIVE),
    byName(sql<SqlBool>`true`),
    byPrefix(
      sql`unnest(${exact.map(({ prefix }) => prefix)}::text[], ${exact.map(({ ordinal }) => ordinal)}::integer[])
            AS wanted (prefix, ordinal)`,
      sql`secret.key_prefix = wanted.prefix`,
    ),
    ...(beginnings.length === 0
      ? []
      : [
          byPrefix(
            sql`unnest(${beginnings.map(({ prefix }) => prefix)}::text[], ${beginnings.map(({ ordinal }) => ordinal)}::integer[])
                  AS wanted (prefix, ordinal)`,
            // Behind every digit that could follow.
            sql`secret.key_prefix >= wanted.prefix AND secret.key_prefix < wanted.prefix || 'g'`,
          ),
        ]),
    ...(ids.length === 0
      ? []
      : [
          sql`
    SELECT wanted.ordinal, key.id, 'id' AS by, ${LIVE} AS live
      FROM unnest(${ids.map(({ id }) => id)}::uuid[], ${ids.map(({ ordinal }) => ordinal)}::integer[]) AS wanted (id, ordinal)
      JOIN apikeys.keys AS key ON key.id = wanted.id WHERE ${inScope}`,
        ]),
  ];
  return session.rows(sql<FoundCandidate>`
    SELECT found.ordinal::integer AS ordinal, found.id, found.by, found.live
      FROM (${sql.join(branches, sql` UNION ALL `)}) AS found`);
}

const LIVE = isLiveBy(sql`statement_timestamp()`);

const scopeOf = ({ tenant, owner }: ReferenceScope) =>
  owner === undefined
    ? tenantIs('key.tenant_id', tenant)
    : sql<SqlBool>`${tenantIs('key.tenant_id', tenant)} AND key.owner_id = ${owner}`;

interface WantedPrefix {
  readonly prefix: string;
  readonly ordinal: number;
}

/** What is looked up as it is, and what as a beginning. */
function prefixesOf(references: readonly string[]): { exact: WantedPrefix[]; beginnings: WantedPrefix[] } {
  const exact: WantedPrefix[] = [];
  const beginnings: WantedPrefix[] = [];
  for (const [index, reference] of references.entries()) {
    const ordinal = index + 1;
    const match = prefixMatch(reference);
    if (match !== undefined && !match.isWhole) beginnings.push({ prefix: match.prefix, ordinal });
    else exact.push({ prefix: match?.prefix ?? reference, ordinal });
  }
  return { exact, beginnings };
}

/** The ids of the keys that have one of these secrets, current or older ones that are kept, by the secret's hash in hex. */
export async function findKeysOfSecrets(
  session: Session,
  hashes: readonly Buffer[],
  scope: ReferenceScope,
): Promise<ReadonlyMap<string, string>> {
  if (hashes.length === 0) return new Map();
  const rows = await session.rows(sql<{ hash: Buffer; id: string }>`
    SELECT secret.hash, key.id
      FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
     WHERE secret.hash = ANY (${[...hashes]}::bytea[]) AND ${scopeOf(scope)}`);
  return new Map(rows.map(({ hash, id }) => [hash.toString('hex'), id]));
}
