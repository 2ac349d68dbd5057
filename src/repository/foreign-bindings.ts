import { sql } from 'kysely';
import type { Session } from '../db/engine.js';

/** Something of the schema that cannot work without something that is neither PostgreSQL's nor the schema's. */
export interface ForeignBinding {
  /** Such as `table constraint keys_scopes_ok on apikeys.keys`. */
  readonly object: string;
  /** Such as `function public.cardinality(text[])`. Whoever owns it decides what happens at each change. */
  readonly foreign: string;
}

/**
 * What constraints, defaults, indexes, rules, triggers and policies of the schema's tables are bound to outside of
 * `pg_catalog` and `apikeys`. The triggers by which PostgreSQL keeps a foreign key of somebody else's table are no work
 * of that table's owner.
 */
export function findForeignBindings(session: Session): Promise<ForeignBinding[]> {
  return session.rows(sql<ForeignBinding>`
    WITH relation AS (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('apikeys')),
    part (classid, objid) AS (
      SELECT 'pg_class'::regclass, oid FROM relation
      UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relation)
      UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM relation)
      UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM relation)
      UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy WHERE polrelid IN (SELECT oid FROM relation)
      UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger
                 WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal)
    SELECT DISTINCT concat(ours.type, ' ', ours.identity) AS object, concat(theirs.type, ' ', theirs.identity) AS "foreign"
      FROM part JOIN pg_depend AS link USING (classid, objid),
           pg_identify_object(link.classid, link.objid, link.objsubid) AS ours,
           pg_identify_object(link.refclassid, link.refobjid, link.refobjsubid) AS theirs
     WHERE theirs.schema NOT IN ('pg_catalog', 'apikeys')
     ORDER BY 1, 2`);
}
