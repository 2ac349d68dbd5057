import { hash } from 'node:crypto';

export const AUDIT_ACTIONS = [
  'key.created',
  'key.updated',
  'key.scopes_changed',
  'key.limits_changed',
  'key.rotated',
  'key.grace_ended',
  'key.frozen',
  'key.unfrozen',
  'key.revoked',
  'key.secrets_deleted',
  'key.deleted',
  'owner.first_key',
  'owner.frozen',
  'owner.unfrozen',
  'owner.limits_changed',
  'policy.changed',
  'usage.recorded',
  'usage.imported',
  'usage.pruned',
  'audit.pruned',
  'role.granted',
  'schema.migrated',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/**
 * Whose chain tells what was done to the database as a whole: its migrations, its roles, imports, and the policy for all
 * tenants. It stands among those of owners, and no owner can be called so.
 */
export const DATABASE_CHAIN = { tenantId: '', ownerId: '', keyId: null } as const;

/** Whose chain tells what was done to a tenant as a whole: its policy. It stands among those of owners, as that of one without a name. */
export const chainOfTenant = (tenantId: string) => ({ tenantId, ownerId: '', keyId: null }) as const;

/** Whether this is the chain of the database, or an event in it. */
export const isOfDatabase = (chain: Pick<AuditEvent, 'tenantId' | 'ownerId' | 'keyId'>): boolean =>
  chain.keyId === null && chain.tenantId === '' && chain.ownerId === '';

/** Whether this is the chain of a tenant, or an event in it. */
export const isOfTenant = (chain: Pick<AuditEvent, 'tenantId' | 'ownerId' | 'keyId'>): boolean =>
  chain.keyId === null && chain.tenantId !== '' && chain.ownerId === '';

/** Who did what to which key, when and why. */
export interface AuditEvent {
  /** A UUID, made before the transaction begins. */
  readonly id: string;
  /** 1 for the first event of its chain, then one more each. */
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly dbRole: string;
  /** One of {@link AUDIT_ACTIONS}, or one of a newer version's. */
  readonly action: string;
  readonly tenantId: string;
  readonly ownerId: string;
  /** Null: the event belongs to the owner's chain, not to a key's. */
  readonly keyId: string | null;
  readonly reason: string | null;
  /** JSON text, exactly as written: it is hashed as text. */
  readonly details: string;
  /** Null for the first event of a chain. */
  readonly prevHash: Buffer | null;
  readonly hash: Buffer;
}

/** What an event says; its place in the chain is for {@link nextEvent} to add. */
export interface AuditFacts extends Omit<AuditEvent, 'seq' | 'prevHash' | 'hash' | 'action'> {
  readonly action: AuditAction;
}

/** The last event of a chain; `{ seq: 0, hash: null }` for a chain that has none. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: Buffer | null;
}

/**
 * What is wrong with an event: it was altered, is not the next of its chain, does not follow this predecessor, or says
 * itself that the chain was found broken before it.
 */
export type LinkFault = 'hash' | 'seq' | 'prev_hash' | 'segment';

/**
 * What is wrong at a place of a chain:
 *
 * - `hash`: the event was altered; `seq`: events before it are missing; `prev_hash`: it does not follow the one before;
 * - `head`: the head that is stored on the key or owner, or was saved, is not the event of that place: events were added,
 *   replaced, or the row was altered, removed or put back;
 * - `truncated`: the chain ends before the head; `missing`: nothing is left of it;
 * - `segment`: access was taken away here although the chain did not hold, and with this event it begins anew;
 * - `state`: the row of the key or owner is not what the events up to this one say.
 */
export const CHAIN_FAULTS = [
  'hash',
  'seq',
  'prev_hash',
  'head',
  'truncated',
  'missing',
  'segment',
  'state',
] as const;

export type ChainFault = (typeof CHAIN_FAULTS)[number];

/** Whose chain it is. Those of tenants and of the database as a whole count as an owner's. */
export const CHAIN_KINDS = ['key', 'owner'] as const;

export type ChainKind = (typeof CHAIN_KINDS)[number];

export const chainKind = ({ keyId }: Pick<AuditEvent, 'keyId'>): ChainKind =>
  keyId === null ? 'owner' : 'key';

/** The last place in a chain: a number that JSON can hold. */
export const MAX_SEQ = Number.MAX_SAFE_INTEGER;

export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: null };

/**
 * The SHA-256 of everything an event says, its place in the chain included. The hashed text is a JSON array (so no two
 * events share it), beginning with a version, times in RFC 3339 UTC with milliseconds, hashes in hex.
 */
export function chainHash(event: Omit<AuditEvent, 'hash'>): Buffer {
  const text = JSON.stringify([
    'apikeys.audit.1',
    event.id,
    event.seq,
    event.at.toISOString(),
    event.actor,
    event.dbRole,
    event.action,
    event.tenantId,
    event.ownerId,
    event.keyId,
    event.reason,
    event.details,
    event.prevHash?.toString('hex') ?? null,
  ]);
  return hash('sha256', text, 'buffer');
}

/** The event that follows `head`; its `seq` and `hash` are the next head. */
export function nextEvent(head: ChainHead, facts: AuditFacts): AuditEvent {
  const event = { ...facts, seq: head.seq + 1, prevHash: head.hash };
  return { ...event, hash: chainHash(event) };
}

/** Where the next event goes: after `head`; with `brokenAt` the chain does not hold, and this was its stored head. */
export interface Continuation {
  readonly head: ChainHead;
  readonly brokenAt: ChainHead | null;
}

/**
 * The event that goes on where a chain is broken, if it is. Its details then say so, with the head that was stored, under
 * `segment`: from here on the events are one chain again.
 */
export function continuedBy({ head, brokenAt }: Continuation, facts: AuditFacts): AuditEvent {
  if (brokenAt === null) return nextEvent(head, facts);
  const segment = { head_seq: brokenAt.seq, head_hash: brokenAt.hash?.toString('hex') ?? null };
  return nextEvent(head, { ...facts, details: JSON.stringify({ ...detailsOf(facts), segment }) });
}

/** The details of an event; none for what no event of ours has. */
export const detailsOf = ({ details }: Pick<AuditEvent, 'details'>): Readonly<Record<string, unknown>> =>
  parseObject(details) ?? {};

/** The object that this is the JSON of; undefined if it is none. */
export function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Most events do not have the word at all. */
const beginsSegment = (event: AuditEvent): boolean =>
  event.details.includes('"segment"') && 'segment' in detailsOf(event);

/** What is wrong with `event` as the successor of `previous` (an event or a head); null if nothing is. */
export function verifyLink(previous: ChainHead, event: AuditEvent): LinkFault | null {
  if (!chainHash(event).equals(event.hash)) return 'hash';
  if (beginsSegment(event)) return 'segment';
  if (event.seq !== previous.seq + 1) return 'seq';
  return sameHash(previous.hash, event.prevHash) ? null : 'prev_hash';
}

function sameHash(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
