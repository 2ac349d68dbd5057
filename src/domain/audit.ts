import { hash } from 'node:crypto';

export const AUDIT_ACTIONS = [
  'key.created',
  'key.updated',
  'key.scopes_changed',
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
  'usage.pruned',
  'audit.pruned',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

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

/** What is wrong with an event: it was altered, is not the next of its chain, or does not follow this predecessor. */
export type LinkFault = 'hash' | 'seq' | 'prev_hash';

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

/** What is wrong with `event` as the successor of `previous` (an event or a head); null if nothing is. */
export function verifyLink(previous: ChainHead, event: AuditEvent): LinkFault | null {
  if (!chainHash(event).equals(event.hash)) return 'hash';
  if (event.seq !== previous.seq + 1) return 'seq';
  return sameHash(previous.hash, event.prevHash) ? null : 'prev_hash';
}

function sameHash(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
