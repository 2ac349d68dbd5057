import { type RunSql, texts } from '../helpers/run-sql.js';

/** Joins, as `a`, where the pruned chain of these columns begins. */
const anchorOf = (chain: string, keyId: string): string =>
  `LEFT JOIN apikeys.audit_anchors a ON a.tenant_id = ${chain}.tenant_id AND a.owner_id = ${chain}.owner_id
                                    AND a.key_id IS NOT DISTINCT FROM ${keyId}`;

/** Each gives a line for everything that a half-made change would leave behind. */
const FAULTS = [
  `SELECT 'key without its newest secret: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.secrets s
                       WHERE s.key_id = k.id AND s.version = k.secret_version AND s.valid_until IS NULL
                         AND s.hash = k.secret_hash AND s.key_prefix = k.key_prefix)`,
  `SELECT 'key without activity: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.key_activity a WHERE a.key_id = k.id)`,
  `SELECT 'activity without key: ' || a.key_id FROM apikeys.key_activity a
    WHERE NOT EXISTS (SELECT FROM apikeys.keys k WHERE k.id = a.key_id)`,
  `SELECT 'key whose head is no event: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.audit_events e
                       WHERE e.key_id = k.id AND e.seq = k.audit_seq AND e.hash = k.audit_hash)
      AND NOT EXISTS (SELECT FROM apikeys.audit_anchors a
                       WHERE a.key_id = k.id AND a.seq = k.audit_seq AND a.hash = k.audit_hash)`,
  `SELECT 'key with ' || count(e.id) || ' of ' || k.audit_seq - COALESCE(a.seq, 0) || ' events: ' || k.id
     FROM apikeys.keys k LEFT JOIN apikeys.audit_events e ON e.key_id = k.id ${anchorOf('k', 'k.id')}
    GROUP BY k.id, a.seq HAVING count(e.id) <> k.audit_seq - COALESCE(a.seq, 0)`,
  `SELECT 'event without key: ' || e.id FROM apikeys.audit_events e
    WHERE e.key_id IS NOT NULL AND NOT EXISTS (SELECT FROM apikeys.keys k WHERE k.id = e.key_id)`,
  `SELECT 'broken chain at ' || e.id
     FROM (SELECT id, tenant_id, owner_id, key_id, prev_hash, lag(hash) OVER chain AS before
             FROM apikeys.audit_events WINDOW chain AS (PARTITION BY tenant_id, owner_id, key_id ORDER BY seq)) e
     ${anchorOf('e', 'e.key_id')}
    WHERE e.prev_hash IS DISTINCT FROM COALESCE(e.before, a.hash)`,
  `SELECT 'key revoked without event, or the reverse: ' || k.id FROM apikeys.keys k ${anchorOf('k', 'k.id')}
    WHERE (k.revoked_at IS NOT NULL) <> EXISTS (SELECT FROM apikeys.audit_events e
                                                 WHERE e.key_id = k.id AND e.action = 'key.revoked')
      AND (k.revoked_at IS NULL OR a.seq IS NULL)`,
  `SELECT 'key without the event of its making: ' || k.id FROM apikeys.keys k ${anchorOf('k', 'k.id')}
    WHERE (SELECT count(*) FROM apikeys.audit_events e WHERE e.key_id = k.id AND e.action = 'key.created')
          <> CASE WHEN a.seq IS NULL THEN 1 ELSE 0 END`,
  `SELECT 'owner whose head is no event: ' || o.owner_id FROM apikeys.owners o ${anchorOf('o', 'NULL')}
    WHERE o.audit_seq - COALESCE(a.seq, 0) <> (
            SELECT count(*) FROM apikeys.audit_events e
             WHERE e.tenant_id = o.tenant_id AND e.owner_id = o.owner_id AND e.key_id IS NULL)`,
  `SELECT 'owner without the event of its first key: ' || o.owner_id FROM apikeys.owners o ${anchorOf('o', 'NULL')}
    WHERE (o.tenant_id, o.owner_id) <> ('', '')
      AND (SELECT count(*) FROM apikeys.audit_events e
            WHERE e.tenant_id = o.tenant_id AND e.owner_id = o.owner_id AND e.action = 'owner.first_key')
          <> CASE WHEN a.seq IS NULL THEN 1 ELSE 0 END`,
  `SELECT 'event that its anchor says was pruned: ' || e.id
     FROM apikeys.audit_events e ${anchorOf('e', 'e.key_id')} WHERE e.seq <= a.seq`,
  `SELECT 'anchor without the event of its pruning: ' || a.owner_id || ' ' || COALESCE(a.key_id::text, '')
     FROM apikeys.audit_anchors a
    WHERE NOT EXISTS (SELECT FROM apikeys.audit_events e
                       WHERE e.tenant_id = a.tenant_id AND e.owner_id = a.owner_id AND e.key_id IS NULL
                         AND e.seq = a.owner_seq AND e.action = 'audit.pruned')
      AND NOT EXISTS (SELECT FROM apikeys.audit_anchors o
                       WHERE o.tenant_id = a.tenant_id AND o.owner_id = a.owner_id AND o.key_id IS NULL
                         AND a.key_id IS NOT NULL AND o.seq >= a.owner_seq)`,
];

/**
 * What is half-done in the database, in words; nothing if all is well, old events pruned or not. Not for one from which
 * keys were cleaned up.
 */
export async function faultsIn(run: RunSql): Promise<string[]> {
  const found: string[] = [];
  for (const query of FAULTS) found.push(...(await texts(run, query)));
  return found;
}
