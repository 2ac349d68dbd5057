import { read } from '../../db/transaction.js';
import { hasEnded, isFrozenAt } from '../../domain/key.js';
import { checkScope, parseScopes } from '../../domain/scopes.js';
import { hashSecret, hasValidChecksum, isMalformed } from '../../domain/secret.js';
import type { VerifyCode } from '../../domain/verification.js';
import { findSecretFacts, type SecretFacts } from '../../repository/verify.js';
import type { ServiceContext } from '../context.js';

export interface ExplainOptions {
  readonly scopes?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
}

export type CheckName =
  | 'format'
  | 'checksum'
  | 'known'
  | 'tenant'
  | 'not-revoked'
  | 'not-frozen'
  | 'not-retired'
  | 'not-expired'
  | 'scopes';

export interface Check {
  readonly check: CheckName;
  /** Null where there was nothing to check. A wrong checksum alone does not refuse a key: it may be an imported one. */
  readonly passed: boolean | null;
  /** One sentence for a person. It never holds a part of the raw key. */
  readonly detail: string;
}

export interface Explanation {
  /** What `verify` answers. */
  readonly code: VerifyCode;
  /** Null where the key is not known, or not of this tenant. */
  readonly keyId: string | null;
  /** In the order in which they decide; each is answered by itself, also after one that failed. */
  readonly checks: readonly Check[];
}

/** See `Verifier.explain`. All answers are as of one reading of the database's clock. */
export async function explainSecret(
  context: ServiceContext,
  rawKey: string,
  { scopes, tenant }: ExplainOptions,
): Promise<Explanation> {
  const wanted = scopes === undefined ? [] : parseScopes(scopes);
  const malformed = typeof rawKey !== 'string' || isMalformed(rawKey);
  const format = check(
    'format',
    !malformed,
    malformed ? 'it is empty, over 512 bytes, or has control characters' : 'it can be a key',
  );
  if (malformed) return { code: 'MALFORMED', keyId: null, checks: [format] };
  const form = [format, checksum(rawKey, context.settings)];
  await context.ready();
  const facts = await read(context.engine, (session) => findSecretFacts(session, hashSecret(rawKey)));
  if (facts === undefined) {
    return {
      code: 'NOT_FOUND',
      keyId: null,
      checks: [...form, check('known', false, 'no key has this secret')],
    };
  }
  if (tenant !== undefined && facts.tenantId !== tenant) {
    return {
      code: 'NOT_FOUND',
      keyId: null,
      checks: [...form, check('tenant', false, 'no key of this tenant has this secret')],
    };
  }
  const known = [check('known', true, `the key ${facts.keyId} has this secret`)];
  if (tenant !== undefined) known.push(check('tenant', true, 'the key is of this tenant'));
  const deciding = decide(facts, wanted);
  const failed = deciding.find(({ passed }) => passed === false);
  return {
    code: failed === undefined ? 'VALID' : (CODES[failed.check] ?? 'NOT_FOUND'),
    keyId: facts.keyId,
    checks: [...form, ...known, ...deciding],
  };
}

const CODES: Partial<Record<CheckName, VerifyCode>> = {
  'not-revoked': 'REVOKED',
  'not-frozen': 'FROZEN',
  'not-retired': 'RETIRED',
  'not-expired': 'EXPIRED',
  scopes: 'INSUFFICIENT_SCOPE',
};

const check = (name: CheckName, passed: boolean | null, detail: string): Check => ({
  check: name,
  passed,
  detail,
});

/** What the shape of the text says by itself: a typing error is found without the database. */
function checksum(raw: string, settings: ServiceContext['settings']): Check {
  if (hasValidChecksum(raw)) return check('checksum', true, 'the checksum is right');
  const digits = raw.startsWith(settings.prefix) ? raw.slice(settings.prefix.length) : '';
  if (!/^[0-9a-f]+$/i.test(digits)) {
    return check(
      'checksum',
      null,
      'it is not shaped like a secret made here: it has no checksum, unless it is mistyped',
    );
  }
  const missing = 2 * settings.secretBytes - digits.length;
  if (missing > 0) {
    return check(
      'checksum',
      false,
      `it looks truncated: ${missing} of ${2 * settings.secretBytes} digits are missing`,
    );
  }
  return check('checksum', false, 'the checksum is wrong: it is mistyped, or digits were added');
}

function decide(facts: SecretFacts, wanted: readonly string[]): Check[] {
  const { now, revokedAt, validUntil, ended, expiresAt } = facts;
  const retired = ended || hasEnded(validUntil, now);
  const expired = hasEnded(expiresAt, now);
  const { ok, missing } = checkScope(facts.scopes, wanted);
  return [
    check(
      'not-revoked',
      revokedAt === null,
      revokedAt === null ? 'the key is not revoked' : `the key was revoked at ${iso(revokedAt)}`,
    ),
    freeze(facts),
    check('not-retired', !retired, lifeOfSecret(facts, retired)),
    check(
      'not-expired',
      !expired,
      expiresAt === null
        ? 'the key never expires'
        : `the key ${expired ? 'expired' : 'expires'} at ${iso(expiresAt)}`,
    ),
    wanted.length === 0
      ? check('scopes', null, 'no scope was asked for')
      : check(
          'scopes',
          ok,
          ok ? 'the key grants every scope asked for' : `the key does not grant ${missing.join(', ')}`,
        ),
  ];
}

function freeze(facts: SecretFacts): Check {
  const { now, frozenAt, frozenUntil, ownerFrozenAt, ownerFrozenUntil } = facts;
  if (isFrozenAt({ frozenAt, frozenUntil }, now)) {
    return check('not-frozen', false, `the key is frozen ${until(frozenUntil)}`);
  }
  if (isFrozenAt({ frozenAt: ownerFrozenAt, frozenUntil: ownerFrozenUntil }, now)) {
    return check('not-frozen', false, `the key's owner is frozen ${until(ownerFrozenUntil)}`);
  }
  return check('not-frozen', true, 'neither the key nor its owner is frozen');
}

function lifeOfSecret({ version, newestVersion, validUntil }: SecretFacts, retired: boolean): string {
  if (validUntil === null) return "the secret is the key's newest";
  const which = `secret ${version} of ${newestVersion}`;
  return retired ? `${which} ended at ${iso(validUntil)}` : `${which} is valid until ${iso(validUntil)}`;
}

const iso = (time: Date): string => time.toISOString();
const until = (time: Date | null): string => (time === null ? 'until it is unfrozen' : `until ${iso(time)}`);
