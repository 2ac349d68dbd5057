import type { Session } from '../../db/engine.js';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { read } from '../../db/transaction.js';
import type { AuditEvent } from '../../domain/audit.js';
import { type Expiry, parseDuration, parseExpiry } from '../../domain/duration.js';
import { newId } from '../../domain/id.js';
import { isFrozenAt, type Key } from '../../domain/key.js';
import type { KeyReference } from '../../domain/key-reference.js';
import { secretDigest } from '../../domain/key-state.js';
import { hashSecret, keyPrefixOf, makeSecret } from '../../domain/secret.js';
import { insertEvents } from '../../repository/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { type KeyRow, lockKeys, markUnfrozen, patchKey } from '../../repository/keys.js';
import { advanceOwner, lockOwner } from '../../repository/owners.js';
import { HOLD_POLICIES } from '../../repository/policies.js';
import { insertRotation, type RotationFacts, readRotationFacts } from '../../repository/rotation.js';
import { endSecrets, findSecrets, type OlderSecret } from '../../repository/secrets.js';
import { secretUse } from '../../repository/usage.js';
import { chainOfKey, continueChains, requireIntactChains } from '../audit/append.js';
import { keyEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, requireKeyManagement, type ServiceContext } from '../context.js';
import { policyInForce, requirePrefix, requireScopes } from '../policy-in-force.js';
import { keyNotFound, keyRevoked, tooManySecrets } from '../refusals.js';
import type { Reveal } from './create-key.js';
import { getKey, type KeyLookup, reread } from './find-keys.js';
import { heldToPolicy, type Lifetime, type LifetimeCut, lifetimeAgain, lifetimeFrom } from './lifetime.js';
import { needsRoom, requireRoom } from './limit.js';
import {
  type RepeatableRotation,
  type RotationIdempotency,
  rotationIdempotency,
  wasRotatedBy,
} from './repeated-rotation.js';
import { REVEAL_IDLE, revealThenCommit } from './reveal.js';

/** How many secrets of one key may be valid at the same time, the new one included. */
const MOST_SECRETS = 3;

export interface RotateRequest extends KeyLookup {
  /** An id, a key prefix, a name or a raw key. */
  readonly key: KeyReference;
  /** How long older secrets stay valid, such as `24h`; `0` ends them now; the configured grace unless named. */
  readonly grace?: string | undefined;
  /** Another lifetime than the key had: a duration, a UTC day, through its end, an RFC 3339 time or `never`. */
  readonly expires?: string | undefined;
  /**
   * Lifts the key's own freeze in the same transaction. Unless a grace is named, the older secrets of a frozen key end
   * then, so that what was frozen never works again.
   */
  readonly unfreeze?: boolean | undefined;
  /**
   * A repetition with the same one makes no second secret. Remembered with the rotation's event in the audit trail.
   */
  readonly idempotencyKey?: string | undefined;
}

export interface RotatedKey {
  readonly key: Key;
  /** The new secret. It is in no other place: the database has its SHA-256 alone. Null for a repetition. */
  readonly apiKey: string | null;
  /** 0 for a repetition. */
  readonly changed: 0 | 1;
  /** The older secrets that were valid, and when each ends now; newest first. */
  readonly previous: readonly OlderSecret[];
  /** What the policy left of the key's lifetime, if that was too long; null for one that was named. */
  readonly lifetimeCut: LifetimeCut | null;
}

/**
 * Gives a key a new secret; the key keeps its id, its usage and its history. The new secret is current at once, and
 * every older one ends at the earliest of its own end, the key's expiry before the rotation, and now + grace: a
 * rotation never prolongs or revives. The key gets the same lifetime again. A frozen key stays frozen, unless it is
 * unfrozen by the same request.
 *
 * A key that has an end may end meanwhile, so its owner is held until the commit, `reveal` included: others that create or
 * rotate for this owner wait for it, at most the lock timeout, and then fail with `DATABASE_BUSY`, having changed nothing.
 *
 * Throws `FEATURE_DISABLED`, `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `IDEMPOTENCY_CONFLICT`,
 * `TOO_MANY_SECRETS`, `POLICY_VIOLATION`, `LIMIT_REACHED` (for an expired key, which becomes live again), what `reveal`
 * throws, and what {@link auditedTransaction} throws.
 */
