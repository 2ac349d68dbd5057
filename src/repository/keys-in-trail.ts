import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { prefixMatch } from '../domain/key-reference.js';
import type { ReferenceScope } from './key-references.js';
import { tenantIs } from './tenant-condition.js';

/** A key as its events tell of it. */
export interface KeyInTrail {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly keyPrefix: string;
  /** Null once that event was pruned. */
  readonly createdAt: Date | null;
  readonly isDeleted: boolean;
}

/**
 * The keys that had a secret that began so, or this name when they were made or deleted, though nothing else is kept of it;
 * at most `limit`, the latest first. The trail has no index of names and prefixes, so that this reads all of it.
 */
export async function findKeysInTrail(
  session: Session,
  reference: string,
  { tenant, owner }: ReferenceScope,
  limit: number,
): Promise<KeyInTrail[]> {
  const match = prefixMatch(reference);
  const prefix = match?.prefix ?? reference;
  const keyPrefix = sql`(told.details::json ->> 'key_prefix')`;
  const isPrefix =
    match?.isWhole === false ? sql`starts_with(${keyPrefix}, ${prefix})` : sql`${keyPrefix} = ${prefix}`;
  // What most events do not hold is sooner looked for in their text than in what the text is the JSON of.
  const holds = (text: string) => sql`strpos(told.details, ${text}) > 0`;
  return session.rows(sql<KeyInTrail>`
    SELECT told.id, told.tenant_id AS "tenantId", told.owner_id AS "ownerId", told.key_prefix AS "keyPrefix",
           COALESCE((SELECT event.details::json ->> 'name' FROM apikeys.audit_events AS event
                      WHERE event.key_id = told.id AND event.action IN ('key.created', 'key.deleted')
                      ORDER BY event.seq DESC LIMIT 1), '') AS name,
           (SELECT event.at FROM apikeys.audit_events AS event WHERE event.key_id = told.id AND event.seq = 1) AS "createdAt",
           EXISTS (SELECT FROM apikeys.audit_events AS event
                    WHERE event.key_id = told.id AND event.action = 'key.deleted') AS "isDeleted"
      FROM (SELECT DISTINCT ON (told.key_id) told.key_id AS id, told.tenant_id, told.owner_id, told.at, ${keyPrefix} AS key_prefix
              FROM apikeys.audit_events AS told
             WHERE told.action IN ('key.created', 'key.rotated', 'key.deleted') AND ${tenantIs('told.tenant_id', tenant)}
               AND ${owner === undefined ? sql`true` : sql`told.owner_id = ${owner}`}
               AND ((${holds(`"key_prefix":${JSON.stringify(prefix).slice(0, -1)}`)} AND ${isPrefix})
                    OR (${holds(`"name":${JSON.stringify(reference)}`)} AND told.details::json ->> 'name' = ${reference}))
             ORDER BY told.key_id, told.seq DESC) AS told
     ORDER BY told.at DESC, told.id DESC LIMIT ${limit}`);
}
