import { deriveSecretState } from '../../domain/key.js';
import { checkScope, parseScopes } from '../../domain/scopes.js';
import { hashSecret, isMalformed } from '../../domain/secret.js';
import type { VerifyCode } from '../../domain/verification.js';
import { createSecretLookup } from '../../repository/secret-lookup.js';
import type { FoundSecret, VerifiedKey } from '../../repository/verify.js';
import type { ServiceContext } from '../context.js';
import { checkCount, type UsageRecorder } from '../usage/recorder.js';
import { type ExplainOptions, type Explanation, explainSecret } from './explain.js';

export type { VerifiedKey } from '../../repository/verify.js';
export type { Check, ExplainOptions, Explanation } from './explain.js';

export interface VerifyOptions {
  /** The key has to grant all of them. */
  readonly scopes?: readonly string[] | undefined;
  /** The key has to belong to this tenant: any other's is not found. */
  readonly tenant?: string | undefined;
  /** False leaves no trace in the usage. True unless told otherwise, where there is a recorder. */
  readonly count?: boolean | undefined;
  /** What the request costs, added to the key's spend if it is valid: a whole number of cents. */
  readonly spendCents?: number | undefined;
}

export interface Verification {
  readonly valid: boolean;
  readonly code: VerifyCode;
  /** The key, valid or not; null if there is none that this caller may know of. */
  readonly key: VerifiedKey | null;
  /** With `INSUFFICIENT_SCOPE`, the scopes that the key does not grant, in the order asked; else empty. */
  readonly missingScopes: readonly string[];
  /** True if the secret is not the key's newest: it ends with the grace period of a rotation. */
  readonly oldSecret: boolean;
}

export interface VerifierOptions {
  /** Counts what is verified; without one nothing is counted. */
  readonly usage?: UsageRecorder | undefined;
}

export interface Verifier {
  /**
   * Tells whether a raw key is valid now, by the database's clock. Resolves for whatever a client may send; the answer
   * is asked of the database each time, so a key that was revoked, frozen or retired before the call is never valid.
   *
   * Rejects with an `ApiKeysError` if the database gives no answer (`DATABASE_UNREACHABLE`, `DATABASE_TIMEOUT` and the
   * like), and with `INVALID_INPUT` for options that make no sense. The raw key is in no error.
   *
   * @example
   * const { valid, code, key } = await verifier.verify(raw, { scopes: ['orders:write'] });
   * if (!valid) return reply.status(code === 'INSUFFICIENT_SCOPE' ? 403 : 401).send();
   */
  verify(rawKey: string, options?: VerifyOptions): Promise<Verification>;
  /** Every check beside its answer, for a person who wonders why; counts as no request. */
  explain(rawKey: string, options?: ExplainOptions): Promise<Explanation>;
}

/** Answers for raw keys, from the database of the context. There is nothing to close. */
export function createVerifier(context: ServiceContext, { usage }: VerifierOptions = {}): Verifier {
  const lookUp = createSecretLookup(context.engine);
  let isReady = false;

  return {
    async verify(rawKey, options = {}) {
      const wanted = options.scopes === undefined ? [] : parseScopes(options.scopes);
      const spendCents = options.spendCents === undefined ? 0 : checkCount('the spend', options.spendCents);
      // Without types, an absent header comes as undefined.
      if (typeof rawKey !== 'string' || isMalformed(rawKey)) return MALFORMED;
      if (!isReady) {
        await context.ready();
        isReady = true;
      }
      const found = await lookUp(hashSecret(rawKey));
      if (found === undefined) return NOT_FOUND;
      if (options.tenant !== undefined && found.key.tenantId !== options.tenant) return NOT_FOUND;
      const verification = evaluate(found, wanted);
      if (usage !== undefined && options.count !== false) {
        const at = found.now.getTime();
        if (verification.valid) usage.countRequest(found.key.id, at, found.isOld, spendCents);
        else usage.countRefusal(found.key.id, at);
      }
      return verification;
    },
    explain: (rawKey, options = {}) => explainSecret(context, rawKey, options),
  };
}

const NO_SCOPES: readonly string[] = Object.freeze([]);

const noKey = (code: VerifyCode): Verification =>
  Object.freeze({ valid: false, code, key: null, missingScopes: NO_SCOPES, oldSecret: false });

const MALFORMED = noKey('MALFORMED');
const NOT_FOUND = noKey('NOT_FOUND');

function evaluate(found: FoundSecret, wanted: readonly string[]): Verification {
  const { key, isOld, now } = found;
  const state = deriveSecretState(found, key.expiresAt, now);
  const missing = state === 'VALID' && wanted.length > 0 ? checkScope(key.scopes, wanted).missing : NO_SCOPES;
  const code = missing.length > 0 ? 'INSUFFICIENT_SCOPE' : state;
  return { valid: code === 'VALID', code, key, missingScopes: missing, oldSecret: isOld };
}
