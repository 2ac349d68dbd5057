import { sql } from 'kysely';
import type { Pipeline, Session, Statement } from '../db/engine.js';
import type { RowOf } from '../db/pipeline/binary-decoders.js';
import { isFrozenAt } from '../domain/key.js';
import { type KnownSecret, verifyCodeOf } from '../domain/verification.js';
import { BugError } from '../errors.js';

/** The key that a secret belongs to, as far as an application needs it to serve a request. */
export interface VerifiedKey {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly name: string;
  /** Of the secret that was presented, such as `rv_1a2b3c4d`. */
  readonly keyPrefix: string;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: never. */
  readonly expiresAt: Date | null;
}

/** What the database says of a secret, at one reading of its clock. */
export interface FoundSecret extends KnownSecret {
  readonly key: VerifiedKey;
  /** True for any but the key's newest secret. */
  readonly isOld: boolean;
  /** The key or its owner has limits, which have to be asked. */
  readonly limited: boolean;
}

/** How many secrets one execution of a statement for many looks up. */
const BATCH = 64;

/** Up to so many look-ups cost less one by one, in one round trip, than the machinery of a batch. */
const FEW = 3;

/**
 * The look-ups stand by themselves: no transaction says where the session looks names up, and a stranger may keep an
 * operator, a function or a type of the same name there. So each of them is named with its schema. Operators written so
 * are all of one precedence.
 */
const builtIn = (operator: string): string => `OPERATOR(pg_catalog.${operator})`;
const EQUALS = builtIn('=');
const LESS = builtIn('<');
const GREATER = builtIn('>');
const PLUS = builtIn('+');
const TIMES = builtIn('*');
const DIVIDED_BY = builtIn('/');
const NOW = 'pg_catalog.statement_timestamp()';

/**
 * The freeze of the key's owner as a scalar look-up, by the index of the few that are frozen: an EXISTS could be planned
 * as a hash of all of them, which is made anew for each statement.
 */
const OWNER_FREEZE = `
  SELECT true FROM apikeys.owners AS owner
   WHERE owner.tenant_id ${EQUALS} key.tenant_id AND owner.owner_id ${EQUALS} key.owner_id
     AND owner.frozen_at IS NOT NULL`;

const COLUMNS = [
  ...(['uuid', 'text', 'text', 'text', 'text', 'text[]', 'jsonb', 'timestamptz', 'timestamptz'] as const),
  ...(['timestamptz', 'timestamptz', 'timestamptz', 'boolean', 'timestamptz', 'boolean', 'boolean'] as const),
] as const;

/** Finds secrets one by one, or many that are packed in one parameter; the place among those is the last column then. */
interface LookUp {
  readonly one: Statement<typeof COLUMNS>;
  readonly many: Statement<readonly [...typeof COLUMNS, 'integer']>;
}

interface LookUpParts {
  readonly from: string;
  readonly hash: string;
  readonly where: string;
  /** The columns that differ. */
  readonly columns: Readonly<Record<'keyPrefix' | 'ownerFrozen' | 'validUntil' | 'isOld', string>>;
}

function lookUp(name: string, { from, hash, where, columns }: LookUpParts): LookUp {
  const { keyPrefix, ownerFrozen, validUntil, isOld } = columns;
  const facts = `
    key.id, key.tenant_id, key.owner_id, key.name, ${keyPrefix}, key.scopes, key.metadata, key.expires_at,
    ${NOW} AS now, key.revoked_at, key.frozen_at, key.frozen_until,
    ${ownerFrozen} AS owner_frozen, ${validUntil} AS valid_until, ${isOld} AS is_old, key.limited`;
  return {
    one: {
      name: `apikeys_${name}_one_4`,
      text: `SELECT ${facts} FROM ${from} WHERE ${hash} ${EQUALS} $1::pg_catalog.bytea AND ${where}`,
      columns: COLUMNS,
    },
    many: {
      name: `apikeys_${name}_many_4`,
      // A series with an end that depends on the parameter would be planned anew each time.
      text: `
        SELECT ${facts}, place.n FROM pg_catalog.generate_series(0, ${BATCH - 1}) AS place (n), ${from}
         WHERE ${hash} ${EQUALS} pg_catalog.substring($1::pg_catalog.bytea, (place.n ${TIMES} 32) ${PLUS} 1, 32)
           AND place.n ${LESS} (pg_catalog.octet_length($1::pg_catalog.bytea) ${DIVIDED_BY} 32) AND ${where}`,
      columns: [...COLUMNS, 'integer'],
    },
  };
}

