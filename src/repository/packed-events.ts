import { sql } from 'kysely';
import type { AuditEvent } from '../domain/audit.js';

/**
 * Events as rows `event (key_id, id, prev_hash, hash, details)` of a statement: those that one change at one moment leaves
 * on many keys, packed into five parameters whatever their number. The key's row has the rest. Details go as elements of a
 * JSON array, of which `json` keeps every byte: each comes out as it was hashed.
 */
export const packedEvents = (events: readonly AuditEvent[]) => sql`(
  SELECT key_id, id, details, substr(${packed(events.map(({ prevHash }) => prevHash ?? Buffer.alloc(32)))}::bytea, at, 32) AS prev_hash,
         substr(${packed(events.map(({ hash }) => hash))}::bytea, at, 32) AS hash
    FROM (SELECT key_id, id, details::text AS details, (32 * nth - 31)::integer AS at
            FROM ROWS FROM (unnest(${uuids(events.map(({ keyId }) => keyId ?? ''))}::uuid[]),
                            unnest(${uuids(events.map(({ id }) => id))}::uuid[]),
                            json_array_elements(${`[${events.map(({ details }) => details).join()}]`}::json))
                 WITH ORDINALITY AS row (key_id, id, details, nth)) AS row) AS event`;

const packed = (hashes: readonly Buffer[]): Buffer => Buffer.concat(hashes);

/** An array as the server reads it: the driver looks at each element for what may need quotes. */
export const uuids = (ids: readonly string[]): string => `{${ids.join()}}`;