export async function rotateKey(
  context: ServiceContext,
  request: RotateRequest,
  reveal: Reveal<RotatedKey> = async () => undefined,
): Promise<RotatedKey> {
  requireKeyManagement(context);
  const { settings, engine } = context;
  const repeatable = {
    grace: request.grace === undefined ? null : parseDuration(request.grace),
    expiry: request.expires === undefined ? null : parseExpiry(request.expires),
    unfreeze: request.unfreeze ?? false,
  };
  const draft = {
    ...repeatable,
    idempotency: rotationIdempotency(request.idempotencyKey, repeatable),
    actor: actorOf(context),
    eventId: newId(),
    unfreezeEventId: newId(),
    ...makeNewSecret(settings.prefix, settings.secretBytes),
  };
  const found = await getKey(context, request.key, request);
  // A key with an end may end while its secret is shown. Owners are held before keys, so one that was given an end since
  // takes another try.
  let withOwner = found.expiresAt !== null;
  return revealThenCommit(reveal, (revealOnce) =>
    auditedTransaction<RotatedKey>(
      engine,
      async (session, audit) => {
        if (withOwner) await lockOwner(session, found);
        const [row] = await lockKeys(session, [found.id]);
        if (row === undefined) throw keyNotFound([found.id]);
        if (await wasRotatedBy(session, row.id, draft.idempotency)) {
          const key = await reread(session, row.id);
          return audit.unchanged({ key, apiKey: null, previous: [], changed: 0, lifetimeCut: null });
        }
        if (row.expiresAt !== null && !withOwner) {
          withOwner = true;
          throw new OwnerNotHeld();
        }
        const grace = graceOf(row, draft, settings);
        const facts = await readRotationFacts(session, row, grace);
        requireRotatable(row, facts);
        const policy = await policyInForce(session, row.tenantId);
        requirePrefix(policy, settings.prefix);
        requireScopes(policy, row.scopes);
        const { now } = facts;
        const again = draft.expiry === null ? lifetimeAgain(row, now) : lifetimeFrom(draft.expiry, now);
        const asked = draft.expiry !== null;
        const { lifetime, cut } = heldToPolicy(again, { policy, asked, settings, now });
        await requireIntactChains(session, [chainOfKey(row)]);
        if (row.expiresAt !== null) {
          const counted = needsRoom(row.expiresAt, facts.countedAt, facts.now);
          if (counted) requireRoom(row, facts, { settings, policy });
          await advanceOwner(session, row, { countedAt: counted ? facts.now : undefined });
        }
        return audit.recordedBy(async () => {
          const stored = await storeRotation(session, row, facts, { ...draft, grace, lifetime });
          const rotated = { ...stored, lifetimeCut: cut };
          await revealOnce(rotated);
          return { eventId: draft.eventId, value: rotated };
        });
      },
      {
        idle: REVEAL_IDLE,
        prelude: HOLD_POLICIES,
        isRace: (error) => error instanceof OwnerNotHeld,
      },
    ),
  );
}

class OwnerNotHeld extends Error {}

/** How long older secrets have to be silent before they count as given up, in milliseconds. */
const QUIET = 60_000;

/** How far the clients of a rotated key have changed over to its newest secret. */
export interface ChangeOver {
  /** When a request last came on an older secret; null: never. */
  readonly oldSecretUsedAt: Date | null;
  /** Milliseconds since then; null: never. */
  readonly quietMs: number | null;
  /** Whether the newest secret has been used since it was made, and after any older one. */
  readonly newestUsed: boolean;
  /** The newest secret is in use and no older one has been for a minute: the grace period can be ended. */
  readonly complete: boolean;
}

/** Tells whether older secrets are still in use. Throws `KEY_NOT_FOUND` once the key is gone. */
export async function changeOver(context: ServiceContext, keyId: string): Promise<ChangeOver> {
  await context.ready();
  return read(context.engine, async (session) => {
    const use = await secretUse(session, keyId);
    const [newest] = await findSecrets(session, keyId);
    if (use === undefined || newest === undefined) throw keyNotFound([keyId]);
    const { lastUsedAt, oldSecretUsedAt, now } = use;
    // Before the rotation the older secret was the newest, and its use is not told apart.
    const since = Math.max(newest.createdAt.getTime(), oldSecretUsedAt?.getTime() ?? 0);
    const quietMs = oldSecretUsedAt && now.getTime() - oldSecretUsedAt.getTime();
    const newestUsed = lastUsedAt !== null && lastUsedAt.getTime() > since;
    const complete = newestUsed && (quietMs === null || quietMs >= QUIET);
    return { oldSecretUsedAt, quietMs, newestUsed, complete };
  });
}

export interface EndGraceRequest extends KeyLookup {
  readonly key: KeyReference;
}

