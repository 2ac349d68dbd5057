import { type RunSql, texts } from '../helpers/run-sql.js';

/** Each gives a line for everything that a half-made change would leave behind. */
const FAULTS = [
  `SELECT 'key without its newest secret: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.secrets s
                       WHERE s.key_id = k.id AND s.version = k.secret_version AND s.valid_until IS NULL)`,
  `SELECT 'key without activity: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.key_activity a WHERE a.key_id = k.id)`,
  `SELECT 'activity without key: ' || a.key_id FROM apikeys.key_activity a
    WHERE NOT EXISTS (SELECT FROM apikeys.keys k WHERE k.id = a.key_id)`,
  `SELECT 'key whose head is no event: ' || k.id FROM apikeys.keys k
    WHERE NOT EXISTS (SELECT FROM apikeys.audit_events e
                       WHERE e.key_id = k.id AND e.seq = k.audit_seq AND e.hash = k.audit_hash)`,
  `SELECT 'key with ' || count(e.id) || ' of ' || k.audit_seq || ' events: ' || k.id
     FROM apikeys.keys k LEFT JOIN apikeys.audit_events e ON e.key_id = k.id
    GROUP BY k.id HAVING count(e.id) <> k.audit_seq`,
  `SELECT 'event without key: ' || e.id FROM apikeys.audit_events e
    WHERE e.key_id IS NOT NULL AND NOT EXISTS (SELECT FROM apikeys.keys k WHERE k.id = e.key_id)`,
  `SELECT 'broken chain at ' || e.id
     FROM (SELECT id, prev_hash, lag(hash) OVER chain AS before
             FROM apikeys.audit_events WINDOW chain AS (PARTITION BY tenant_id, owner_id, key_id ORDER BY seq)) e
    WHERE e.prev_hash IS DISTINCT FROM e.before`,
  `SELECT 'key revoked without event, or the reverse: ' || k.id FROM apikeys.keys k
    WHERE (k.revoked_at IS NOT NULL) <> EXISTS (SELECT FROM apikeys.audit_events e
                                                 WHERE e.key_id = k.id AND e.action = 'key.revoked')`,
  `SELECT 'key without the event of its making: ' || k.id FROM apikeys.keys k
    WHERE (SELECT count(*) FROM apikeys.audit_events e WHERE e.key_id = k.id AND e.action = 'key.created') <> 1`,
  `SELECT 'owner whose head is no event: ' || o.owner_id FROM apikeys.owners o
    WHERE o.audit_seq <> (SELECT count(*) FROM apikeys.audit_events e
                           WHERE e.tenant_id = o.tenant_id AND e.owner_id = o.owner_id AND e.key_id IS NULL)`,
  `SELECT 'owner without the event of its first key: ' || o.owner_id FROM apikeys.owners o
    WHERE (SELECT count(*) FROM apikeys.audit_events e
            WHERE e.tenant_id = o.tenant_id AND e.owner_id = o.owner_id AND e.action = 'owner.first_key') <> 1`,
];

/** What is half-done in the database, in words; nothing if all is well. Not for one from which keys were cleaned up. */
export async function faultsIn(run: RunSql): Promise<string[]> {
  const found: string[] = [];
  for (const query of FAULTS) found.push(...(await texts(run, query)));
  return found;
}