/** What nearly every request presents is found in one table: the newest secret of a key, unless its owner was frozen. */
const NEWEST = lookUp('newest', {
  from: 'apikeys.keys AS key',
  hash: 'key.secret_hash',
  where: `(${OWNER_FREEZE}) IS NULL`,
  columns: {
    keyPrefix: 'key.key_prefix',
    ownerFrozen: 'NULL::boolean',
    validUntil: 'NULL::pg_catalog.timestamptz',
    isOld: 'NULL::boolean',
  },
});

/** Every secret, and everything that may have stopped it. */
const KEPT = lookUp('kept', {
  from: `apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id ${EQUALS} secret.key_id`,
  hash: 'secret.hash',
  where: 'true',
  columns: {
    keyPrefix: 'secret.key_prefix',
    ownerFrozen: `(${OWNER_FREEZE} AND (owner.frozen_until IS NULL OR owner.frozen_until ${GREATER} ${NOW}))`,
    // What a command ended is dead at every reading of the clock.
    validUntil: `CASE WHEN secret.ended THEN '-infinity'::pg_catalog.timestamptz ELSE secret.valid_until END`,
    isOld: `secret.version ${LESS} key.secret_version`,
  },
});

/**
 * What the database says of each of these SHA-256 hashes, in their order; undefined for one that it does not know.
 * One round trip answers for those that are valid, which are nearly all. Whatever is refused, known or not, takes a second
 * one, which looks among all secrets, as of then: so the time of an answer does not tell a revoked key from one that never
 * was. Each waits at most `limit` milliseconds.
 */
export async function findSecretsByHash(
  pipeline: Pipeline,
  hashes: readonly Buffer[],
  limit: number,
): Promise<(FoundSecret | undefined)[]> {
  const newest = (await find(pipeline, NEWEST, hashes, limit)).map((found) =>
    isUsable(found) ? found : undefined,
  );
  const others = hashes.filter((_, n) => newest[n] === undefined);
  if (others.length === 0) return newest;
  const kept = (await find(pipeline, KEPT, others, limit)).values();
  return newest.map((found) => found ?? kept.next().value);
}

const isUsable = (found: FoundSecret | undefined): boolean =>
  found !== undefined && verifyCodeOf(found) === 'VALID';

