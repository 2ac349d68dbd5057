import { ApiKeysError } from '../../errors.js';
import { hasNoEffect } from './database-url.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** libpq's variables that change where a connection leads or how safe it is, and that are not heeded here. */
const NOT_HEEDED: Readonly<Record<string, string>> = {
  PGHOSTADDR: 'hostaddr',
  PGSERVICE: 'service',
  PGREQUIREAUTH: 'require_auth',
  PGCHANNELBINDING: 'channel_binding',
  PGREQUIREPEER: 'requirepeer',
  PGGSSENCMODE: 'gssencmode',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGSSLSNI: 'sslsni',
  PGSSLCERTMODE: 'sslcertmode',
  PGSSLCRL: 'sslcrl',
  PGSSLCRLDIR: 'sslcrldir',
  PGSSLMINPROTOCOLVERSION: 'ssl_min_protocol_version',
  PGSSLMAXPROTOCOLVERSION: 'ssl_max_protocol_version',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
};

/**
 * Throws `INVALID_CONFIG` for a variable that would change the connection, and that is not heeded. Those that only
 * change how a client shows things (`PGTZ`, `PGDATESTYLE`, `PGCLIENTENCODING`) have no bearing here.
 */
export function refuseVariables(env: Environment): void {
  for (const [variable, parameter] of Object.entries(NOT_HEEDED)) {
    const value = env[variable];
    if (value && !hasNoEffect(parameter, value)) {
      throw invalidVariable(
        variable,
        'it is not heeded here, and without it the connection would be another one',
      );
    }
  }
}

export function invalidVariable(variable: string, why: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the variable ${variable} is not usable: ${why}`, {
    details: { reason: 'libpq_variable', variable },
  });
}

/** What a library needs of its application's environment to log in; all else it is told by its options. */
export function loginVariables({ PGPASSWORD, PGPASSFILE, HOME, APPDATA }: Environment): Environment {
  return { PGPASSWORD, PGPASSFILE, HOME, APPDATA };
}
