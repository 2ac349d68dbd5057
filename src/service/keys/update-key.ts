import type { Session } from '../../db/engine.js';
import type { AuditAction } from '../../domain/audit.js';
import { type Expiry, parseExpiry } from '../../domain/duration.js';
import { newId } from '../../domain/id.js';
import type { Key } from '../../domain/key.js';
import type { KeyReference } from '../../domain/key-reference.js';
import type { Policy } from '../../domain/policy.js';
import { checkScope, parseScopes } from '../../domain/scopes.js';
import { checkDescription, checkMetadata, checkName } from '../../domain/text.js';
import { countLiveKeys, type KeyPatch, type KeyRow, lockKeys, patchKey } from '../../repository/keys.js';
import { advanceOwner, lockOwner } from '../../repository/owners.js';
import { HOLD_POLICIES } from '../../repository/policies.js';
import { chainOfKey, requireIntactChains } from '../audit/append.js';
import { keyEvent } from '../audit/events.js';
import { type AuditLog, auditedTransaction } from '../audited-transaction.js';
import { actorOf, requireKeyManagement, type ServiceContext } from '../context.js';
import { policyInForce, requireLifetime, requireScopes } from '../policy-in-force.js';
import { keyNotFound, keyRevoked } from '../refusals.js';
import { getKey, type KeyLookup, reread } from './find-keys.js';
import { lifetimeFrom } from './lifetime.js';
import { needsRoom, requireRoom } from './limit.js';

interface OneKey extends KeyLookup {
  /** An id, a key prefix, a name or a raw key. */
  readonly key: KeyReference;
}

export interface UpdateRequest extends OneKey {
  readonly name?: string | undefined;
  /** An empty one removes it. */
  readonly description?: string | undefined;
  /** A duration from now, a UTC day, through its end, an RFC 3339 time, or `never`; a rotation gives the same lifetime again. */
  readonly expires?: string | undefined;
  /** Joined to what is there; a value of `''` removes its key. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface ScopesRequest extends OneKey {
  /** Replaces all; then `add` and `remove` follow. */
  readonly set?: readonly string[] | undefined;
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
}

export interface ScopeQuestion extends OneKey {
  readonly scopes: readonly string[];
}

export interface ScopeAnswer {
  readonly key: Key;
  readonly ok: boolean;
  /** The scopes that it does not grant. */
  readonly missing: readonly string[];
}

export interface UpdatedKey {
  readonly key: Key;
  /** 0 if it was so before. */
  readonly changed: 0 | 1;
  /** The key as it was. */
  readonly before: Key;
}

/**
 * Changes what is not a secret; the audit event holds each field before and after. An expired key becomes live again
 * by a later expiry, within its owner's limit; secrets that have ended stay ended.
 *
 * Throws `FEATURE_DISABLED`, `INVALID_INPUT`, `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `POLICY_VIOLATION`,
 * `LIMIT_REACHED`, and what {@link auditedTransaction} throws.
 */
export async function updateKey(context: ServiceContext, request: UpdateRequest): Promise<UpdatedKey> {
  const name = request.name === undefined ? undefined : checkName(request.name, context.settings.prefix);
  const description = request.description === undefined ? undefined : checkDescription(request.description);
  const expiry = request.expires === undefined ? undefined : parseExpiry(request.expires);
  const metadata = request.metadata === undefined ? undefined : checkMetadata(request.metadata);
  return changeKey(context, request, 'key.updated', expiry !== undefined, (row, { now, policy }) => ({
    ...(name !== undefined && name !== row.name && { name }),
    ...(description !== undefined && description !== row.description && { description }),
    ...(expiry !== undefined && changedLifetime(row, expiry, { now, policy })),
    ...(metadata !== undefined && changedMetadata(row, metadata)),
  }));
}

/** Changes what a key may do; the audit event holds the scopes before and after. Throws as {@link updateKey} does. */
export async function updateScopes(context: ServiceContext, request: ScopesRequest): Promise<UpdatedKey> {
  const set = request.set && parseScopes(request.set);
  const add = parseScopes(request.add ?? []);
  const remove = parseScopes(request.remove ?? []);
  return changeKey(context, request, 'key.scopes_changed', false, (row, { policy }) => {
    const kept = [...(set ?? row.scopes), ...add].filter((scope) => !remove.includes(scope));
    const scopes = parseScopes(kept);
    if (sameJson(scopes, row.scopes)) return {};
    // What the key had before, and nobody asks for, stays: a policy changes no key.
    requireScopes(
      policy,
      scopes.filter((scope) => set?.includes(scope) || add.includes(scope)),
    );
    return { scopes };
  });
}