async function find(
  pipeline: Pipeline,
  { one, many }: LookUp,
  hashes: readonly Buffer[],
  limit: number,
): Promise<(FoundSecret | undefined)[]> {
  if (hashes.length <= FEW) {
    const results = await pipeline.run(one, hashes, limit);
    return results.map(([row]) => row && toFound(row));
  }
  const packed: Buffer[] = [];
  for (let n = 0; n < hashes.length; n += BATCH) packed.push(Buffer.concat(hashes.slice(n, n + BATCH)));
  const found = new Array<FoundSecret | undefined>(hashes.length).fill(undefined);
  for (const [batch, rows] of (await pipeline.run(many, packed, limit)).entries()) {
    for (const row of rows) found[batch * BATCH + (row[COLUMNS.length] ?? 0)] = toFound(row);
  }
  return found;
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

function toFound(row: readonly [...RowOf<typeof COLUMNS>, ...unknown[]]): FoundSecret {
  const [id, tenantId, ownerId, name, keyPrefix, scopes, metadata, expiresAt, now] = row;
  if (
    id === null ||
    tenantId === null ||
    ownerId === null ||
    name === null ||
    keyPrefix === null ||
    now === null
  )
    throw new BugError('the look-up of a secret gave no key');
  return {
    key: {
      id,
      tenantId,
      ownerId,
      name,
      keyPrefix,
      scopes: scopes ?? [],
      metadata: isRecord(metadata) ? metadata : NO_METADATA,
      expiresAt,
    },
    now,
    revokedAt: row[9],
    frozen: row[12] === true || isFrozenAt({ frozenAt: row[10], frozenUntil: row[11] }, now),
    validUntil: row[13],
    isOld: row[14] === true,
    limited: row[15] !== false,
  };
}

/** The schema holds an object; its values are text by every way into the table that we have. */
const isRecord = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null;

/** A secret for a person to look at: what stopped it, beside whether it is stopped. */
export interface SecretFacts extends FoundSecret {
  readonly version: number;
  readonly newestVersion: number;
  /** Whose freeze stops the secret; null: nobody's. */
  readonly frozenBy: 'key' | 'owner' | null;
  /** When that freeze ends; null: once it is lifted. */
  readonly frozenUntil: Date | null;
  /** The end that is stored with the secret, also where a command has ended it; null for the newest. */
  readonly endsAt: Date | null;
}

interface FactsRow extends Omit<VerifiedKey, 'id'> {
  readonly now: Date;
  readonly keyId: string;
  readonly version: number;
  readonly newestVersion: number;
  readonly revokedAt: Date | null;
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly ownerFrozenAt: Date | null;
  readonly ownerFrozenUntil: Date | null;
  readonly endsAt: Date | null;
  /** True once a command has ended it. */
  readonly ended: boolean;
  readonly limited: boolean;
}

/** The facts behind the answer for one secret, in one read. */
export async function findSecretFacts(session: Session, hash: Buffer): Promise<SecretFacts | undefined> {
  const [row] = await session.rows(sql<FactsRow>`
    SELECT statement_timestamp() AS now, key.id AS "keyId", key.tenant_id AS "tenantId", key.owner_id AS "ownerId",
           key.name, secret.key_prefix AS "keyPrefix", key.scopes, key.metadata, key.expires_at AS "expiresAt",
           secret.version, key.secret_version AS "newestVersion",
           key.revoked_at AS "revokedAt", key.frozen_at AS "frozenAt", key.frozen_until AS "frozenUntil",
           owner.frozen_at AS "ownerFrozenAt", owner.frozen_until AS "ownerFrozenUntil",
           secret.valid_until AS "endsAt", secret.ended, key.limited
      FROM apikeys.secrets AS secret
      JOIN apikeys.keys AS key ON key.id = secret.key_id
      JOIN apikeys.owners AS owner ON owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id
     WHERE secret.hash = ${hash}`);
  return row && toFacts(row);
}

function toFacts(row: FactsRow): SecretFacts {
  const { now, keyId, tenantId, ownerId, name, keyPrefix, scopes, metadata, expiresAt } = row;
  const { version, newestVersion, revokedAt, endsAt } = row;
  const byKey = isFrozenAt(row, now);
  const byOwner = isFrozenAt({ frozenAt: row.ownerFrozenAt, frozenUntil: row.ownerFrozenUntil }, now);
  return {
    key: { id: keyId, tenantId, ownerId, name, keyPrefix, scopes, metadata, expiresAt },
    now,
    revokedAt,
    frozen: byKey || byOwner,
    frozenBy: byKey ? 'key' : byOwner ? 'owner' : null,
    frozenUntil: byKey ? row.frozenUntil : byOwner ? row.ownerFrozenUntil : null,
    // What a command ended is dead at every reading of the clock.
    validUntil: row.ended ? now : endsAt,
    endsAt,
    version,
    newestVersion,
    isOld: version < newestVersion,
    limited: row.limited,
  };
}
