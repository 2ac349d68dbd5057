import { type Expression, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { PRIVILEGES, type Profile } from '../domain/profiles.js';
import { invariant } from '../errors.js';

/** What no GRANT or REVOKE of ours can change about a role. */
export interface RoleFacts {
  /** No privilege binds it. */
  readonly isSuperuser: boolean;
  /** It owns the schema or a table of it, or may act as a role that does: no privilege on them binds it. */
  readonly mayActAsOwner: boolean;
  /** It may make itself a member of any role but a superuser: so before PostgreSQL 16. */
  readonly mayJoinAnyRole: boolean;
  /** It may write files of the server, or run programs there, and so do everything. */
  readonly mayWriteServerFiles: boolean;
}

/** The roles that `role` is a member of, itself included: without inheritance it may still act as them by SET ROLE. */
const reachedBy = (role: Expression<unknown>): Expression<unknown> => sql`
  SELECT reached.oid, reached.rolname, reached.rolsuper, reached.rolcreaterole
    FROM pg_catalog.pg_roles AS reached WHERE pg_catalog.pg_has_role(${role}, reached.oid, 'MEMBER')`;

const inUse = sql`current_user::name`;
const named = (role: string | undefined): Expression<unknown> =>
  role === undefined ? inUse : sql`${role}::name`;

/** Of a role that exists; without `role`, of the one in use. */
export async function readRoleFacts(session: Session, role?: string): Promise<RoleFacts> {
  const [facts] = await session.rows(sql<RoleFacts>`
    WITH reached AS (${reachedBy(named(role))})
    SELECT bool_or(rolsuper) AS "isSuperuser",
           bool_or(oid IN (
             SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = 'apikeys'
              UNION ALL
             SELECT relowner FROM pg_catalog.pg_class WHERE relnamespace = 'apikeys'::regnamespace)) AS "mayActAsOwner",
           bool_or(rolcreaterole) AND current_setting('server_version_num')::integer < 160000 AS "mayJoinAnyRole",
           bool_or(rolname IN ('pg_write_server_files', 'pg_execute_server_program')) AS "mayWriteServerFiles"
      FROM reached`);
  invariant(facts !== undefined, 'the role gave no row');
  return facts;
}

/** A privilege that a role has: `UPDATE on audit_events`, or on columns of it. */
interface HeldPrivilege {
  readonly table: string;
  readonly kind: string;
  readonly whole: boolean;
  /** Every column that it covers, where a column can be covered. */
  readonly columns: readonly string[];
}

/** What the role has on the tables of the schema, by itself, by PUBLIC or by any role that it may act as. */
async function privilegesHeld(session: Session, role: string | undefined): Promise<readonly HeldPrivilege[]> {
  return session.rows(sql<HeldPrivilege>`
    WITH reached AS (${reachedBy(named(role))}),
         kinds (kind, of_columns) AS (VALUES ('SELECT', true), ('INSERT', true), ('UPDATE', true), ('REFERENCES', true),
                                             ('DELETE', false), ('TRUNCATE', false), ('TRIGGER', false)),
         held AS (
           SELECT relation.relname::text AS "table", kinds.kind,
                  EXISTS (SELECT FROM reached
                           WHERE pg_catalog.has_table_privilege(reached.oid, relation.oid, kinds.kind)) AS whole,
                  ARRAY(SELECT field.attname::text FROM pg_catalog.pg_attribute AS field
                         WHERE field.attrelid = relation.oid AND field.attnum > 0 AND NOT field.attisdropped
                           AND kinds.of_columns
                           AND EXISTS (SELECT FROM reached WHERE pg_catalog.has_column_privilege(
                                         reached.oid, relation.oid, field.attnum,
                                         CASE WHEN kinds.of_columns THEN kinds.kind ELSE 'SELECT' END))) AS columns
             FROM pg_catalog.pg_class AS relation CROSS JOIN kinds
            WHERE relation.relnamespace = 'apikeys'::regnamespace AND relation.relkind IN ('r', 'p', 'v', 'm'))
    SELECT * FROM held WHERE whole OR cardinality(columns) > 0 ORDER BY "table", kind`);
}

/** What the role may do on the schema beyond the profile, in words: `UPDATE on audit_events`. */
export async function privilegesBeyond(session: Session, profile: Profile, role: string): Promise<string[]> {
  const beyond: string[] = [];
  for (const { table, kind, whole, columns } of await privilegesHeld(session, role)) {
    const allowed = PRIVILEGES[profile].filter(
      (privilege) => privilege.table === table && privilege.kind === kind,
    );
    if (allowed.some((privilege) => privilege.columns === undefined)) continue;
    const named = new Set(allowed.flatMap((privilege) => privilege.columns ?? []));
    const more = columns.filter((column) => !named.has(column));
    if (whole) beyond.push(`${kind} on ${table}`);
    else if (more.length > 0) beyond.push(`${kind} (${more.join(', ')}) on ${table}`);
  }
  if (await mayCreateIn(session, role)) beyond.push('CREATE on the schema');
  return beyond;
}

async function mayCreateIn(session: Session, role: string | undefined): Promise<boolean> {
  const [answer] = await session.rows(sql<{ may: boolean }>`
    WITH reached AS (${reachedBy(named(role))})
    SELECT bool_or(pg_catalog.has_schema_privilege(reached.oid, 'apikeys', 'CREATE')) AS may FROM reached`);
  return answer?.may ?? false;
}

/** The tables that tell the past, and what nobody needs on them who only adds to it. */
const PAST = ['audit_events', 'audit_anchors', 'schema_migrations'];
const CHANGING = ['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES'];

/** How the role in use could change the past: rewrite or delete audit events, or the tables themselves. */
export async function waysToRewriteAudit(session: Session): Promise<string[]> {
  const facts = await readRoleFacts(session);
  if (facts.isSuperuser) return ['it is a superuser, or may act as one'];
  const ways: string[] = [];
  if (facts.mayActAsOwner) ways.push('it owns the schema, or may act as the role that does');
  if (facts.mayJoinAnyRole) ways.push('it has CREATEROLE, and may make itself a member of the owner');
  if (facts.mayWriteServerFiles) ways.push('it may write files of the server');
  if (ways.length > 0) return ways;
  for (const { table, kind, whole, columns } of await privilegesHeld(session, undefined)) {
    if (!PAST.includes(table) || !CHANGING.includes(kind)) continue;
    ways.push(whole ? `it has ${kind} on ${table}` : `it has ${kind} (${columns.join(', ')}) on ${table}`);
  }
  if (await mayCreateIn(session, undefined)) ways.push('it has CREATE on the schema');
  return ways;
}
