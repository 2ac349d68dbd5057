import { v7 as uuidv7 } from 'uuid';
import type { Session } from '../db/engine.js';
import { transaction } from '../db/transaction.js';
import { type AuditEvent, nextEvent } from '../domain/audit.js';
import { type Expiry, parseExpiry } from '../domain/duration.js';
import { DEFAULT_TENANT, isFrozenAt, type Key } from '../domain/key.js';
import { quote } from '../domain/quote.js';
import { parseScopes } from '../domain/scopes.js';
import { hashSecret, keyPrefixOf, makeSecret } from '../domain/secret.js';
import {
  checkActor,
  checkDescription,
  checkMetadata,
  checkName,
  checkOwner,
  checkTenant,
} from '../domain/text.js';
import { ApiKeysError } from '../errors.js';
import { eventIsStored, insertEvents } from '../repository/audit.js';
import { countLiveKeys, insertKey } from '../repository/keys.js';
import {
  advanceOwner,
  insertOwner,
  type LockedOwner,
  lockOwner,
  type OwnerRef,
} from '../repository/owners.js';
import { requireKeyManagement, type ServiceContext } from './context.js';
import { REVEAL_TIMEOUT, revealThenCommit } from './reveal.js';

export interface CreateRequest {
  readonly name: string;
  readonly owner: string;
  /** `default` unless named. */
  readonly tenant?: string | undefined;
  readonly scopes?: readonly string[];
  /** `30d`, an RFC 3339 time or `never`; the configured lifetime unless named. */
  readonly expires?: string | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Who does it: the audit trail names them. */
  readonly actor: string;
}

export interface CreatedKey {
  readonly key: Key;
  /** The secret. It is in no other place: the database has its SHA-256 alone. */
  readonly apiKey: string;
  /** True for the first key that its owner ever had. */
  readonly firstKey: boolean;
  /** True if its tenant had no owner before. */
  readonly newTenant: boolean;
}

/** Shows the secret to whoever is to have it. It is called before the commit, once; if it throws, no key is made. */
export type Reveal = (created: CreatedKey) => Promise<void>;

/**
 * Makes a key and its first secret.
 *
 * The owner's row is locked, then its live keys are counted in a later statement, so that the limit is exact
 * under any concurrency. With `reveal` the secret is shown first and the key committed after, so that no live
 * key exists that nobody saw.
 *
 * Throws `INVALID_INPUT`, `FEATURE_DISABLED`, `OWNER_FROZEN`, `LIMIT_REACHED`, `OUTPUT_FAILED` from `reveal`,
 * and what {@link transaction} throws.
 */
export async function createKey(
  context: ServiceContext,
  request: CreateRequest,
  reveal: Reveal = async () => undefined,
): Promise<CreatedKey> {
  requireKeyManagement(context);
  const draft = makeDraft(context, request);
  await context.ready();
  return revealThenCommit(reveal, (revealOnce) =>
    transaction(
      context.engine,
      async (session) => {
        const created = await store(session, context, draft);
        await revealOnce(created);
        return created;
      },
      { settle: (session) => eventIsStored(session, draft.eventId), idle: REVEAL_TIMEOUT + 2_000 },
    ),
  );
}

/** All that is decided before the transaction begins, so that a retry writes the same key, secret and event. */
interface Draft extends OwnerRef {
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
  readonly expiry: Expiry;
  readonly actor: string;
}

function makeDraft({ settings }: ServiceContext, request: CreateRequest): Draft {
  const checked = {
    tenantId: checkTenant(request.tenant ?? DEFAULT_TENANT),
    ownerId: checkOwner(request.owner),
    name: checkName(request.name, settings.prefix),
    description: checkDescription(request.description ?? ''),
    scopes: parseScopes(request.scopes ?? []),
    metadata: checkMetadata(request.metadata ?? {}),
    expiry: request.expires === undefined ? settings.defaultExpiry : parseExpiry(request.expires),
    actor: checkActor(request.actor),
  };
  const apiKey = makeSecret(settings.prefix, settings.secretBytes);
  return {
    ...checked,
    id: uuidv7(),
    eventId: uuidv7(),
    firstKeyEventId: uuidv7(),
    apiKey,
    keyPrefix: keyPrefixOf(apiKey, settings.prefix),
    secretHash: hashSecret(apiKey),
  };
}

