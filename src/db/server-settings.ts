import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { parse } from 'pg-connection-string';
import { ApiKeysError } from '../errors.js';
import { readRegularFile, UnreadableFile } from '../read-file.js';

/** How to reach a server, with every default filled in. Holds the password: never print it. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Left out, `pg` asks `~/.pgpass`. */
  readonly password?: string;
  readonly ssl: false | ConnectionOptions;
  readonly application_name: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;
type TlsParameters = Partial<Record<(typeof TLS_PARAMETERS)[number], string>>;

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; what it leaves out comes from libpq's
 * `PG*` variables, then from libpq's defaults.
 *
 * A server that is not local is reached over TLS and its certificate is verified against its name, whatever
 * `sslmode` says; `sslmode=disable` alone switches that off. A local one (a socket, localhost, a loopback
 * address) is reached without TLS unless `sslmode` asks for it.
 *
 * Throws `INVALID_CONFIG`; the message never repeats the URL, which may hold a password.
 */
export function serverSettings(connectionString: string | undefined, env: Environment): ServerSettings {
  const { url, tls } = splitTls(connectionString ?? 'postgres://');
  const parsed = parseUrl(url);
  const user = parsed.user || env.PGUSER || osUser();
  const host = parsed.host || env.PGHOST || 'localhost';
  const password = parsed.password || env.PGPASSWORD;
  return {
    host,
    port: portOf(parsed.port || env.PGPORT || '5432'),
    database: parsed.database || env.PGDATABASE || user,
    user,
    ...(password && { password }),
    ssl: tlsOptions(host, {
      sslmode: tls.sslmode ?? env.PGSSLMODE ?? '',
      sslrootcert: tls.sslrootcert ?? env.PGSSLROOTCERT ?? '',
      sslcert: tls.sslcert ?? env.PGSSLCERT ?? '',
      sslkey: tls.sslkey ?? env.PGSSLKEY ?? '',
    }),
    application_name: env.PGAPPNAME || 'apikeys',
  };
}

/** For people: `db.example.com:5432/app`, or `/var/run/postgresql:5432/app` for a socket. */
export function placeOf({ host, port, database }: ServerSettings): string {
  if (host.startsWith('/')) return `${host}:${port}/${database}`;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}/${database}`;
}

/** `pg-connection-string` reads the TLS parameters its own way and warns on stderr: they are ours to read. */
function splitTls(connectionString: string): { url: string; tls: TlsParameters } {
  const [base = '', query = ''] = connectionString.split('?', 2);
  const parameters = new URLSearchParams(query);
  const tls: TlsParameters = {};
  for (const name of TLS_PARAMETERS) {
    const value = parameters.get(name);
    if (value !== null) tls[name] = value;
    parameters.delete(name);
  }
  // What other drivers write for sslmode=require.
  if (/^(true|1)$/.test(parameters.get('ssl') ?? '')) tls.sslmode ??= 'require';
  parameters.delete('ssl');
  return { url: parameters.size > 0 ? `${base}?${parameters}` : base, tls };
}

function parseUrl(url: string): Partial<Record<'user' | 'password' | 'host' | 'port' | 'database', string>> {
  if (!/^postgres(ql)?:\/\//.test(url)) throw invalidUrl('it does not start with postgres://');
  try {
    const { user, password, host, port, database } = parse(url);
    if (host?.includes(',')) throw invalidUrl('it names more than one host');
    return {
      user: user ?? '',
      password: password ?? '',
      host: host ?? '',
      port: port ?? '',
      database: database ?? '',
    };
  } catch (error) {
    throw error instanceof ApiKeysError ? error : invalidUrl('it cannot be read');
  }
}

function invalidUrl(why: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the database URL is not usable: ${why}`, {
    hint: 'Write postgres://user:password@host:5432/database, with special characters in the password percent-encoded.',
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw invalidUrl('its port is not a number from 1 to 65535');
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    throw invalidUrl('it names no user, and the operating system has no name for this one');
  }
}

function tlsOptions(host: string, tls: Required<TlsParameters>): false | ConnectionOptions {
  const { sslmode } = tls;
  if (!['', 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'].includes(sslmode)) {
    throw invalidUrl('its sslmode is none of disable, require, verify-ca, verify-full');
  }
  if (sslmode === 'disable') return false;
  const weak = sslmode === '' || sslmode === 'allow' || sslmode === 'prefer';
  if (host.startsWith('/') || (weak && isLocal(host))) return false;
  return {
    rejectUnauthorized: true,
    ...(!isIP(host) && { servername: host }),
    ...(tls.sslrootcert && tls.sslrootcert !== 'system' && { ca: fileOf(tls.sslrootcert, 'sslrootcert') }),
    ...(tls.sslcert && { cert: fileOf(tls.sslcert, 'sslcert') }),
    ...(tls.sslkey && { key: fileOf(tls.sslkey, 'sslkey') }),
  };
}

/** A socket or a loopback address: nothing leaves this machine. */
export function isLocal(host: string): boolean {
  return (
    host.startsWith('/') ||
    host === 'localhost' ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}

/** A regular file, since settings are read where nobody can wait for a pipe. */
function fileOf(path: string, parameter: string): string {
  try {
    return readRegularFile(path).toString('utf8');
  } catch (error) {
    const reason = error instanceof UnreadableFile ? `: ${error.message}` : '';
    throw new ApiKeysError('INVALID_CONFIG', `the file named by ${parameter} cannot be read${reason}`, {
      hint: 'Name a regular file that this user may read.',
    });
  }
}
