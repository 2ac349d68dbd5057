import { isIP } from 'node:net';
import { parse } from 'pg-connection-string';
import { ApiKeysError } from '../../errors.js';

/** What a database URL says; an empty text where it says nothing. Holds the password: never print it. */
export interface DatabaseUrl {
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  /** Everything else, each parameter once. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameters that say what `pg-connection-string` reads by itself. */
const PLACE = new Set(['user', 'password', 'host', 'port']);

/** Parameters that {@link DatabaseUrl.parameters} may hold. */
const HEEDED = new Set([
  'ssl',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'application_name',
  'connect_timeout',
]);

/** Values that ask for nothing but what is done anyhow. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ['disable', 'prefer'],
  client_encoding: ['auto', 'utf8', 'UTF8', 'utf-8', 'UTF-8'],
  gssencmode: ['disable', 'prefer'],
  load_balance_hosts: ['disable', 'random'],
  sslcompression: ['0'],
  sslnegotiation: ['postgres'],
  sslsni: ['1'],
  target_session_attrs: ['any'],
};

/**
 * Reads a database URL. Throws `INVALID_CONFIG` for one that cannot be read in one way alone, and names each parameter
 * that is not heeded; the message repeats no part of the URL that may be a password.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (!/^postgres(ql)?:\/\//.test(text)) throw invalidUrl('it does not start with postgres://');
  // What was not encoded ends the password early: its rest would become a database's name, and be shown.
  if (text.includes('#')) throw invalidUrl('it cannot be read: it holds a #, to be written %23');
  const mark = text.indexOf('?');
  const base = mark === -1 ? text : text.slice(0, mark);
  const query = mark === -1 ? '' : text.slice(mark + 1);
  if (query.includes('@'))
    throw invalidUrl('an @ comes after a ?; write a ? in the password as %3F, an @ in a value as %40');
  const [, authority = '', path = ''] = /^[a-z]+:\/\/([^/]*)(.*)$/s.exec(base) ?? [];
  if (/[@:]/.test(path)) throw invalidUrl('an @ or a : comes after a /; write a / in the password as %2F');
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(','))
    throw invalidUrl('it names more than one host');
  const { place, parameters } = splitQuery(query);
  try {
    const { user, password, host, port, database } = parse(place.size > 0 ? `${base}?${place}` : base);
    return {
      user: user ?? '',
      password: password ?? '',
      host: host ?? '',
      port: port ?? '',
      database: database ?? '',
      parameters,
    };
  } catch {
    throw invalidUrl('it cannot be read');
  }
}

function splitQuery(query: string): { place: URLSearchParams; parameters: Map<string, string> } {
  const place = new URLSearchParams();
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (place.has(name) || parameters.has(name))
      throw invalidUrl(`it has the parameter ${shownName(name)} twice`);
    if (PLACE.has(name)) place.set(name, value);
    else if (HEEDED.has(name)) parameters.set(name, value);
    else if (!hasNoEffect(name, value))
      throw invalidUrl(`its parameter ${shownName(name)} is not heeded here`);
  }
  return { place, parameters };
}

/** Whether libpq's parameter `name` with this value asks for nothing but what is done anyhow. */
export function hasNoEffect(name: string, value: string): boolean {
  return Object.hasOwn(WITHOUT_EFFECT, name) && (WITHOUT_EFFECT[name]?.includes(value) ?? false);
}

/** A name as PostgreSQL and other drivers have them; anything else may be a piece of a password. */
const shownName = (name: string): string => (/^[A-Za-z][A-Za-z_]{1,39}$/.test(name) ? name : '(not shown)');

/** Throws `INVALID_CONFIG` unless this is one host: a name, an address or the folder of a socket. */
export function checkHost(host: string, invalid: (why: string) => ApiKeysError): string {
  if (host.includes(',')) throw invalid('it names more than one host');
  // Anything else is a URL that was encoded as a whole, or put in the wrong place, its password included.
  if (host.startsWith('/') || isIP(host) !== 0 || !/[\s@:/?#%]/.test(host)) return host;
  throw invalid('its host is neither a name, an address nor the folder of a socket');
}

export function invalidUrl(why: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the database URL is not usable: ${why}`, {
    details: { reason: 'database_url' },
  });
}
