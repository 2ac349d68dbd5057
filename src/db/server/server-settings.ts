import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { type ConnectionSource, findIn, type Given } from './connection-source.js';
import { invalidUrl, parseDatabaseUrl } from './database-url.js';
import { type HostAddress, hostName, hostsIn, isLocal } from './hosts.js';
import { type Environment, libpqVariables } from './libpq-variables.js';
import { passwordFileOf } from './password-file.js';
import { readService } from './service-file.js';
import { tlsOptionsIn } from './tls-options.js';

/** Which of several hosts will do. */
const SESSION_KINDS = ['any', 'read-write', 'primary'] as const;

export type SessionKind = (typeof SESSION_KINDS)[number];

export interface ServerHost extends HostAddress {
  readonly ssl: false | ConnectionOptions;
}

/** How to reach a server, with every default filled in. Holds the password: never print it. */
export interface ServerSettings {
  /** In the order in which they are tried; never empty. */
  readonly hosts: readonly ServerHost[];
  readonly sessions: SessionKind;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** Where the password is looked for if there is none here. */
  readonly passwordFile?: string;
  /** Whether the login has to be bound to the TLS connection that it comes over. */
  readonly requireBinding: boolean;
  readonly application_name: string;
  /** What every session starts with, as `PGOPTIONS` has it. */
  readonly options?: string;
  /** Milliseconds that connecting to one host may take at most. */
  readonly connectTimeout?: number;
}

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; what it leaves out comes from the service that it names,
 * then from libpq's `PG*` variables, then from libpq's defaults.
 *
 * A server that is not local is reached over TLS and its certificate is verified against its name, whatever
 * `sslmode` says; `sslmode=disable` alone switches that off. A local one (a socket, localhost, a loopback
 * address) is reached without TLS unless `sslmode` asks for it.
 *
 * Throws `INVALID_CONFIG`, naming each parameter and variable that is not heeded; the message never repeats the URL,
 * which may hold a password.
 */
export function serverSettings(connectionString: string | undefined, env: Environment): ServerSettings {
  const sources = sourcesOf(connectionString, env);
  const find = (parameter: Parameters<typeof findIn>[1]): Given | undefined => findIn(sources, parameter);
  const user = find('user')?.text ?? osUser();
  const password = find('password')?.text;
  const passwordFile = find('passfile')?.text ?? passwordFileOf(env);
  const options = find('options')?.text;
  const connectTimeout = secondsOf(find('connect_timeout'));
  const tlsOf = tlsOptionsIn(sources);
  return {
    hosts: hostsIn(sources).map((host) => ({ ...host, ssl: tlsOf(host) })),
    sessions: sessionsOf(find('target_session_attrs')),
    database: databaseOf(find('dbname')) ?? user,
    user,
    ...(password && { password }),
    ...(!password && passwordFile && { passwordFile }),
    ...(options && { options }),
    ...(connectTimeout !== undefined && { connectTimeout }),
    requireBinding: isBindingRequired(find('channel_binding')),
    application_name: find('application_name')?.text ?? 'apikeys',
  };
}

/** The first that says something is heeded. */
function sourcesOf(connectionString: string | undefined, env: Environment): ConnectionSource[] {
  const sources = [
    ...(connectionString === undefined ? [] : [parseDatabaseUrl(connectionString)]),
    libpqVariables(env),
  ];
  const service = findIn(sources, 'service');
  if (service === undefined) return sources;
  return [...sources.slice(0, -1), readService(service.text, env), ...sources.slice(-1)];
}

/** The name of the database is shown, so it must not be a URL with a password in it, encoded or not. */
function databaseOf(given: Given | undefined): string | undefined {
  if (given && /:\/\/|:.*@|password\s*=/i.test(given.text)) {
    throw given.invalid('is not the name of a database');
  }
  return given?.text;
}

function sessionsOf(given: Given | undefined): SessionKind {
  if (given === undefined) return 'any';
  const kind = SESSION_KINDS.find((known) => known === given.text);
  if (kind !== undefined) return kind;
  throw given.invalid('is none of any, read-write and primary: changes are for the primary server');
}

/** libpq's other values ask for nothing: bound is whatever can be. */
function isBindingRequired(given: Given | undefined): boolean {
  if (given === undefined || ['disable', 'prefer'].includes(given.text)) return false;
  if (given.text === 'require') return true;
  throw given.invalid('is none of disable, prefer and require');
}

/** As libpq: whole seconds, and 0 for no limit of its own. */
function secondsOf(given: Given | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,6}$/.test(given.text)) return Number(given.text) * 1_000;
  throw given.invalid('is no number of seconds');
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    throw invalidUrl('it names no user, and the operating system has no name for this one');
  }
}

/** For people: `db.example.com:5432/app`, of several hosts `a:5432,b:5432/app`. */
export const locationOf = ({ hosts, database }: Pick<ServerSettings, 'hosts' | 'database'>): string =>
  `${hosts.map(hostName).join(',')}/${database}`;

/** Whether every connection is encrypted; null where none leaves this machine. */
export function tlsOf({ hosts }: ServerSettings): boolean | null {
  const remote = hosts.filter((host) => host.ssl !== false || !isLocal(host));
  return remote.length === 0 ? null : remote.every(({ ssl }) => ssl !== false);
}
