import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** The types that our schema, our parameters and our results have. */
const TYPES = [
  ...['boolean', 'integer', 'bigint', 'numeric', 'text', 'text[]', 'name', 'bytea', 'uuid', 'date'],
  ...['timestamptz', 'interval', 'json', 'jsonb'],
];

const RELATIONS = ['keys', 'owners', 'secrets', 'schema_migrations', 'pg_class', 'pg_roles', 'pg_depend'];

/** The SQLSTATE of a plant that was run. */
export const TRAPPED = 'TRAP1';

const DOMAINS = ['timestamptz', 'bytea', 'uuid', 'text', 'jsonb', 'regclass'];

/** Types that refuse every value, NULL included; for a session's own schema, where types are looked up first of all. */
export const plantedTypes = (schema: string): string =>
  DOMAINS.map((name) => `CREATE DOMAIN ${schema}.${name} AS pg_catalog.text CHECK (public.trapped());`).join(
    '\n',
  );

/**
 * Keeps in a schema a function of each name that our SQL calls, with the arguments that PostgreSQL's own take and with
 * all others of one or two that might fit better; an operator of each name for each two of our types; relations and
 * types. Whoever runs one is told so by an error.
 */
export async function plant(
  admin: pg.Client,
  schema: string,
): Promise<{ functions: number; operators: number }> {
  const target = pg.escapeIdentifier(schema);
  await admin.query(`CREATE SCHEMA IF NOT EXISTS ${target}; GRANT ALL ON SCHEMA ${target} TO PUBLIC`);
  await admin.query('SET check_function_bodies = off');
  const body = `LANGUAGE plpgsql AS $trap$ BEGIN RAISE EXCEPTION USING ERRCODE = '${TRAPPED}', MESSAGE = 'trapped'; END $trap$`;
  await admin.query(`CREATE OR REPLACE FUNCTION public.trapped() RETURNS boolean ${body}`);
  const pairs = TYPES.flatMap((left) => TYPES.map((right) => [left, right] as const));
  const forOperators = pairs.flatMap(([left, right]) => [
    `CREATE FUNCTION ${target}.trap_compare(${left}, ${right}) RETURNS boolean ${body}`,
    `CREATE FUNCTION ${target}.trap_combine(${left}, ${right}) RETURNS ${left} ${body}`,
  ]);
  await admin.query(forOperators.join(';\n'));

  const { rows: operators } = await admin.query<{ oprname: string; compares: boolean }>(
    `SELECT oprname, bool_and(oprresult = 'boolean'::regtype) AS compares FROM pg_operator
      WHERE oprleft = ANY($1::regtype[]) AND oprright = ANY($1::regtype[]) GROUP BY oprname`,
    [TYPES],
  );
  const makeOperators = operators.flatMap(({ oprname, compares }) =>
    pairs.map(
      ([left, right]) =>
        `CREATE OPERATOR ${target}.${oprname} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = ${target}.trap_${compares ? 'compare' : 'combine'})`,
    ),
  );
  await admin.query(makeOperators.join(';\n'));

  const { rows: functions } = await admin.query<{ signature: string; result: string }>(
    `WITH called AS (
       SELECT proname, min(CASE WHEN typtype = 'b' THEN format_type(prorettype, NULL) END) AS result
         FROM pg_proc JOIN pg_type ON pg_type.oid = prorettype
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY($1) GROUP BY proname),
     taken AS (
       SELECT proname, oidvectortypes(proargtypes) AS arguments FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT proargtypes::oid[] && '{"\\"any\\"",internal,cstring}'::regtype[]::oid[]
       UNION SELECT proname, format_type(one, NULL) FROM called, unnest($2::regtype[]) AS one
       UNION SELECT proname, concat(format_type(one, NULL), ', ', format_type(other, NULL))
               FROM called, unnest($2::regtype[]) AS one, unnest($2::regtype[]) AS other)
     SELECT format('%I(%s)', proname, arguments) AS signature, COALESCE(result, 'text') AS result
       FROM called JOIN taken USING (proname)`,
    [calledNames(), TYPES],
  );
  const makeFunctions = functions.map(
    ({ signature, result }) => `CREATE FUNCTION ${target}.${signature} RETURNS ${result} ${body}`,
  );
  await admin.query(makeFunctions.join(';\n'));
  const relations = RELATIONS.map((name) => `CREATE TABLE ${target}.${name} (planted boolean);`);
  await admin.query(`${relations.join('\n')}\n${plantedTypes(target)}`);
  return { functions: makeFunctions.length, operators: makeOperators.length };
}

/** Every name that is followed by a parenthesis where our SQL stands; the server knows which of them are functions. */
function calledNames(): string[] {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const names = new Set([
    'count',
    'substr',
    'substring',
    'date_part',
    'extract',
    'timezone',
    'like',
    'position',
    'trim',
  ]);
  for (const folder of ['src/repository', 'src/db', 'src/service', 'migrations']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      for (const [, name] of text.matchAll(/([a-z_0-9]+)\s*\(/gi)) if (name) names.add(name.toLowerCase());
    }
  }
  return [...names];
}
