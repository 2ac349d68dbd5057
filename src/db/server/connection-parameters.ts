import { nearName } from '../../domain/near-name.js';

/** libpq's parameters that are heeded here, and `ssl`, which other drivers have for `sslmode`. */
export const HEEDED = [
  'application_name',
  'channel_binding',
  'connect_timeout',
  'dbname',
  'host',
  'hostaddr',
  'options',
  'passfile',
  'password',
  'port',
  'service',
  'ssl',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslrootcert',
  'target_session_attrs',
  'user',
] as const;

export type ParameterName = (typeof HEEDED)[number];

/** Values that ask for nothing but what is done anyhow. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ['auto', 'utf8', 'UTF8', 'utf-8', 'UTF-8'],
  gssencmode: ['disable', 'prefer'],
  load_balance_hosts: ['disable'],
  // Prisma's: what is prepared is found out by itself.
  pgbouncer: ['true', 'false'],
  sslcertmode: ['allow'],
  sslcompression: ['0'],
  sslnegotiation: ['postgres'],
  sslsni: ['1'],
  // That of `pg`: certificates are verified either way.
  uselibpqcompat: ['true', 'false'],
};

/** libpq's other parameters, to be known by their names. */
const NOT_HEEDED = [
  'fallback_application_name',
  'gssdelegation',
  'gsslib',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'krbsrvname',
  'max_protocol_version',
  'min_protocol_version',
  'oauth_client_id',
  'oauth_client_secret',
  'oauth_issuer',
  'oauth_scope',
  'replication',
  'require_auth',
  'requirepeer',
  'scram_client_key',
  'scram_server_key',
  'servicefile',
  'ssl_max_protocol_version',
  'ssl_min_protocol_version',
  'sslcrl',
  'sslcrldir',
  'sslkeylogfile',
  'sslpassword',
  'tcp_user_timeout',
];

/** Those of other programs, which are found in URLs that were made for them. */
const FOREIGN: Readonly<Record<string, string>> = {
  schema: "the tables are in the schema 'apikeys', whatever it says; leave it out",
  currentSchema: "the tables are in the schema 'apikeys', whatever it says; leave it out",
  search_path: "the tables are in the schema 'apikeys', whatever it says; leave it out",
  database: 'write the name of the database behind the host, or as dbname',
  encoding: 'it is UTF-8 always; leave it out',
  username: 'write it before the host, or as user',
  ...Object.fromEntries(
    [
      'connection_limit',
      'pool_timeout',
      'pool_size',
      'pool_mode',
      'pool',
      'max_conns',
      'socket_timeout',
      'statement_cache_size',
      'statement_timeout',
      'prepareThreshold',
      'sslaccept',
      'sslidentity',
      'supa',
      'workaround',
    ].map((name) => [name, 'it is for another program; leave it out']),
  ),
};

export const isHeeded = (name: string): name is ParameterName => HEEDED.some((known) => known === name);

/** Whether a parameter with this value asks for nothing but what is done anyhow. */
export const hasNoEffect = (name: string, value: string): boolean =>
  Object.hasOwn(WITHOUT_EFFECT, name) && (WITHOUT_EFFECT[name]?.includes(value) ?? false);

/** Whether it is a name that is known, so that showing it tells nothing. */
export const isKnown = (name: string): boolean => KNOWN.includes(name) || Object.hasOwn(FOREIGN, name);

const KNOWN: readonly string[] = [...HEEDED, ...Object.keys(WITHOUT_EFFECT), ...NOT_HEEDED];

/** Why a parameter is refused, behind its name. */
export function whyRefused(name: string): string {
  if (Object.hasOwn(FOREIGN, name)) return `is not heeded here: ${FOREIGN[name]}`;
  if (KNOWN.includes(name)) return 'is not heeded here, and without it the connection would be another one';
  const meant = nearName(name, HEEDED) ?? nearName(name, KNOWN);
  return meant === undefined ? 'is not heeded here' : `is not known; did you mean ${meant}?`;
}
