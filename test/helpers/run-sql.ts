import { CompiledQuery } from 'kysely';
import pg from 'pg';
import type { Engine } from '../../src/db/engine.js';

/** Runs one statement without parameters, on whatever engine. */
export type RunSql = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Lends `work` a connection to a server. */
export async function overUrl<T>(url: string, work: (run: RunSql) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async (sql) => {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return rows;
    });
  } finally {
    await client.end();
  }
}

export function overEngine(engine: Engine): RunSql {
  return (sql) =>
    engine.use((connection) =>
      connection.rows<Record<string, unknown>>({ compile: () => CompiledQuery.raw(sql) }),
    );
}

/** The one column of each row, which must be text. */
export async function texts(run: RunSql, sql: string): Promise<string[]> {
  const rows = await run(sql);
  return rows.map((row) => {
    const [value] = Object.values(row);
    if (typeof value !== 'string') throw new Error(`not text: ${typeof value} from ${sql}`);
    return value;
  });
}
