import { Socket } from 'node:net';
import pg from 'pg';
import { connectError } from './connect-errors.js';
import { connectionOf } from './connection.js';
import type { Engine, Timeouts } from './engine.js';
import { laneOn } from './lane.js';
import { interrupted } from './pg-errors.js';
import { isLocal, placeOf, type ServerSettings } from './server-settings.js';

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
    Client: ServerClient,
    max,
    connectionTimeoutMillis: timeouts.connect,
    allowExitOnIdle: true,
  });
  // Without a listener, an idle connection that the server ends would end this process.
  pool.on('error', ignore);
  let closing: Promise<void> | undefined;

  /** Lends a client, dressed for its use by `dress`, and destroys it if the work threw. */
  async function lend<Use extends { readonly committing: boolean }, T>(
    dress: (client: pg.PoolClient) => Use,
    work: (use: Use) => Promise<T>,
    ending: AbortSignal | undefined,
  ): Promise<T> {
    if (ending?.aborted) throw interrupted();
    const client = await pool.connect().catch((error: unknown) => {
      throw connectError(error, place, pool.totalCount >= max);
    });
    client.on('error', ignore);
    const use = dress(client);
    const abort = (): void => {
      // `end` in the middle of a query destroys the socket, and with it the server's transaction.
      if (!use.committing && client instanceof pg.Client) void client.end().catch(ignore);
    };
    ending?.addEventListener('abort', abort);
    let broken = true;
    try {
      const result = await work(use);
      broken = false;
      return result;
    } catch (error) {
      throw ending?.aborted && !use.committing ? interrupted() : error;
    } finally {
      ending?.removeEventListener('abort', abort);
      client.release(broken);
      if (broken) letGo(client);
      if (!broken) client.off('error', ignore);
    }
  }

  return {
    kind: 'server',
    place,
    tls: settings.ssl !== false ? true : isLocal(settings.host) ? null : false,
    sizeBytes: () => null,
    timeouts,
    use(work, { evenIfInterrupted = false } = {}) {
      const ending = evenIfInterrupted ? undefined : signal;
      return lend((client) => connectionOf(client, pg.types, timeouts.answer, ending), work, ending);
    },
    lane(work) {
      return lend(laneOn, work, signal);
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

/**
 * When a login fails on this side (no password was given, say), `pg` leaves the socket open until the server gives up,
 * a minute later: this process would wait for it.
 */
class ServerClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error | null) => void): void;
  override connect(callback?: (error: Error | null) => void): Promise<pg.Client> | undefined {
    if (callback === undefined) return super.connect();
    super.connect((error: Error | null) => {
      if (error) void this.end().catch(ignore);
      callback(error);
    });
    return undefined;
  }
}
