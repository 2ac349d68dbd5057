import { createHash } from 'node:crypto';
import type { Session } from '../../db/engine.js';
import { type AuditEvent, EMPTY_CHAIN } from '../../domain/audit.js';
import { type Expiry, parseExpiry } from '../../domain/duration.js';
import { newId } from '../../domain/id.js';
import { DEFAULT_TENANT, type Key } from '../../domain/key.js';
import { secretDigest } from '../../domain/key-state.js';
import { hasLimits, type Limits, limitFacts } from '../../domain/limits.js';
import { parseScopes } from '../../domain/scopes.js';
import { hashSecret, keyPrefixOf, makeSecret } from '../../domain/secret.js';
import {
  checkDescription,
  checkIdempotencyKey,
  checkMetadata,
  checkName,
  checkOwner,
} from '../../domain/text.js';
import { invariant } from '../../errors.js';
import { findKeys } from '../../repository/key-records.js';
import { countLiveKeys, findByIdempotencyKey, insertKey } from '../../repository/keys.js';
import { storeLimits } from '../../repository/limits.js';
import {
  advanceOwner,
  insertOwner,
  lockOwner,
  type OwnerRef,
  type OwnerRow,
} from '../../repository/owners.js';
import { HOLD_POLICIES } from '../../repository/policies.js';
import { chainEvent } from '../audit/events.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, requireKeyManagement, type ServiceContext, tenantOf } from '../context.js';
import { type LimitOptions, parseLimits } from '../limits-request.js';
import { policyInForce, requirePrefix, requireScopes } from '../policy-in-force.js';
import { idempotencyConflict } from '../refusals.js';
import { heldToPolicy, type Lifetime, type LifetimeCut, lifetimeFrom } from './lifetime.js';
import { requireOwnerNotFrozen, requireRoom } from './limit.js';
import { REVEAL_IDLE, revealThenCommit } from './reveal.js';

export interface CreateRequest extends LimitOptions {
  readonly name: string;
  readonly owner: string;
  readonly scopes?: readonly string[];
  /** `30d`, a UTC day, through its end, an RFC 3339 time or `never`; the configured lifetime unless named. */
  readonly expires?: string | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  /** A repetition with the same one gives the same key, and makes none. Remembered for as long as the key is kept. */
  readonly idempotencyKey?: string | undefined;
}

export interface CreatedKey {
  readonly key: Key;
  /** The secret. It is in no other place: the database has its SHA-256 alone. Null for a repetition. */
  readonly apiKey: string | null;
  /** 0 for a repetition. */
  readonly changed: 0 | 1;
  /** True for the first key that its owner ever had. */
  readonly firstKey: boolean;
  /** True if its tenant had no owner before. */
  readonly newTenant: boolean;
  /** What the policy left of the configured lifetime, if that was too long; null for one that was named. */
  readonly lifetimeCut: LifetimeCut | null;
}

/** Shows the secret to whoever is to have it. It is called before the commit, once; if it throws, nothing is made. */
export type Reveal<Made> = (made: Made & { readonly apiKey: string }) => Promise<void>;

/**
 * Makes a key and its first secret, in the tenant of the caller or else in `default`.
 *
 * The owner's row is locked, then its live keys are counted in a later statement, so that the limit is exact
 * under any concurrency. With `reveal` the secret is shown first and the key committed after, so that no live
 * key exists that nobody saw.
 *
 * Throws `INVALID_INPUT`, `FEATURE_DISABLED`, `IDEMPOTENCY_CONFLICT`, `OWNER_FROZEN`, `POLICY_VIOLATION`, `LIMIT_REACHED`,
 * what `reveal` throws, and what {@link auditedTransaction} throws.
 */
