import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { ApiKeysError } from '../../errors.js';
import { readRegularFile, UnreadableFile } from '../../read-file.js';
import { checkHost, invalidUrl, parseDatabaseUrl } from './database-url.js';
import { type Environment, invalidVariable, refuseVariables } from './libpq-variables.js';
import { passwordFileOf } from './password-file.js';

/** How to reach a server, with every default filled in. Holds the password: never print it. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** Where the password is looked for if there is none here. */
  readonly passwordFile?: string;
  readonly ssl: false | ConnectionOptions;
  readonly application_name: string;
  /** What every session starts with, as `PGOPTIONS` has it. */
  readonly options?: string;
  /** Milliseconds that connecting may take at most. */
  readonly connectTimeout?: number;
}

type TlsParameters = Record<'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey', string>;

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; what it leaves out comes from libpq's
 * `PG*` variables, then from libpq's defaults.
 *
 * A server that is not local is reached over TLS and its certificate is verified against its name, whatever
 * `sslmode` says; `sslmode=disable` alone switches that off. A local one (a socket, localhost, a loopback
 * address) is reached without TLS unless `sslmode` asks for it.
 *
 * Throws `INVALID_CONFIG`, naming each parameter and variable that is not heeded; the message never repeats the URL,
 * which may hold a password.
 */
export function serverSettings(connectionString: string | undefined, env: Environment): ServerSettings {
  refuseVariables(env);
  const url = parseDatabaseUrl(connectionString ?? 'postgres://');
  const user = url.user || env.PGUSER || osUser();
  const host = url.host ? checkHost(url.host, invalidUrl) : hostOf(env);
  const password = url.password || env.PGPASSWORD;
  const passwordFile = password ? undefined : passwordFileOf(env);
  const connectTimeout = url.parameters.get('connect_timeout') || env.PGCONNECT_TIMEOUT;
  return {
    host,
    port:
      url.port || !env.PGPORT ? portOf(url.port || '5432', invalidUrl) : portOf(env.PGPORT, about('PGPORT')),
    database: url.database || databaseOf(env) || user,
    user,
    ...(password && { password }),
    ...(passwordFile && { passwordFile }),
    ...(env.PGOPTIONS && { options: env.PGOPTIONS }),
    ...(connectTimeout && { connectTimeout: secondsOf(connectTimeout) }),
    ssl: tlsOptions(host, tlsParameters(url.parameters, env)),
    application_name: url.parameters.get('application_name') || env.PGAPPNAME || 'apikeys',
  };
}

const about =
  (variable: string) =>
  (why: string): ApiKeysError =>
    invalidVariable(variable, why);

function hostOf({ PGHOST }: Environment): string {
  return PGHOST ? checkHost(PGHOST, about('PGHOST')) : 'localhost';
}

/** The name of the database is shown, so it must not be a URL with a password in it. */
function databaseOf({ PGDATABASE }: Environment): string | undefined {
  if (PGDATABASE && /:\/\/|password\s*=/i.test(PGDATABASE)) {
    throw invalidVariable('PGDATABASE', 'it is not the name of a database');
  }
  return PGDATABASE;
}

/** As libpq: whole seconds, and 0 for no limit of its own. */
function secondsOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1_000;
  throw invalidUrl('its connect_timeout, or PGCONNECT_TIMEOUT, is no number of seconds');
}

function tlsParameters(parameters: ReadonlyMap<string, string>, env: Environment): TlsParameters {
  // What other drivers write for sslmode=require.
  const asked = /^(true|1)$/.test(parameters.get('ssl') ?? '') ? 'require' : undefined;
  return {
    sslmode: parameters.get('sslmode') ?? asked ?? env.PGSSLMODE ?? '',
    sslrootcert: parameters.get('sslrootcert') ?? env.PGSSLROOTCERT ?? '',
    sslcert: parameters.get('sslcert') ?? env.PGSSLCERT ?? '',
    sslkey: parameters.get('sslkey') ?? env.PGSSLKEY ?? '',
  };
}

/** For people: `db.example.com:5432/app`, or `/var/run/postgresql:5432/app` for a socket. */
export function locationOf({ host, port, database }: ServerSettings): string {
  if (host.startsWith('/')) return `${host}:${port}/${database}`;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}/${database}`;
}

function portOf(text: string, invalid: (why: string) => ApiKeysError): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw invalid('its port is not a number from 1 to 65535');
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    throw invalidUrl('it names no user, and the operating system has no name for this one');
  }
}

function tlsOptions(host: string, tls: TlsParameters): false | ConnectionOptions {
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
      details: { reason: 'file_unreadable' },
    });
  }
}
