import { ApiKeysError } from '../../errors.js';
import { hasNoEffect, isHeeded, type ParameterName } from './connection-parameters.js';
import type { ConnectionSource } from './connection-source.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * libpq's variables, each with the parameter that it stands for. Those that only change how a client shows things
 * (`PGTZ`, `PGDATESTYLE`, `PGGEQO`, `PGCLIENTENCODING`) have no bearing here.
 */
const PARAMETERS: Readonly<Record<string, string>> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGPASSFILE: 'passfile',
  PGSERVICE: 'service',
  PGOPTIONS: 'options',
  PGAPPNAME: 'application_name',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGCHANNELBINDING: 'channel_binding',
  PGREQUIREAUTH: 'require_auth',
  PGREQUIREPEER: 'requirepeer',
  PGREQUIRESSL: 'requiressl',
  PGGSSENCMODE: 'gssencmode',
  PGKRBSRVNAME: 'krbsrvname',
  PGGSSLIB: 'gsslib',
  PGGSSDELEGATION: 'gssdelegation',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGSSLSNI: 'sslsni',
  PGSSLCOMPRESSION: 'sslcompression',
  PGSSLCERTMODE: 'sslcertmode',
  PGSSLCRL: 'sslcrl',
  PGSSLCRLDIR: 'sslcrldir',
  PGSSLMINPROTOCOLVERSION: 'ssl_min_protocol_version',
  PGSSLMAXPROTOCOLVERSION: 'ssl_max_protocol_version',
  PGLOADBALANCEHOSTS: 'load_balance_hosts',
  PGMINPROTOCOLVERSION: 'min_protocol_version',
  PGMAXPROTOCOLVERSION: 'max_protocol_version',
};

/** What the environment says. Throws `INVALID_CONFIG` for a variable that would change the connection, and is not heeded. */
export function libpqVariables(env: Environment): ConnectionSource {
  const values = new Map<ParameterName, string>();
  const variables = new Map<ParameterName, string>();
  for (const [variable, parameter] of Object.entries(PARAMETERS)) {
    const given = env[variable] ?? '';
    // A blank may belong to a password.
    const value = parameter === 'password' ? given : given.trim();
    if (value === '') continue;
    if (isHeeded(parameter)) {
      values.set(parameter, value);
      variables.set(parameter, variable);
    } else if (!hasNoEffect(parameter, value)) {
      throw invalidVariable(
        variable,
        'it is not heeded here, and without it the connection would be another one',
      );
    }
  }
  return {
    values,
    invalid: (parameter, why) => invalidVariable(variables.get(parameter) ?? parameter, `it ${why}`),
  };
}

function invalidVariable(variable: string, why: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the variable ${variable} is not usable: ${why}`, {
    details: { reason: 'libpq_variable', variable },
  });
}

/** What a library needs of its application's environment to log in; all else it is told by its options. */
export function loginVariables(env: Environment): Environment {
  const { PGPASSWORD, PGPASSFILE, PGSERVICEFILE, PGSYSCONFDIR, HOME, APPDATA } = env;
  return { PGPASSWORD, PGPASSFILE, PGSERVICEFILE, PGSYSCONFDIR, HOME, APPDATA };
}