export interface EndedGrace {
  readonly key: Key;
  /** The older secrets that this ended; newest first. */
  readonly previous: readonly OlderSecret[];
  /** 0 if every older secret had been ended for good before. */
  readonly changed: 0 | 1;
  /** The key's chain of the audit trail, if it was found broken: the change was made, and begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

/**
 * Ends the grace period: every older secret is retired now and for good, whatever the clock says later; the newest one stays.
 * Works on frozen keys, too.
 * Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, and what {@link auditedTransaction} throws.
 */
export async function endGrace(context: ServiceContext, request: EndGraceRequest): Promise<EndedGrace> {
  const actor = actorOf(context);
  const found = await getKey(context, request.key, request);
  const eventId = newId();
  return auditedTransaction<EndedGrace>(
    context.engine,
    async (session, audit) => {
      const [row] = await lockKeys(session, [found.id]);
      if (row === undefined) throw keyNotFound([found.id]);
      const moment = await readMoment(session);
      const { previous, changed } = await endSecrets(session, row.id, {
        now: moment.now,
        end: moment.now,
        olderOnly: true,
      });
      if (changed.length === 0) {
        const key = await reread(session, row.id);
        return audit.unchanged({ key, previous, changed: 0, brokenChains: [] });
      }
      const chain = chainOfKey(row);
      const [continuation] = await continueChains(session, [chain]);
      const event = keyEvent(
        row,
        { action: 'key.grace_ended', reason: null, details: { previous: changed.map(olderJson) } },
        { id: eventId, actor, moment },
        continuation,
      );
      await patchKey(session, { keyId: row.id, seq: event.seq, hash: event.hash }, {});
      const brokenChains = continuation?.brokenAt ? [chain] : [];
      const key = await reread(session, row.id);
      return audit.record([event], { key, previous, changed: 1, brokenChains });
    },
    { isRace: isPlaceTaken },
  );
}

interface RotationDraft {
  /** In milliseconds. */
  readonly grace: number;
  readonly expiry: Expiry | null;
  readonly unfreeze: boolean;
  readonly idempotency: RotationIdempotency | null;
  readonly actor: string;
  readonly eventId: string;
  readonly unfreezeEventId: string;
  readonly apiKey: string;
  readonly keyPrefix: string;
  readonly hash: Buffer;
}

function makeNewSecret(prefix: string, bytes: number): Pick<RotationDraft, 'apiKey' | 'keyPrefix' | 'hash'> {
  const apiKey = makeSecret(prefix, bytes);
  return { apiKey, keyPrefix: keyPrefixOf(apiKey, prefix), hash: hashSecret(apiKey) };
}

function requireRotatable(row: KeyRow, facts: RotationFacts): void {
  if (row.revokedAt !== null) throw keyRevoked(row, 'rotated');
  if (facts.older >= MOST_SECRETS) throw tooManySecrets(row, { older: facts.older, most: MOST_SECRETS });
}

/** In milliseconds. What was frozen on purpose must not be valid again because its key is. */
function graceOf(
  { frozenAt }: KeyRow,
  { grace, unfreeze }: RepeatableRotation,
  { rotationGrace }: ServiceContext['settings'],
): number {
  return grace ?? (unfreeze && frozenAt !== null ? 0 : rotationGrace);
}

async function storeRotation(
  session: Session,
  row: KeyRow,
  { now, role }: RotationFacts,
  draft: Omit<RotationDraft, 'expiry'> & { readonly lifetime: Lifetime },
): Promise<Omit<RotatedKey, 'lifetimeCut'> & { readonly apiKey: string }> {
  const { lifetime } = draft;
  const graceEnd = new Date(now.getTime() + draft.grace);
  const end = row.expiresAt !== null && row.expiresAt < graceEnd ? row.expiresAt : graceEnd;
  const { previous, changed } = await endSecrets(session, row.id, { now, end });
  const version = row.secretVersion + 1;
  const details = {
    version,
    key_prefix: draft.keyPrefix,
    previous: changed.map(olderJson),
    expires_at: lifetime.expiresAt,
    expires_at_before: row.expiresAt,
    lifetime_ms: lifetime.lifetimeMs,
    secret_digest: secretDigest(draft.hash),
    ...(draft.idempotency !== null && { idempotency: draft.idempotency }),
  };
  const event = keyEvent(
    row,
    { action: 'key.rotated', reason: null, details },
    { id: draft.eventId, actor: draft.actor, moment: { now, role } },
  );
  const secret = { hash: draft.hash, keyId: row.id, version, keyPrefix: draft.keyPrefix, createdAt: now };
  await insertRotation(session, { secret, ...lifetime, event });
  if (draft.unfreeze && isFrozenAt(row, now)) await storeUnfreeze(session, row, event, draft);
  return { key: await reread(session, row.id), apiKey: draft.apiKey, previous, changed: 1 };
}

/** Lifts the freeze of a key, with the event that follows its rotation. */
async function storeUnfreeze(
  session: Session,
  row: KeyRow,
  { seq, hash, at, dbRole }: AuditEvent,
  { unfreezeEventId, actor }: Pick<RotationDraft, 'unfreezeEventId' | 'actor'>,
): Promise<void> {
  const event = keyEvent(
    row,
    { action: 'key.unfrozen', reason: null, details: {} },
    { id: unfreezeEventId, actor, moment: { now: at, role: dbRole } },
    { head: { seq, hash }, brokenAt: null },
  );
  await insertEvents(session, [event]);
  await markUnfrozen(session, [{ keyId: row.id, seq: event.seq, hash: event.hash }]);
}

const olderJson = ({ version, keyPrefix, validUntil }: OlderSecret) => ({
  version,
  key_prefix: keyPrefix,
  valid_until: validUntil,
});
