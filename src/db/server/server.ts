import pg from 'pg';
import type { Engine, Timeouts } from '../engine.js';
import { noPassword } from './connect-errors.js';
import { passwordIn } from './password-file.js';
import { engineOn, ignore } from './pool.js';
import { isLocal, locationOf, type ServerSettings } from './server-settings.js';

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
  const pool = new pg.Pool({
    ...clientConfig(settings),
    Client: ServerClient,
    max,
    connectionTimeoutMillis: Math.min(timeouts.connect, settings.connectTimeout || timeouts.connect),
    allowExitOnIdle: true,
  });
  // Without a listener, an idle connection that the server ends would end this process.
  pool.on('error', ignore);
  return engineOn({
    location: locationOf(settings),
    tls: settings.ssl !== false ? true : isLocal(settings.host) ? null : false,
    timeouts,
    signal,
    connect: () => pool.connect(),
    exhausted: () => pool.totalCount >= max,
    close: () => pool.end(),
  });
}

/** Everything that `pg` would otherwise look for in the environment, or in the password file with a warning, is given. */
function clientConfig({ passwordFile, connectTimeout, ...settings }: ServerSettings): pg.ClientConfig {
  return {
    ...settings,
    password:
      settings.password ??
      (async () => {
        const password = passwordFile === undefined ? undefined : await passwordIn(passwordFile, settings);
        if (password === undefined) throw noPassword(locationOf(settings));
        return password;
      }),
    sslnegotiation: 'postgres',
    client_encoding: 'utf8',
  };
}

/**
 * When a login fails on this side (no password was given, say), `pg` leaves the socket open until the server gives up,
 * a minute later: this process would wait for it.
 */
class ServerClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    // Where these are not given, `pg` has taken them from PGOPTIONS and PGREPLICATION.
    const given = { options: config?.options, replication: undefined };
    const parameters: unknown = Reflect.get(this, 'connectionParameters');
    if (typeof parameters === 'object') Object.assign(parameters ?? {}, given);
    Object.assign(this, { replication: undefined });
    // From the start: the server may end a session in the same breath in which it begins it, before anybody has the client.
    this.on('error', ignore);
  }

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
