import { Socket } from 'node:net';
import pg from 'pg';
import { connectError } from './connect-errors.js';
import { connectionOf } from './connection.js';
import type { Engine, Timeouts } from './engine.js';
import { interrupted } from './pg-errors.js';
import { placeOf, type ServerSettings } from './server-settings.js';

export interface ServerOptions {
  readonly settings: ServerSettings;
  readonly timeouts: Timeouts;
  /** Connections at most; 1 by default. */
  readonly max?: number;
  /** Ends what is under way, except a COMMIT that was sent. */
  readonly signal?: AbortSignal;
}

/** Opens a PostgreSQL server. It connects on first use, so opening cannot fail for want of a server. */
export function openServer({ settings, timeouts, max = 1, signal }: ServerOptions): Engine {
  const place = placeOf(settings);
  const pool = new pg.Pool({
    ...settings,
    max,
    connectionTimeoutMillis: timeouts.connect,
    allowExitOnIdle: true,
  });
  // Without a listener, an idle connection that the server ends would end this process.
  pool.on('error', ignore);
  let closing: Promise<void> | undefined;

  return {
    kind: 'server',
    place,
    timeouts,
    async use(work, { evenIfInterrupted = false } = {}) {
      const ending = evenIfInterrupted ? undefined : signal;
      if (ending?.aborted) throw interrupted();
      const client = await pool.connect().catch((error: unknown) => {
        throw connectError(error, place, pool.totalCount >= max);
      });
      client.on('error', ignore);
      const connection = connectionOf(client, pg.types, timeouts.answer, ending);
      const abort = (): void => {
        // `end` in the middle of a query destroys the socket, and with it the server's transaction.
        if (!connection.committing && client instanceof pg.Client) void client.end().catch(ignore);
      };
      ending?.addEventListener('abort', abort);
      let broken = true;
      try {
        const result = await work(connection);
        broken = false;
        return result;
      } catch (error) {
        throw ending?.aborted && !connection.committing ? interrupted() : error;
      } finally {
        ending?.removeEventListener('abort', abort);
        client.release(broken);
        if (broken) letGo(client);
        if (!broken) client.off('error', ignore);
      }
    },
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}

/** A connection that is given up says goodbye to the server; whether that is ever answered must not keep this process alive. */
function letGo(client: pg.ClientBase): void {
  if (client instanceof pg.Client && client.connection.stream instanceof Socket)
    client.connection.stream.unref();
}

const ignore = (): void => undefined;
