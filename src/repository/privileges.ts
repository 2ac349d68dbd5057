import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { PRIVILEGES, type Privilege, type Profile } from '../domain/profiles.js';
import { quoteIdentifier } from '../domain/quote.js';

/** The statements that give `role` what the profile needs and take everything else of the schema from it. */
export function grantStatements(role: string, profile: Profile): string[] {
  const grantee = quoteIdentifier(role);
  return [
    `REVOKE ALL ON ALL TABLES IN SCHEMA apikeys FROM ${grantee}`,
    `REVOKE ALL ON SCHEMA apikeys FROM ${grantee}`,
    `GRANT USAGE ON SCHEMA apikeys TO ${grantee}`,
    ...byTable(PRIVILEGES[profile]).map(
      ({ table, kinds }) => `GRANT ${kinds.join(', ')} ON apikeys.${table} TO ${grantee}`,
    ),
  ];
}

/** Privileges of one table in one statement; those on columns each name their columns. */
function byTable(privileges: readonly Privilege[]): { table: string; kinds: string[] }[] {
  const tables = new Map<string, string[]>();
  for (const { kind, table, columns } of privileges) {
    const kinds = tables.get(table) ?? [];
    kinds.push(columns === undefined ? kind : `${kind} (${columns.join(', ')})`);
    tables.set(table, kinds);
  }
  return [...tables].map(([table, kinds]) => ({ table, kinds }));
}

export async function roleExists(session: Session, role: string): Promise<boolean> {
  const rows = await session.rows(sql`SELECT FROM pg_catalog.pg_roles WHERE rolname = ${role}`);
  return rows.length > 0;
}

/** Whether `role` has all that the profile needs; without `role`, the one in use. */
export async function hasProfile(session: Session, profile: Profile, role?: string): Promise<boolean> {
  const grantee = role === undefined ? sql`current_user` : sql`${role}::name`;
  const wanted = PRIVILEGES[profile].flatMap(({ kind, table, columns }) =>
    (columns ?? [null]).map((column) => ({ kind, table: `apikeys.${table}`, column })),
  );
  const [answer] = await session.rows(sql<{ all: boolean }>`
    SELECT has_schema_privilege(${grantee}, 'apikeys', 'USAGE') AND bool_and(
             CASE WHEN wanted.column_name IS NULL THEN has_table_privilege(${grantee}, wanted.table_name, wanted.kind)
                  ELSE has_column_privilege(${grantee}, wanted.table_name, wanted.column_name, wanted.kind) END) AS "all"
      FROM unnest(${wanted.map(({ table }) => table)}::text[], ${wanted.map(({ column }) => column)}::text[],
                  ${wanted.map(({ kind }) => kind)}::text[]) AS wanted (table_name, column_name, kind)`);
  return answer?.all ?? false;
}
