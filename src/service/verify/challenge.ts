import { ApiKeysError } from '../../errors.js';

/** The attributes of a challenge, in the order in which they are written. */
export interface Challenge {
  readonly realm: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly scope?: string;
}

/**
 * The value of `WWW-Authenticate` as RFC 6750, section 3, has it.
 *
 * @example
 * challengeOf({ realm: 'api', error: 'invalid_token' }) // Bearer realm="api", error="invalid_token"
 */
export function challengeOf(challenge: Challenge): string {
  const attributes = Object.entries(challenge).map(([name, value]) => `${name}=${quoted(value)}`);
  return `Bearer ${attributes.join(', ')}`;
}

/** A quoted-string of RFC 9110, section 5.6.4. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** At most 200 printable characters of ASCII: others would end the header, or be read as something else. */
export function checkRealm(text: string): string {
  if (/^[\x20-\x7e]{1,200}$/.test(text)) return text;
  throw new ApiKeysError('INVALID_INPUT', 'a realm is 1 to 200 printable characters of ASCII');
}
