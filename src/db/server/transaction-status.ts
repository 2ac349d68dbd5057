import type pg from 'pg';
import { ConnectionLost } from '../pg-errors.js';

/** What ReadyForQuery says of a session outside of any transaction. */
const IDLE = 'I';

/**
 * Whether whoever had the client before left it in a transaction: what it reads is of that transaction's moment, and a
 * COMMIT would commit what is not ours. Asks the server only where the client does not know: it is one of an older `pg`,
 * or queries that nobody waited for are still under way on it. Throws ConnectionLost after `limit` milliseconds.
 */
export async function isLeftInTransaction(client: pg.ClientBase, limit: number): Promise<boolean> {
  const isSettled = 'readyForQuery' in client && client.readyForQuery === true;
  const status = statusOf(client);
  if (isSettled && status !== undefined) return status !== IDLE;
  return (await askStatus(client, limit)) !== IDLE;
}

function statusOf(client: pg.ClientBase): string | undefined {
  const status: unknown = 'getTransactionStatus' in client ? client.getTransactionStatus() : null;
  return typeof status === 'string' ? status : undefined;
}

const SYNC = Buffer.from('5300000004', 'hex');

/** One round trip: a Sync alone, which ReadyForQuery answers. */
function askStatus(client: pg.ClientBase, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let status = '';
    const timer = setTimeout(() => reject(new ConnectionLost(true)), Math.max(limit, 0));
    const query: pg.Submittable & Record<string, unknown> = {
      callback: () => undefined,
      submit(connection: pg.Connection) {
        // Before the client's own listener, which tells a query nothing of the session's state.
        connection.prependOnceListener('readyForQuery', (message: { readonly status: string }) => {
          status = message.status;
        });
        connection.stream.write(SYNC);
      },
      handleReadyForQuery() {
        clearTimeout(timer);
        resolve(status);
      },
      handleError(error: unknown) {
        clearTimeout(timer);
        reject(error);
      },
    };
    client.query(query);
  });
}
