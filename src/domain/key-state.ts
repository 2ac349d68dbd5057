import { hash } from 'node:crypto';
import { type AuditEvent, detailsOf, isRecord } from './audit.js';

/** What opens a door, of a key; a value is as JSON has it. */
export const KEY_STATE_FIELDS = [
  'tenant_id',
  'owner_id',
  'name',
  'description',
  'scopes',
  'limits',
  'metadata',
  'expires_at',
  'lifetime_ms',
  'revoked_at',
  'frozen_at',
  'frozen_until',
  'current_secret',
] as const;

/** What opens a door, of an owner; a policy is that of the tenant, or the database, whose chain stands among theirs. */
export const OWNER_STATE_FIELDS = ['frozen_at', 'frozen_until', 'limits', 'policy'] as const;

/** Where a row may differ from its events. */
export const STATE_FIELDS = [...KEY_STATE_FIELDS, 'secrets', 'policy'] as const;

export type StateField = (typeof STATE_FIELDS)[number];

/** A secret: {@link secretDigest}, and its own end as an RFC 3339 time. */
export interface SecretFacts {
  readonly digest: unknown;
  readonly valid_until: unknown;
  /** A command ended it for good. Missing: no event says so. */
  readonly ended?: true;
}

/** What events say of a key or an owner: by field, as JSON has it. A field that no event spoke of is missing. */
export interface ChainState extends Partial<Readonly<Record<StateField, unknown>>> {
  /** By version. */
  readonly secrets?: Readonly<Record<string, SecretFacts>>;
  /** The last event says that the key was deleted. */
  readonly deleted?: true;
  /** Says that the fields that are missing are not known, and may be anything. */
  readonly partial?: true;
}

export const UNKNOWN: ChainState = { partial: true };

/** Before the first event of a chain: an owner is there without a freeze or a policy; a key is not there. */
export const initialState = (keyId: string | null): ChainState =>
  keyId === null ? UNTOUCHED_OWNER : NOTHING_SAID;

/** A policy as a state has it: the rules that there are. */
export const policyState = (rules: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== null && value !== false));

/**
 * What an event tells of a secret: the SHA-256 of the stored hash, in hex. So another secret in its place is found, and a
 * reader of the trail has nothing that the database would take for the hash of a key.
 */
export const secretDigest = (secretHash: Buffer): string => hash('sha256', secretHash, 'hex');

/** The state after an event. What is not as an event of ours has it says nothing. */
export function stateAfter(state: ChainState, event: AuditEvent): ChainState {
  const at = event.at.toISOString();
  switch (event.action) {
    case 'key.created':
      return created(event);
    case 'key.updated':
      return {
        ...state,
        ...changesOf(event, ['name', 'description', 'metadata', 'expires_at', 'lifetime_ms']),
      };
    case 'key.scopes_changed':
      return { ...state, ...changesOf(event, ['scopes']) };
    case 'key.limits_changed':
    case 'owner.limits_changed':
      return { ...state, ...changesOf(event, ['limits']) };
    case 'key.rotated':
      return rotated(state, event);
    case 'key.grace_ended':
      return { ...state, ...secretsOf(state, ended(state, event)) };
    case 'key.secrets_deleted':
      return { ...state, ...secretsOf(state, without(state, event)) };
    case 'key.frozen':
    case 'owner.frozen': {
      const { until = null, frozen_at = at } = detailsOf(event);
      return { ...state, frozen_at, frozen_until: until };
    }
    case 'key.unfrozen':
    case 'owner.unfrozen':
      return { ...state, ...NOT_FROZEN };
    case 'policy.changed':
      return { ...state, ...withPolicy(state, event) };
    case 'key.revoked':
      return { ...state, revoked_at: at };
    case 'key.deleted':
      return { deleted: true };
    default:
      return state;
  }
}

const NOTHING_SAID: ChainState = {};
const NOT_FROZEN: ChainState = { frozen_at: null, frozen_until: null };
const UNTOUCHED_OWNER: ChainState = { ...NOT_FROZEN, limits: null, policy: {} };

/** Where the policy before an event is not known, that after it is not either. */
function withPolicy({ policy }: ChainState, event: AuditEvent): ChainState {
  if (!isRecord(policy)) return {};
  const changes = Object.entries(detailsOf(event)).flatMap(([rule, change]) =>
    isRecord(change) && 'after' in change ? [[rule, change.after] as const] : [],
  );
  return { policy: policyState({ ...policy, ...Object.fromEntries(changes) }) };
}

function created(event: AuditEvent): ChainState {
  const details = detailsOf(event);
  const {
    name,
    description,
    scopes,
    metadata,
    expires_at,
    lifetime_ms,
    secret_digest,
    limits = null,
  } = details;
  const { tenantId, ownerId } = event;
  return {
    tenant_id: tenantId,
    owner_id: ownerId,
    ...{ name, description, scopes, limits, metadata, expires_at, lifetime_ms },
    revoked_at: null,
    ...NOT_FROZEN,
    current_secret: secret_digest,
    secrets: { 1: { digest: secret_digest, valid_until: null } },
  };
}

/** The new values of these fields, of those that the event changed. */
function changesOf(event: AuditEvent, fields: readonly StateField[]): ChainState {
  const details = detailsOf(event);
  const changes: [StateField, unknown][] = [];
  for (const field of fields) {
    const change = details[field];
    if (isRecord(change)) changes.push([field, change.after]);
  }
  return Object.fromEntries(changes);
}

function rotated(state: ChainState, event: AuditEvent): ChainState {
  const { version, secret_digest, expires_at, lifetime_ms } = detailsOf(event);
  const newest = { [String(version)]: { digest: secret_digest, valid_until: null } };
  return {
    ...state,
    expires_at,
    lifetime_ms,
    current_secret: secret_digest,
    ...secretsOf(state, { ...ended(state, event), ...newest }),
  };
}

/** Where the secrets before an event are not known, those after it are not either. */
const secretsOf = ({ secrets }: ChainState, changed: Record<string, SecretFacts>): ChainState =>
  secrets === undefined ? {} : { secrets: changed };

/** The secrets, those that the event ends with their new end. An end that has come by then is for good. */
function ended({ secrets = {} }: ChainState, event: AuditEvent): Record<string, SecretFacts> {
  const after = { ...secrets };
  for (const { version, valid_until } of listed(event, 'previous')) {
    const secret = secrets[String(version)];
    if (secret === undefined) continue;
    after[String(version)] = { ...secret, valid_until, ...(isPast(valid_until, event) && { ended: true }) };
  }
  return after;
}

const isPast = (time: unknown, { at }: AuditEvent): boolean =>
  typeof time === 'string' && Date.parse(time) <= at.getTime();

function without({ secrets = {} }: ChainState, event: AuditEvent): Record<string, SecretFacts> {
  const gone = new Set(listed(event, 'secrets').map(({ version }) => String(version)));
  return Object.fromEntries(Object.entries(secrets).filter(([version]) => !gone.has(version)));
}

function listed(event: AuditEvent, name: string): Readonly<Record<string, unknown>>[] {
  const list = detailsOf(event)[name];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
