import pg from 'pg';

/** A transaction of another session, which holds a row. */
export interface HeldRow {
  /** The process of that session on the server. */
  readonly pid: number;
  /** Runs a statement within that transaction. */
  run(statement: string): Promise<void>;
  commit(): Promise<void>;
}

/** Begins a transaction and locks the rows that the condition picks. */
export async function holdRow(url: string, table: 'owners' | 'keys', where: string): Promise<HeldRow> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT FROM apikeys.${table} WHERE ${where} FOR UPDATE`);
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return {
    pid: rows[0]?.pid ?? 0,
    async run(statement) {
      await client.query(statement);
    },
    async commit() {
      await client.query('COMMIT');
      await client.end();
    },
  };
}
