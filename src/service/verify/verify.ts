import { parseAddress } from '../../domain/address.js';
import { parseScopes } from '../../domain/scopes.js';
import { hashSecret, isMalformed } from '../../domain/secret.js';
import { createRequestCounter } from '../../repository/limit-counters.js';
import { createSecretLookup } from '../../repository/secret-lookup.js';
import type { ServiceContext } from '../context.js';
import { checkCount, type UsageRecorder } from '../usage/recorder.js';
import { type ExplainOptions, type Explanation, explainSecret } from './explain.js';
import { MALFORMED, NOT_FOUND, type Verification, verificationOf, withLimits } from './verification.js';

export type { VerifiedKey } from '../../repository/verify.js';
export type { Check, ExplainOptions, Explanation } from './explain.js';
export type { Verification } from './verification.js';

export interface VerifyOptions {
  /** The key has to grant all of them. */
  readonly scopes?: readonly string[] | undefined;
  /** The key has to belong to this tenant: any other's is not found. */
  readonly tenant?: string | undefined;
  /** The client's address, for a key that is allowed some alone: which of those that a request names is for you to know. */
  readonly ip?: string | undefined;
  /** False leaves no trace in the usage, and uses up no limit. True unless told otherwise, where there is a recorder. */
  readonly count?: boolean | undefined;
  /**
   * What the request costs, a whole number of cents: it is added to the key's spend if it is valid, and a budget has to have
   * as much left, which is taken from it at once.
   */
  readonly spendCents?: number | undefined;
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
  /** The same answer with every check beside its own, for a person who wonders why; counts as no request. */
  explain(rawKey: string, options?: ExplainOptions): Promise<Explanation>;
}

/** Answers for raw keys, from the database of the context. There is nothing to close. */
export function createVerifier(context: ServiceContext, { usage }: VerifierOptions = {}): Verifier {
  const lookUp = createSecretLookup(context.engine);
  const countRequest = createRequestCounter(context.engine);
  let isReady = false;

  return {
    async verify(rawKey, options = {}) {
      const scopes = options.scopes === undefined ? [] : parseScopes(options.scopes);
      const spendCents = options.spendCents === undefined ? 0 : checkCount('the spend', options.spendCents);
      const ip = options.ip === undefined ? null : parseAddress(options.ip);
      // Without types, an absent header comes as undefined.
      if (typeof rawKey !== 'string' || isMalformed(rawKey)) return MALFORMED;
      if (!isReady) {
        await context.ready();
        isReady = true;
      }
      const found = await lookUp(hashSecret(rawKey));
      const known = verificationOf(found, { tenant: options.tenant, scopes });
      if (found === undefined || known === NOT_FOUND) return NOT_FOUND;
      const counts = usage !== undefined && options.count !== false;
      const isAsked = known.valid && found.limited;
      const { id: keyId, tenantId, ownerId } = found.key;
      const verification = isAsked
        ? withLimits(
            known,
            await countRequest({ keyId, tenantId, ownerId, spendCents, ip, counts }),
            spendCents,
          )
        : known;
      if (counts) {
        const at = found.now.getTime();
        // What a budget has reserved is not taken from it again.
        const late = isAsked ? 0 : spendCents;
        if (verification.valid) usage.countRequest(keyId, at, found.isOld, { spendCents, late });
        else usage.countRefusal(keyId, at);
      }
      return verification;
    },
    explain: (rawKey, options = {}) => explainSecret(context, rawKey, options),
  };
}