async function store(session: Session, { settings }: ServiceContext, draft: Draft): Promise<CreatedKey> {
  const { owner, newTenant } = await holdOwner(session, draft);
  const { live, now, role } = await countLiveKeys(session, draft);
  requireNotFrozen(draft, owner, now);
  requireRoom(draft, live, owner.maxKeys ?? settings.maxKeysPerOwner);
  const expiresAt = endOf(draft.expiry, now);
  const firstKey = owner.version === 0;

  const facts = {
    at: now,
    actor: draft.actor,
    dbRole: role,
    tenantId: draft.tenantId,
    ownerId: draft.ownerId,
    reason: null,
  };
  const created = nextEvent(
    { seq: 0, hash: null },
    {
      ...facts,
      id: draft.eventId,
      action: 'key.created',
      keyId: draft.id,
      details: JSON.stringify({
        name: draft.name,
        description: draft.description,
        scopes: draft.scopes,
        metadata: draft.metadata,
        key_prefix: draft.keyPrefix,
        expires_at: expiresAt,
      }),
    },
  );
  const ownerEvents: AuditEvent[] = firstKey
    ? [
        nextEvent(
          { seq: owner.auditSeq, hash: owner.auditHash },
          {
            ...facts,
            id: draft.firstKeyEventId,
            action: 'owner.first_key',
            keyId: null,
            details: JSON.stringify({ key_id: draft.id }),
          },
        ),
      ]
    : [];

  await advanceOwner(session, draft, ownerEvents[0]);
  await insertKey(session, {
    ...draft,
    createdAt: now,
    createdBy: draft.actor,
    expiresAt,
    auditSeq: created.seq,
    auditHash: created.hash,
  });
  await insertEvents(session, [created, ...ownerEvents]);
  return { key: newKey(draft, now, expiresAt), apiKey: draft.apiKey, firstKey, newTenant };
}

/** An owner is made with its first key and never deleted, so most often one statement is enough. */
async function holdOwner(
  session: Session,
  ref: OwnerRef,
): Promise<{ owner: LockedOwner; newTenant: boolean }> {
  const known = await lockOwner(session, ref);
  if (known !== undefined) return { owner: known, newTenant: false };
  const { newTenant } = await insertOwner(session, ref);
  const owner = await lockOwner(session, ref);
  if (owner === undefined) throw new TypeError('an owner that was just made is not there');
  return { owner, newTenant };
}

function requireNotFrozen({ ownerId }: OwnerRef, owner: LockedOwner, now: Date): void {
  if (!isFrozenAt(owner, now)) return;
  throw new ApiKeysError('OWNER_FROZEN', `owner ${quote(ownerId)} is frozen, so no key was made`, {
    hint: `Lift it with \`apikeys unfreeze --owner\` first.`,
  });
}

function requireRoom({ ownerId }: OwnerRef, live: number, limit: number): void {
  if (limit === 0 || live < limit) return;
  throw new ApiKeysError(
    'LIMIT_REACHED',
    `owner ${quote(ownerId)} has ${live} live keys, and the limit is ${limit}; no key was made`,
    { hint: 'Revoke a key that is no longer needed, or raise APIKEYS_MAX_PER_USER.' },
  );
}

function endOf(expiry: Expiry, now: Date): Date | null {
  if (expiry.kind === 'never') return null;
  const end = expiry.kind === 'at' ? expiry.at : new Date(now.getTime() + expiry.ms);
  if (end > now) return end;
  throw new ApiKeysError('INVALID_INPUT', `the expiry ${end.toISOString()} is in the past; no key was made`, {
    hint: "Name a later time, or a duration such as 30d. The database's clock decides.",
  });
}

function newKey(draft: Draft, createdAt: Date, expiresAt: Date | null): Key {
  return {
    id: draft.id,
    tenantId: draft.tenantId,
    ownerId: draft.ownerId,
    name: draft.name,
    description: draft.description,
    keyPrefix: draft.keyPrefix,
    status: 'active',
    scopes: [...draft.scopes],
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
