import { sql } from 'kysely';
import type { Lane, Session, Statement, TextRow } from '../db/engine.js';

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

export type SecretState = 'VALID' | 'REVOKED' | 'FROZEN' | 'RETIRED' | 'EXPIRED';

/** What the database says of a secret, at one reading of its clock. */
export interface FoundSecret {
  readonly state: SecretState;
  readonly key: VerifiedKey;
  /** True for any but the key's newest secret. */
  readonly isOld: boolean;
  /** When it was asked, by the database's clock: milliseconds since 1970. */
  readonly at: number;
}

/** How many secrets one execution of {@link MANY} looks up. */
const BATCH = 64;

/** Up to so many look-ups cost less one by one, in one round trip, than the machinery of a batch. */
const FEW = 3;

/**
 * The owner's freeze as a scalar look-up: an EXISTS could be planned as a hash of all frozen owners, which is made anew
 * for each statement.
 */
const OWNER_FROZEN = `(
  SELECT true FROM apikeys.owners AS owner
   WHERE owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id AND owner.frozen_at IS NOT NULL
     AND (owner.frozen_until IS NULL OR owner.frozen_until > statement_timestamp()))`;

/**
 * What is final comes first: no one lifts a revocation. Then the kill switch, which an operator pulled on purpose. Then
 * what time did: to this secret, which is the narrower answer, before to its key.
 */
const STATE = `
  CASE WHEN key.revoked_at IS NOT NULL THEN 'REVOKED'
       WHEN key.frozen_at IS NOT NULL AND (key.frozen_until IS NULL OR key.frozen_until > statement_timestamp()) THEN 'FROZEN'
       WHEN ${OWNER_FROZEN} THEN 'FROZEN'
       WHEN secret.valid_until <= statement_timestamp() THEN 'RETIRED'
       WHEN key.expires_at <= statement_timestamp() THEN 'EXPIRED'
       ELSE 'VALID' END`;

/** Times as seconds since 1970: outside a transaction of ours, how a time is written is the role's choice. */
const COLUMNS = `
  ${STATE} AS state, (secret.version < key.secret_version)::text AS is_old,
  key.id, key.tenant_id, key.owner_id, key.name, secret.key_prefix, key.scopes::text AS scopes,
  key.metadata::text AS metadata, date_part('epoch', key.expires_at)::text AS expires,
  date_part('epoch', statement_timestamp())::text AS at`;

const ONE: Statement = {
  name: 'apikeys_verify_one_1',
  text: `
    SELECT ${COLUMNS}
      FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
     WHERE secret.hash = $1`,
};

/** Up to 64 hashes, one after the other. The series has a fixed end: one that depends on the parameter would be planned anew each time. */
const MANY: Statement = {
  name: 'apikeys_verify_many_1',
  text: `
    SELECT ${COLUMNS}, place.n::text AS place
      FROM generate_series(0, ${BATCH - 1}) AS place (n)
      JOIN apikeys.secrets AS secret ON secret.hash = substring($1::bytea FROM place.n * 32 + 1 FOR 32)
      JOIN apikeys.keys AS key ON key.id = secret.key_id
     WHERE place.n < octet_length($1::bytea) / 32`,
};

/**
 * What the database says of each of these SHA-256 hashes, in their order, in one round trip; undefined for one that it
 * does not know. `limit` in milliseconds.
 */
export async function findSecretsByHash(
  lane: Lane,
  hashes: readonly Buffer[],
  limit: number,
): Promise<(FoundSecret | undefined)[]> {
  if (hashes.length <= FEW) {
    const results = await lane.run(ONE, hashes, limit);
    return hashes.map((_, n) => {
      const row = results[n]?.[0];
      return row && toFound(row);
    });
  }
  const packed: Buffer[] = [];
  for (let n = 0; n < hashes.length; n += BATCH) packed.push(Buffer.concat(hashes.slice(n, n + BATCH)));
  const found = new Array<FoundSecret | undefined>(hashes.length);
  for (const [batch, rows] of (await lane.run(MANY, packed, limit)).entries()) {
    for (const row of rows) found[batch * BATCH + Number(row[11])] = toFound(row);
  }
  return found;
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

function toFound(row: TextRow): FoundSecret {
  const [state, isOld, id, tenantId, ownerId, name, keyPrefix, scopes, metadata, expires, at] = row;
  return {
    state: stateOf(state),
    isOld: isOld === 'true',
    // Cut to whole milliseconds, as everywhere; what a float cannot hold exactly is less than half a microsecond.
    at: Math.floor(Number(at) * 1000 + 0.0005),
    key: {
      id: id ?? '',
      tenantId: tenantId ?? '',
      ownerId: ownerId ?? '',
      name: name ?? '',
      keyPrefix: keyPrefix ?? '',
      scopes: scopesOf(scopes ?? '{}'),
      metadata: metadata === '{}' ? NO_METADATA : metadataOf(metadata ?? '{}'),
      expiresAt: expires == null ? null : new Date(Math.round(Number(expires) * 1000)),
    },
  };
}

/** Whatever this version does not know is not valid. */
function stateOf(text: string | null | undefined): SecretState {
  switch (text) {
    case 'VALID':
    case 'REVOKED':
    case 'FROZEN':
    case 'RETIRED':
    case 'EXPIRED':
      return text;
    default:
      throw new TypeError('the look-up of a secret gave no state');
  }
}

/** An array as PostgreSQL writes it. Scopes of ours need no quotes, except one that reads like NULL. */
function scopesOf(text: string): string[] {
  if (text === '{}') return [];
  const inner = text.slice(1, -1);
  if (!inner.includes('"')) return inner.split(',');
  return Array.from(inner.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1'),
  );
}

function metadataOf(text: string): Readonly<Record<string, string>> {
  const metadata: unknown = JSON.parse(text);
  return isRecord(metadata) ? metadata : NO_METADATA;
}

/** The schema holds an object; its values are text by every way into the table that we have. */
const isRecord = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null;

/** All that the state of a secret depends on. */
export interface SecretFacts {
  readonly now: Date;
  readonly keyId: string;
  readonly tenantId: string;
  readonly version: number;
  readonly newestVersion: number;
  readonly scopes: readonly string[];
  readonly revokedAt: Date | null;
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly ownerFrozenAt: Date | null;
  readonly ownerFrozenUntil: Date | null;
  /** When the secret itself ends; null for the newest. */
  readonly validUntil: Date | null;
  readonly expiresAt: Date | null;
}

/** The facts behind the state of one secret, for a person to look at. */
export async function findSecretFacts(session: Session, hash: Buffer): Promise<SecretFacts | undefined> {
  const [facts] = await session.rows(sql<SecretFacts>`
    SELECT statement_timestamp() AS now, key.id AS "keyId", key.tenant_id AS "tenantId", secret.version,
           key.secret_version AS "newestVersion", key.scopes,
           key.revoked_at AS "revokedAt", key.frozen_at AS "frozenAt", key.frozen_until AS "frozenUntil",
           owner.frozen_at AS "ownerFrozenAt", owner.frozen_until AS "ownerFrozenUntil",
           secret.valid_until AS "validUntil", key.expires_at AS "expiresAt"
      FROM apikeys.secrets AS secret
      JOIN apikeys.keys AS key ON key.id = secret.key_id
      JOIN apikeys.owners AS owner ON owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id
     WHERE secret.hash = ${hash}`);
  return facts;
}