/** Whether the key's scopes grant all of these, whatever its status. Throws as `getKey` does. */
export async function hasScopes(
  context: ServiceContext,
  { key, owner, scopes }: ScopeQuestion,
): Promise<ScopeAnswer> {
  const wanted = parseScopes(scopes);
  const found = await getKey(context, key, { owner });
  return { key: found, ...checkScope(found.scopes, wanted) };
}

async function changeKey(
  context: ServiceContext,
  request: OneKey,
  action: AuditAction,
  mayRevive: boolean,
  patchOf: (row: KeyRow, by: Deciding) => KeyPatch,
): Promise<UpdatedKey> {
  requireKeyManagement(context);
  const actor = actorOf(context);
  const found = await getKey(context, request.key, request);
  const eventId = newId();
  const change = async (session: Session, audit: AuditLog) => {
    const owner = mayRevive ? await lockOwner(session, found) : undefined;
    const row = await holdKey(session, found.id);
    const { live, now, role } = await countLiveKeys(session, row, row.id);
    const policy = await policyInForce(session, row.tenantId);
    const patch = patchOf(row, { now, policy });
    // Read again: another session may have changed it since it was found.
    const before = await reread(session, row.id);
    if (Object.keys(patch).length === 0) {
      return audit.unchanged<UpdatedKey>({ key: before, changed: 0, before });
    }
    if (owner !== undefined && row.expiresAt !== null) {
      const counted = needsRoom(row.expiresAt, owner.countedAt, now);
      if (counted) requireRoom(row, { maxKeys: owner.maxKeys, live }, { settings: context.settings, policy });
      await advanceOwner(session, row, { countedAt: counted ? now : undefined });
    }
    await requireIntactChains(session, [chainOfKey(row)]);
    const event = keyEvent(
      row,
      { action, reason: null, details: beforeAndAfter(row, patch) },
      { id: eventId, actor, moment: { now, role } },
    );
    await patchKey(session, { keyId: row.id, seq: event.seq, hash: event.hash }, patch);
    return audit.record<UpdatedKey>([event], { key: await reread(session, row.id), changed: 1, before });
  };
  return auditedTransaction(context.engine, change, { prelude: HOLD_POLICIES });
}

/** What a change is decided by, beside the key. */
interface Deciding {
  readonly now: Date;
  readonly policy: Policy;
}

async function holdKey(session: Session, id: string): Promise<KeyRow> {
  const [row] = await lockKeys(session, [id]);
  if (row === undefined) throw keyNotFound([id]);
  if (row.revokedAt !== null) throw keyRevoked(row, 'changed');
  return row;
}

/** A duration counts from now, so the same one given twice is a change each time. */
function changedLifetime(row: KeyRow, expiry: Expiry, { now, policy }: Deciding): KeyPatch {
  const lifetime = lifetimeFrom(expiry, now);
  if (lifetime.expiresAt?.getTime() === row.expiresAt?.getTime()) return {};
  requireLifetime(policy, lifetime.lifetimeMs);
  if (isLater(lifetime.expiresAt, row.expiresAt)) requireScopes(policy, row.scopes);
  return { lifetime };
}

/** Of two ends; null: never. */
const isLater = (a: Date | null, b: Date | null): boolean => b !== null && (a === null || a > b);

function changedMetadata(row: KeyRow, changes: Readonly<Record<string, string>>): KeyPatch {
  const joined = Object.entries({ ...row.metadata, ...changes }).filter(([, value]) => value !== '');
  const metadata = checkMetadata(Object.fromEntries(joined));
  return sameJson(sorted(metadata), sorted(row.metadata)) ? {} : { metadata };
}

/** Only the fields that change, under the names of the JSON. */
function beforeAndAfter(row: KeyRow, { lifetime, ...patch }: KeyPatch): Record<string, unknown> {
  const fields = {
    ...patch,
    ...(lifetime && { expires_at: lifetime.expiresAt, lifetime_ms: lifetime.lifetimeMs }),
  };
  const before = { ...row, expires_at: row.expiresAt, lifetime_ms: row.lifetimeMs };
  return Object.fromEntries(
    Object.entries(fields).map(([name, after]) => [
      name,
      { before: before[name as keyof typeof before], after },
    ]),
  );
}

const sorted = (metadata: Readonly<Record<string, string>>) =>
  Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
