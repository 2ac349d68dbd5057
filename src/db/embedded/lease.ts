import { ApiKeysError } from '../../errors.js';
import type { Connection } from '../engine.js';

export interface Lease {
  readonly connection: Connection;
  /** Waits for what was sent, and refuses whatever else is sent through this connection. */
  end(): Promise<void>;
}

/**
 * Lends a connection for one piece of work. There is only the one: a query that its holder left running, or sends
 * late, must not reach into the transaction of the next.
 */
export function leaseConnection(connection: Connection): Lease {
  const underWay = new Set<Promise<unknown>>();
  let ended = false;

  function track<T>(send: () => Promise<T>): Promise<T> {
    if (ended) {
      return Promise.reject(
        new ApiKeysError('INTERNAL', 'a connection was used after it had been given back'),
      );
    }
    const answer = send();
    const done = answer.then(ignore, ignore).finally(() => underWay.delete(done));
    underWay.add(done);
    return answer;
  }

  return {
    connection: {
      get committing() {
        return connection.committing;
      },
      rows: (query) => track(() => connection.rows(query)),
      script: (statements) => track(() => connection.script(statements)),
      commit: () => track(() => connection.commit()),
    },
    async end() {
      ended = true;
      await Promise.all(underWay);
    },
  };
}

const ignore = (): void => undefined;
