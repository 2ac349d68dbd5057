import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { type LoginFacts, loginError } from './login-errors.js';

/**
 * Says in our words why no connection could be had. Nothing was sent, so nothing was changed.
 * `exhausted`: every connection of the pool was lent out. `login`: who wanted to log in, where that is known.
 */
export function connectError(
  error: unknown,
  location: string,
  { exhausted = false, login }: { readonly exhausted?: boolean; readonly login?: LoginFacts } = {},
): ApiKeysError {
  if (error instanceof ApiKeysError) return error;
  const refusal = loginError(error, login);
  if (refusal !== undefined) return refusal;
  const { code, message } = describe(error);
  if (message.startsWith('SASL')) return noPassword(location);
  if (/does not support SSL/.test(message)) {
    return unreachable(`${location} does not offer TLS`, 'no_tls');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return unreachable(`the certificate of ${location} is not made for this host name`, 'certificate_name');
  }
  if (CERTIFICATE_TIME[code] !== undefined) {
    return unreachable(`the certificate of ${location} ${CERTIFICATE_TIME[code]}`, 'certificate_time');
  }
  if (CERTIFICATE.test(code)) {
    return unreachable(`the certificate of ${location} could not be verified (${code})`, 'certificate');
  }
  if (/timeout/i.test(message) || code === 'ETIMEDOUT') {
    return exhausted
      ? new ApiKeysError('DATABASE_BUSY', 'all connections of the pool stayed in use', {
          details: { reason: 'pool_exhausted' },
        })
      : new ApiKeysError('DATABASE_TIMEOUT', `${location} did not answer in time`, {
          details: { reason: 'connect' },
        });
  }
  return unreachable(`cannot reach the database at ${location}${because(code)}`, 'connect');
}

export function noPassword(location: string): ApiKeysError {
  return new ApiKeysError('LOGIN_REFUSED', `${location} asks for a password, and none that fits was given`, {
    details: { reason: 'no_password' },
  });
}

export function noBinding(location: string): ApiKeysError {
  return new ApiKeysError(
    'LOGIN_REFUSED',
    `${location} does not bind the login to its TLS connection, as channel_binding=require asks for`,
    { details: { reason: 'no_binding' } },
  );
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/;

const CERTIFICATE_TIME: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EACCES: 'the socket may not be opened by this user',
  ECONNRESET: 'the connection was closed at once',
};

const because = (code: string): string => (REASONS[code] === undefined ? '' : `: ${REASONS[code]}`);

const unreachable = (message: string, reason: ErrorReason): ApiKeysError =>
  new ApiKeysError('DATABASE_UNREACHABLE', message, { details: { reason } });

/** Node reports a host with several addresses as an AggregateError. */
function describe(error: unknown): { code: string; message: string } {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (!(first instanceof Error)) return { code: '', message: '' };
  const code = 'code' in first && typeof first.code === 'string' ? first.code : '';
  return { code, message: first.message };
}
