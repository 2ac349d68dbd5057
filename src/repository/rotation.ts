import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import type { AuditEvent } from '../domain/audit.js';
import { invariant } from '../errors.js';
import { eventRow, requireRole } from './audit.js';
import { type KeyRow, liveKeys } from './keys.js';
import type { NewSecret } from './secrets.js';

/** What a rotation depends on, read once the key is held. */
export interface RotationFacts {
  readonly now: Date;
  readonly role: string;
  /** The owner's other keys that count against its limit. */
  readonly live: number;
  /** Secrets that would be valid beside the new one. */
  readonly older: number;
  readonly maxKeys: number | null;
  readonly countedAt: Date | null;
}

/** Reads all of it in one statement, by one reading of the clock. `grace` in milliseconds. */
export async function readRotationFacts(
  session: Session,
  key: KeyRow,
  grace: number,
): Promise<RotationFacts> {
  const [facts] = await session.rows(sql<RotationFacts>`
    SELECT date_trunc('milliseconds', clock.now) AS now,
           current_user::text AS role,
           ${liveKeys(key, key.id)} AS live,
           (SELECT count(*) FROM apikeys.secrets
             WHERE key_id = ${key.id} AND NOT ended
               AND LEAST(valid_until, ${key.expiresAt}::timestamptz,
                         date_trunc('milliseconds', clock.now) + ${grace} * interval '1 ms')
                   > date_trunc('milliseconds', clock.now)) AS older,
           owner.max_keys AS "maxKeys", owner.counted_at AS "countedAt"
      FROM (SELECT clock_timestamp() AS now) AS clock, apikeys.owners AS owner
     WHERE owner.tenant_id = ${key.tenantId} AND owner.owner_id = ${key.ownerId}`);
  invariant(facts !== undefined, 'a key has no owner');
  return facts;
}

export interface Rotation {
  readonly secret: NewSecret;
  readonly expiresAt: Date | null;
  readonly lifetimeMs: number | null;
  readonly event: AuditEvent;
}

/** Stores the new secret, the key's new state and the event, in one round trip. The older secrets have ends by now. */
export async function insertRotation(
  session: Session,
  { secret, expiresAt, lifetimeMs, event }: Rotation,
): Promise<void> {
  const rows = await session.rows(
    build
      .with('new_secret', (db) =>
        db.insertInto('apikeys.secrets').values({
          hash: secret.hash,
          key_id: secret.keyId,
          version: secret.version,
          key_prefix: secret.keyPrefix,
          created_at: secret.createdAt,
          valid_until: null,
        }),
      )
      .with('rotated_key', (db) =>
        db
          .updateTable('apikeys.keys')
          .set({
            key_prefix: secret.keyPrefix,
            secret_version: secret.version,
            secret_hash: secret.hash,
            expires_at: expiresAt,
            lifetime_ms: lifetimeMs,
            audit_seq: event.seq,
            audit_hash: event.hash,
          })
          .where('id', '=', secret.keyId),
      )
      .insertInto('apikeys.audit_events')
      .values(eventRow(event))
      .returning('db_role'),
  );
  requireRole(rows, [event]);
}
