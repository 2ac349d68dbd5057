import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { databaseError, sqlStateOf } from '../pg-errors.js';

/**
 * Says in our words why no connection could be had. Nothing was sent, so nothing was changed.
 * `exhausted`: every connection of the pool was lent out.
 */
export function connectError(error: unknown, location: string, exhausted: boolean): ApiKeysError {
  if (error instanceof ApiKeysError) return error;
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return refusedBy(sqlState, error);
  const { code, message } = describe(error);
  if (message.startsWith('SASL')) return noPassword(location);
  if (/does not support SSL/.test(message)) {
    return unreachable(`${location} does not offer TLS`, 'no_tls');
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

/** No statement of ours was sent yet, so what nobody foresaw lies in the server, a pooler or the settings of the login. */
function refusedBy(sqlState: string, error: unknown): ApiKeysError {
  const known = databaseError(error);
  if (known.code !== 'INTERNAL') return known;
  return new ApiKeysError('LOGIN_REFUSED', `the server refused the connection (SQLSTATE ${sqlState})`, {
    details: { reason: 'connection_refused' },
    sqlState,
  });
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/;

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