export async function createKey(
  context: ServiceContext,
  request: CreateRequest,
  reveal: Reveal<CreatedKey> = async () => undefined,
): Promise<CreatedKey> {
  requireKeyManagement(context);
  const draft = makeKeyDraft(context, request);
  await context.ready();
  return revealThenCommit(reveal, (revealOnce) =>
    auditedTransaction<CreatedKey>(
      context.engine,
      async (session, audit) => {
        const { owner, newTenant } = await holdOwner(session, draft);
        const before = await findRepeated(session, draft);
        if (before !== undefined) return audit.unchanged({ ...before, newTenant });
        const { events, ...stored } = await storeKey(session, context, draft, owner);
        const created = { ...stored, newTenant };
        const recorded = await audit.record(events, created);
        await revealOnce(created);
        return recorded;
      },
      { idle: REVEAL_IDLE, prelude: HOLD_POLICIES },
    ),
  );
}

/** All that is decided before the transaction begins, so that a retry writes the same key, secret and event. */
interface KeyDraft extends OwnerRef {
  readonly id: string;
  readonly eventId: string;
  readonly firstKeyEventId: string;
  readonly apiKey: string;
  readonly keyPrefix: string;
  readonly secretHash: Buffer;
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly expiry: Expiry;
  /** Whether the request named it. */
  readonly expiryAsked: boolean;
  readonly prefix: string;
  readonly idempotency: { readonly key: string; readonly digest: Buffer } | null;
  readonly actor: string;
}

function makeKeyDraft(context: ServiceContext, request: CreateRequest): KeyDraft {
  const { settings } = context;
  const checked = {
    tenantId: tenantOf(context) ?? DEFAULT_TENANT,
    ownerId: checkOwner(request.owner),
    name: checkName(request.name, settings.prefix),
    description: checkDescription(request.description ?? ''),
    scopes: parseScopes(request.scopes ?? []),
    metadata: checkMetadata(request.metadata ?? {}),
    limits: parseLimits(request),
    expiry: request.expires === undefined ? settings.defaultExpiry : parseExpiry(request.expires),
    actor: actorOf(context),
  };
  const apiKey = makeSecret(settings.prefix, settings.secretBytes);
  return {
    ...checked,
    expiryAsked: request.expires !== undefined,
    prefix: settings.prefix,
    idempotency:
      request.idempotencyKey === undefined
        ? null
        : {
            key: checkIdempotencyKey(request.idempotencyKey),
            // What was not named is left out, so that another default later is not another request.
            digest: digestOf({ ...checked, expiry: request.expires === undefined ? null : checked.expiry }),
          },
    id: newId(),
    eventId: newId(),
    firstKeyEventId: newId(),
    apiKey,
    keyPrefix: keyPrefixOf(apiKey, settings.prefix),
    secretHash: hashSecret(apiKey),
  };
}

interface Repeatable {
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly expiry: Expiry | null;
}

/** The SHA-256 of all that two requests have to agree on to be the same one. */
function digestOf({ name, description, scopes, metadata, limits, expiry }: Repeatable): Buffer {
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(
      JSON.stringify([name, description, scopes, pairs, expiry, ...(hasLimits(limits) ? [limits] : [])]),
    )
    .digest();
}

/** The key that the same request made before. The owner's row is held, so nobody makes it meanwhile. */
async function findRepeated(
  session: Session,
  draft: KeyDraft,
): Promise<Omit<CreatedKey, 'newTenant'> | undefined> {
  const { idempotency } = draft;
  if (idempotency === null) return undefined;
  const before = await findByIdempotencyKey(session, draft, idempotency.key);
  if (before === undefined) return undefined;
  if (!before.digest.equals(idempotency.digest)) throw idempotencyConflict(before.id);
  const [key] = await findKeys(session, [before.id]);
  return key && { key, apiKey: null, changed: 0, firstKey: false, lifetimeCut: null };
}

