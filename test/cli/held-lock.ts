import pg from 'pg';

/** A lock that another session holds. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Locks the row of a key in a transaction of its own, as another session that works on it would. */
export const holdKey = (url: string, id: string): Promise<HeldLock> =>
  hold(url, 'SELECT FROM apikeys.keys WHERE id = $1 FOR UPDATE', id);

/** Locks the rows of an owner. */
export const holdOwner = (url: string, owner: string): Promise<HeldLock> =>
  hold(url, 'SELECT FROM apikeys.owners WHERE owner_id = $1 FOR UPDATE', owner);

async function hold(url: string, statement: string, value: string): Promise<HeldLock> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(statement, [value]);
  return {
    async release() {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}
