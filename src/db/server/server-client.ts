import pg from 'pg';
import { ApiKeysError } from '../../errors.js';
import { sqlStateOf } from '../pg-errors.js';
import { connectError, noBinding, noPassword } from './connect-errors.js';
import { passwordIn } from './password-file.js';
import { locationOf, type ServerHost, type ServerSettings, type SessionKind } from './server-settings.js';

/** The host that the next connection tries: the one that the last one reached, or the one behind a host that failed. */
export class HostTurn {
  readonly #settings: ServerSettings;
  #next = 0;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
  }

  take(): ServerHost {
    const host = this.#settings.hosts[this.#next];
    if (host === undefined) throw new TypeError('there is no host');
    return host;
  }

  /** Others may have found out already. */
  pass(failed: ServerHost): void {
    const { hosts } = this.#settings;
    if (hosts[this.#next] === failed) this.#next = (this.#next + 1) % hosts.length;
  }
}

export interface ClientOptions {
  readonly settings: ServerSettings;
  readonly turn: HostTurn;
  /** Milliseconds that one host may take, if there are several. */
  readonly limit: number;
}

/** The class of clients that a pool makes: each goes to the host whose turn it is. */
export function clientClass({ settings, turn, limit }: ClientOptions): new () => pg.Client {
  return class extends ServerClient {
    constructor() {
      super(settings, turn, limit);
    }
  };
}

/** A connection that fails says so as {@link connectError}, so that whoever asked knows whether another host may do. */
class ServerClient extends pg.Client {
  readonly #connected: (callback: (error: Error | null) => void) => (error: Error | null) => void;

  constructor(settings: ServerSettings, turn: HostTurn, limit: number) {
    const host = turn.take();
    super(clientConfig(settings, host, limit));
    const location = locationOf({ hosts: [host], database: settings.database });
    const login = { role: settings.user, database: settings.database };
    // Where these are not given, `pg` has taken them from PGOPTIONS and PGREPLICATION.
    const given = { options: settings.options, replication: undefined };
    const parameters: unknown = Reflect.get(this, 'connectionParameters');
    if (typeof parameters === 'object') Object.assign(parameters ?? {}, given);
    Object.assign(this, { replication: undefined });
    // From the start: the server may end a session in the same breath in which it begins it, before anybody has the client.
    this.on('error', ignore);
    if (settings.requireBinding) requireBinding(this.connection, location);
    this.#connected = (callback) => (error) => {
      const fail = (why: unknown): void => {
        turn.pass(host);
        // When a login fails on this side (no password was given, say), `pg` leaves the socket open until the server gives
        // up, a minute later: this process would wait for it.
        void this.end().catch(ignore);
        // What the pool waits for in vain is the pool's to tell, where there is no other host.
        const isTold = settings.hosts.length > 1 || sqlStateOf(why) !== undefined || !(why instanceof Error);
        callback(isTold ? connectError(why, location, { login }) : why);
      };
      if (error) fail(error);
      else if (settings.sessions === 'any') callback(null);
      else {
        isFit(this, settings.sessions).then((fits) => (fits ? callback(null) : fail(unfit(location))), fail);
      }
    };
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error | null) => void): void;
  override connect(callback?: (error: Error | null) => void): Promise<pg.Client> | undefined {
    if (callback === undefined) return super.connect();
    super.connect(this.#connected(callback));
    return undefined;
  }
}

/** Everything that `pg` would otherwise look for in the environment, or in the password file with a warning, is given. */
function clientConfig(settings: ServerSettings, host: ServerHost, limit: number): pg.ClientConfig {
  const { database, user, passwordFile, options, application_name } = settings;
  const login = { host: host.host, port: host.port, database, user };
  return {
    ...login,
    host: host.address ?? host.host,
    ssl: host.ssl,
    application_name,
    ...(options !== undefined && { options }),
    password:
      settings.password ??
      (async () => {
        const password = passwordFile === undefined ? undefined : await passwordIn(passwordFile, login);
        if (password === undefined) throw noPassword(locationOf({ hosts: [host], database }));
        return password;
      }),
    ...(settings.hosts.length > 1 && { connectionTimeoutMillis: limit }),
    enableChannelBinding: settings.requireBinding,
    sslnegotiation: 'postgres',
    client_encoding: 'utf8',
  };
}

/** As libpq has it: only a login by SCRAM-SHA-256-PLUS proves that nobody stands between. Before `pg` sends a password. */
function requireBinding(connection: pg.Connection, location: string): void {
  let isBound = false;
  const refuse = (): void => {
    connection.stream.destroy(noBinding(location));
  };
  connection.on('authenticationSASL', ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    isBound = mechanisms.includes('SCRAM-SHA-256-PLUS');
    if (!isBound) refuse();
  });
  for (const other of ['authenticationCleartextPassword', 'authenticationMD5Password']) {
    connection.on(other, refuse);
  }
  connection.on('authenticationOk', () => {
    if (!isBound) refuse();
  });
}

async function isFit(client: pg.Client, sessions: SessionKind): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean; readonly: boolean }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
            pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on' AS readonly`,
  );
  const [{ standby, readonly } = { standby: true, readonly: true }] = rows;
  return !standby && !(sessions === 'read-write' && readonly);
}

const unfit = (location: string): ApiKeysError =>
  new ApiKeysError('DATABASE_READ_ONLY', `${location} takes no changes`, { details: { reason: 'no_host' } });

const ignore = (): void => undefined;
