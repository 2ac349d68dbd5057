import { overUrl, type RunSql, texts } from './run-sql.js';

const TABLES = `
  SELECT format(
    'SELECT concat_ws(E''\\t'', %L, t::text%s) FROM %I.%I AS t',
    n.nspname || '.' || c.relname,
    (SELECT coalesce(string_agg(format(', encode(t.%I, ''escape'')', a.attname), '' ORDER BY a.attnum), '')
       FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype),
    n.nspname, c.relname)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/**
 * Every row of every table that is not the system's, a line each, behind the table's name: to search for what must
 * not be there. Binary columns appear twice, as hex and as the characters they hold, so that text stored as bytes
 * is found too.
 */
export async function dumpEverything(source: string | RunSql): Promise<string> {
  if (typeof source === 'string') return overUrl(source, dumpEverything);
  const parts: string[] = [];
  for (const select of await texts(source, TABLES)) parts.push(...(await texts(source, select)));
  return `${parts.join('\n')}\n`;
}