async function storeKey(
  session: Session,
  { settings }: ServiceContext,
  draft: KeyDraft,
  owner: OwnerRow,
): Promise<Omit<CreatedKey, 'newTenant'> & { readonly apiKey: string; readonly events: AuditEvent[] }> {
  const { live, now, role } = await countLiveKeys(session, draft);
  requireOwnerNotFrozen(draft, owner, now);
  const policy = await policyInForce(session, draft.tenantId);
  requirePrefix(policy, draft.prefix);
  requireScopes(policy, draft.scopes);
  const { lifetime, cut } = heldToPolicy(lifetimeFrom(draft.expiry, now), {
    policy,
    asked: draft.expiryAsked,
    settings,
    now,
  });
  requireRoom(draft, { maxKeys: owner.maxKeys, live }, { settings, policy });
  const firstKey = owner.version === 0;

  const { tenantId, ownerId } = draft;
  const origin = { actor: draft.actor, moment: { now, role } };
  const created = chainEvent(
    { tenantId, ownerId, keyId: draft.id },
    { head: EMPTY_CHAIN, brokenAt: null },
    { action: 'key.created', reason: null, details: createdDetails(draft, lifetime) },
    { id: draft.eventId, ...origin },
  );
  const ownerEvents: AuditEvent[] = firstKey
    ? [
        chainEvent(
          { tenantId, ownerId, keyId: null },
          { head: { seq: owner.auditSeq, hash: owner.auditHash }, brokenAt: null },
          { action: 'owner.first_key', reason: null, details: { key_id: draft.id } },
          { id: draft.firstKeyEventId, ...origin },
        ),
      ]
    : [];

  await advanceOwner(session, draft, { head: ownerEvents[0], countedAt: now });
  await insertKey(session, {
    ...draft,
    createdAt: now,
    createdBy: draft.actor,
    ...lifetime,
    auditSeq: created.seq,
    auditHash: created.hash,
    limited: owner.limited || hasLimits(draft.limits),
  });
  if (hasLimits(draft.limits)) await storeLimits(session, { keyId: draft.id }, draft.limits);
  return {
    key: newKey(draft, now, lifetime.expiresAt),
    apiKey: draft.apiKey,
    changed: 1,
    firstKey,
    lifetimeCut: cut,
    events: [created, ...ownerEvents],
  };
}

const createdDetails = (draft: KeyDraft, { expiresAt, lifetimeMs }: Lifetime) => ({
  name: draft.name,
  description: draft.description,
  scopes: draft.scopes,
  metadata: draft.metadata,
  key_prefix: draft.keyPrefix,
  expires_at: expiresAt,
  lifetime_ms: lifetimeMs,
  secret_digest: secretDigest(draft.secretHash),
  ...(hasLimits(draft.limits) && { limits: limitFacts(draft.limits) }),
});

/** An owner is made with its first key and never deleted, so most often one statement is enough. */
async function holdOwner(session: Session, ref: OwnerRef): Promise<{ owner: OwnerRow; newTenant: boolean }> {
  const known = await lockOwner(session, ref);
  if (known !== undefined) return { owner: known, newTenant: false };
  const { newTenant } = await insertOwner(session, ref);
  const owner = await lockOwner(session, ref);
  invariant(owner !== undefined, 'an owner that was just made is not there');
  return { owner, newTenant };
}

function newKey(draft: KeyDraft, createdAt: Date, expiresAt: Date | null): Key {
  return {
    id: draft.id,
    tenantId: draft.tenantId,
    ownerId: draft.ownerId,
    name: draft.name,
    description: draft.description,
    keyPrefix: draft.keyPrefix,
    status: 'active',
    scopes: [...draft.scopes],
    limits: hasLimits(draft.limits) ? draft.limits : null,
    metadata: draft.metadata,
    isFrozen: false,
    frozenByOwner: false,
    frozenAt: null,
    frozenUntil: null,
    frozenReason: null,
    createdAt,
    createdBy: draft.actor,
    expiresAt,
    lastUsedAt: null,
    totalRequests: 0,
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
  };
}
