import { parseScopes } from '../../domain/scopes.js';
import type { VerifyCode } from '../../domain/verification.js';
import { invariant } from '../../errors.js';
import { type Challenge, challengeOf } from './challenge.js';
import { credentialsOf, type HeaderedRequest } from './credentials.js';
import { type RateLimitFields, rateLimitFields } from './rate-limit-fields.js';
import type { Verification, VerifiedKey, Verifier, VerifyOptions } from './verify.js';

export type { HeaderedRequest, RequestHeaders } from './credentials.js';

/** The request may go on. */
export interface Authenticated {
  readonly ok: true;
  readonly key: VerifiedKey;
  readonly verification: Verification;
  /** What a client may be told of its limits; empty where there are none. */
  readonly headers: RateLimitFields;
}

/** Why a request was refused: for the application's own log. A client is told less. */
export type RefusalCode = 'NO_CREDENTIALS' | 'INVALID_REQUEST' | Exclude<VerifyCode, 'VALID'>;

/** What to answer. It tells a stranger nothing of the key: not whether it exists, nor why it is not valid. */
export interface Refusal {
  readonly ok: false;
  /**
   * 400: the request cannot be understood; 401: no valid key; 403: a valid key that does not grant the scopes, or not from this
   * address; 429: a valid key that has used up what it may.
   */
  readonly status: 400 | 401 | 403 | 429;
  readonly headers: RateLimitFields & { readonly 'WWW-Authenticate'?: string };
  /** To be sent as JSON. */
  readonly body: { readonly error: string; readonly message: string };
  readonly code: RefusalCode;
  /** The key, known but refused; null if there is none. */
  readonly key: VerifiedKey | null;
}

export type Authentication = Authenticated | Refusal;

/** See `ApiKeys.authenticate`. */
export async function authenticate(
  verifier: Pick<Verifier, 'verify'>,
  realm: string,
  request: HeaderedRequest,
  options: VerifyOptions = {},
): Promise<Authentication> {
  const scopes = parseScopes(options.scopes ?? []);
  const credentials = credentialsOf(request);
  if (credentials.kind === 'none') {
    // RFC 6750, section 3.1: whoever sent no credentials is told no error, only how to authenticate.
    return {
      ok: false,
      status: 401,
      headers: { 'WWW-Authenticate': challengeOf({ realm }) },
      body: {
        error: 'missing_credentials',
        message: 'send an API key as "Authorization: Bearer <key>" or "X-API-Key: <key>"',
      },
      code: 'NO_CREDENTIALS',
      key: null,
    };
  }
  if (credentials.kind === 'unclear') {
    return refuse(400, { realm, error: 'invalid_request', error_description: credentials.why });
  }
  const verification = await verifier.verify(credentials.rawKey, { ...options, scopes });
  const { code, key } = verification;
  if (code === 'VALID') {
    invariant(key !== null, 'a key is valid, and yet there is none');
    return { ok: true, key, verification, headers: rateLimitFields(verification) };
  }
  if (code === 'INSUFFICIENT_SCOPE') {
    const error_description = 'the API key does not grant every scope that this needs';
    return refuse(
      403,
      { realm, error: 'insufficient_scope', error_description, scope: scopes.join(' ') },
      { code, key },
    );
  }
  const used = USED_UP.get(code);
  if (used !== undefined) return tooMany(verification, used);
  if (code === 'IP_NOT_ALLOWED') {
    const error_description = 'the API key may not be used from this address';
    return refuse(403, { realm, error: 'address_not_allowed', error_description }, { code, key });
  }
  const error_description = 'the API key is not valid';
  return refuse(401, { realm, error: 'invalid_token', error_description }, { code, key });
}

/** What a key has used up, by the code that says so. */
const USED_UP: ReadonlyMap<VerifyCode, string> = new Map([
  ['RATE_LIMITED', 'rate'],
  ['QUOTA_EXCEEDED', 'quota'],
  ['BUDGET_EXCEEDED', 'budget'],
]);

function tooMany({ code, key, ...verification }: Verification, what: string): Refusal {
  invariant(code !== 'VALID', 'a key that is valid was refused');
  const message = `the ${what} of the API key is used up`;
  const headers = rateLimitFields(verification);
  return { ok: false, status: 429, headers, body: { error: code.toLowerCase(), message }, code, key };
}

/**
 * A refusal as a `Response` of the web, its body as JSON.
 *
 * @example
 * const caller = await keys.authenticate(new Request('http://localhost/orders'));
 * const response = caller.ok ? new Response('welcome') : refusalResponse(caller); // 401
 */
export function refusalResponse({ status, headers, body }: Refusal): Response {
  return Response.json(body, { status, headers: { ...headers } });
}

function refuse(
  status: Refusal['status'],
  challenge: Challenge & { readonly error: string; readonly error_description: string },
  cause: Pick<Refusal, 'code' | 'key'> = { code: 'INVALID_REQUEST', key: null },
): Refusal {
  return {
    ok: false,
    status,
    headers: { 'WWW-Authenticate': challengeOf(challenge) },
    body: { error: challenge.error, message: challenge.error_description },
    ...cause,
  };
}
