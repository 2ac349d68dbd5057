import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';

/** A kept secret of a key, as far as it may be shown. */
export interface SecretRecord {
  readonly version: number;
  readonly keyPrefix: string;
  readonly createdAt: Date;
  /** Null for the newest one: it ends with its key. */
  readonly validUntil: Date | null;
  /** True once its own end has passed, or a command has ended it. */
  readonly retired: boolean;
}

/** Newest first. */
export async function findSecrets(session: Session, keyId: string): Promise<SecretRecord[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.secrets')
      .select([
        'version',
        'key_prefix',
        'created_at',
        'valid_until',
        sql<boolean>`ended OR COALESCE(valid_until <= statement_timestamp(), false)`.as('retired'),
      ])
      .where('key_id', '=', keyId)
      .orderBy('version', 'desc'),
  );
  return rows.map((row) => ({
    version: row.version,
    keyPrefix: row.key_prefix,
    createdAt: row.created_at,
    validUntil: row.valid_until,
    retired: row.retired,
  }));
}

/** An older secret and when it ends. */
export interface OlderSecret {
  readonly version: number;
  readonly keyPrefix: string;
  readonly validUntil: Date;
}

/** Both newest first. */
export interface EndedSecrets {
  /** All whose row is another now. */
  readonly changed: readonly OlderSecret[];
  /** Those of them that were valid. */
  readonly previous: readonly OlderSecret[];
}

/**
 * Ends every secret of the key that has not ended at `now` at `end`, or earlier where it would have; with
 * `olderOnly` the newest stays as it is. What ends by `now` has ended for good, whatever the clock says later, and so has
 * every older secret whose end had passed: those are marked, and not among `previous`.
 */
export async function endSecrets(
  session: Session,
  keyId: string,
  { now, end, olderOnly = false }: { now: Date; end: Date; olderOnly?: boolean },
): Promise<EndedSecrets> {
  const forGood = end <= now;
  const rows = await session.rows(
    build
      .updateTable('apikeys.secrets')
      .set({
        valid_until: sql<Date>`LEAST(valid_until, ${end}::timestamptz)`,
        ...(forGood && { ended: true }),
      })
      .where('key_id', '=', keyId)
      .where('ended', '=', false)
      .$if(olderOnly, (query) => query.where('valid_until', 'is not', null))
      .$if(!forGood, (query) =>
        query.where((where) => where.or([where('valid_until', 'is', null), where('valid_until', '>', now)])),
      )
      .returning(['version', 'key_prefix', 'valid_until']),
  );
  const changed = rows
    .map((row) => ({ version: row.version, keyPrefix: row.key_prefix, validUntil: row.valid_until ?? end }))
    .sort((a, b) => b.version - a.version);
  // What ends for good ends at `end`, unless it had ended before.
  return { changed, previous: forGood ? changed.filter(({ validUntil }) => validUntil >= end) : changed };
}

export interface NewSecret {
  readonly hash: Buffer;
  readonly keyId: string;
  readonly version: number;
  readonly keyPrefix: string;
  readonly createdAt: Date;
}
