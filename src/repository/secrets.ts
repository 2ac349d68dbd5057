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
  /** True once its own end has passed. */
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
        sql<boolean>`COALESCE(valid_until <= statement_timestamp(), false)`.as('retired'),
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
