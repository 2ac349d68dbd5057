import { read } from '../../db/transaction.js';
import { flawOf, flawWords } from '../../domain/pasted-key.js';
import { checkScope, parseScopes } from '../../domain/scopes.js';
import { hashSecret, hasValidChecksum, isMalformed } from '../../domain/secret.js';
import { type AskedOfKey, CHECKS, type CheckName } from '../../domain/verification.js';
import { findSecretFacts, type SecretFacts } from '../../repository/verify.js';
import type { ServiceContext } from '../context.js';
import { MALFORMED, NOT_FOUND, type Verification, verificationOf } from './verification.js';

export interface ExplainOptions {
  readonly scopes?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
}

export interface Check {
  readonly check: CheckName;
  /**
   * Null where there was nothing to check, or a check before it left nothing to look at. A wrong checksum alone does
   * not refuse a key: it may be an imported one.
   */
  readonly passed: boolean | null;
  /** One sentence for a person. It never holds a part of the raw key. */
  readonly detail: string;
}

/** What `verify` answers, and why. */
export interface Explanation extends Verification {
  /** Null where the key is not known, or not of this tenant. */
  readonly keyId: string | null;
  /** In the order in which they decide. Of a known key each is answered by itself, also after one that failed. */
  readonly checks: readonly Check[];
}

/** See `Verifier.explain`. The answer and all checks come from one read, so from one reading of the database's clock. */
export async function explainSecret(
  context: ServiceContext,
  rawKey: string,
  { scopes, tenant }: ExplainOptions,
): Promise<Explanation> {
  const asked = { tenant, scopes: scopes === undefined ? [] : parseScopes(scopes) };
  if (typeof rawKey !== 'string' || isMalformed(rawKey)) {
    const malformed = answer(false, 'it is empty, over 512 bytes, or has control characters');
    return explanation(MALFORMED, asked, { format: malformed });
  }
  const ofText = { format: answer(true, 'it can be a key'), checksum: checksum(rawKey, context.settings) };
  await context.ready();
  const facts = await read(context.engine, (session) => findSecretFacts(session, hashSecret(rawKey)));
  const verification = verificationOf(facts, asked);
  if (facts === undefined || verification === NOT_FOUND) {
    const known = `no key ${tenant === undefined ? '' : 'of this tenant '}has this secret`;
    return explanation(NOT_FOUND, asked, { ...ofText, known: answer(false, known) });
  }
  return explanation(verification, asked, { ...ofText, ...answersOf(facts, asked) });
}

type Answer = Omit<Check, 'check'>;

const answer = (passed: boolean | null, detail: string): Answer => ({ passed, detail });

const NOT_REACHED = answer(null, 'not reached');

function explanation(
  verification: Verification,
  { tenant }: AskedOfKey,
  answers: Partial<Readonly<Record<CheckName, Answer>>>,
): Explanation {
  const asked = CHECKS.filter(({ check }) => check !== 'tenant' || tenant !== undefined);
  return {
    ...verification,
    keyId: verification.key?.id ?? null,
    checks: asked.map(({ check }) => ({ check, ...(answers[check] ?? NOT_REACHED) })),
  };
}

/** What the shape of the text says by itself: a typing error is found without the database. */
function checksum(raw: string, settings: ServiceContext['settings']): Answer {
  if (hasValidChecksum(raw)) return answer(true, 'the checksum is right');
  const flaw = flawOf(raw, settings);
  if (flaw !== null) return answer(false, flawWords(flaw));
  return answer(null, 'it is not shaped like a secret made here: it has no checksum, unless it is mistyped');
}

/** The checks of a key that is known, each decided by the rule that `verify` decides by. */
function answersOf(facts: SecretFacts, asked: AskedOfKey): Partial<Record<CheckName, Answer>> {
  const answers: Partial<Record<CheckName, Answer>> = {
    known: answer(true, `the key ${facts.key.id} has this secret`),
  };
  for (const { check, fails } of CHECKS) {
    if (fails === null) continue;
    const passed = !fails(facts, asked);
    const isAsked = check !== 'scopes' || asked.scopes.length > 0;
    answers[check] = isAsked ? answer(passed, DETAILS[check](facts, passed, asked)) : NO_SCOPE_ASKED;
  }
  return answers;
}

const NO_SCOPE_ASKED = answer(null, 'no scope was asked for');

type StateCheck = Exclude<CheckName, 'format' | 'checksum' | 'known'>;

const DETAILS: Readonly<
  Record<StateCheck, (facts: SecretFacts, passed: boolean, asked: AskedOfKey) => string>
> = {
  tenant: () => 'the key is of this tenant',
  'not-revoked': ({ revokedAt }) =>
    revokedAt === null ? 'the key is not revoked' : `the key was revoked at ${iso(revokedAt)}`,
  'not-frozen': ({ frozenBy, frozenUntil }) => {
    if (frozenBy === null) return 'neither the key nor its owner is frozen';
    return `the key${frozenBy === 'owner' ? "'s owner" : ''} is frozen ${until(frozenUntil)}`;
  },
  'not-retired': ({ version, newestVersion, endsAt }, passed) => {
    if (endsAt === null) return "the secret is the key's newest";
    return `secret ${version} of ${newestVersion} ${passed ? 'is valid until' : 'ended at'} ${iso(endsAt)}`;
  },
  'not-expired': ({ key: { expiresAt } }, passed) =>
    expiresAt === null
      ? 'the key never expires'
      : `the key ${passed ? 'expires' : 'expired'} at ${iso(expiresAt)}`,
  scopes: ({ key }, passed, { scopes }) =>
    passed
      ? 'the key grants every scope asked for'
      : `the key does not grant ${checkScope(key.scopes, scopes).missing.join(', ')}`,
};

const iso = (time: Date): string => time.toISOString();
const until = (time: Date | null): string => (time === null ? 'until it is unfrozen' : `until ${iso(time)}`);
