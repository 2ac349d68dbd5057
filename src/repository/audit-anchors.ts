import { sql } from 'kysely';
import type { Session } from '../db/engine.js';
import type { OwnerRef } from './owners.js';

/** Names a chain of audit events: a key's, or with `keyId` null its owner's. */
export interface ChainRef extends OwnerRef {
  readonly keyId: string | null;
}

/**
 * Where a chain begins once its oldest events were pruned. The first event that is left has `seq + 1` and, as its
 * `prevHash`, this `hash`; where none is left, these are the chain's head. A chain without an anchor begins with its
 * first event.
 *
 * An anchor is vouched for by the event `audit.pruned` at `ownerSeq` in its owner's chain, whose details are
 *
 *     {"before": "2026-01-02T03:04:05.678Z", "events": 3,
 *      "chains": [{"key_id": "…" or null, "seq": 2, "hash": "<hex>", "state": {…}}]}
 *
 * with this very position and state among its chains. Only where the owner's own anchor has reached `ownerSeq` has that event
 * been pruned in its turn, and nothing but the row is left to say it.
 */
export interface ChainAnchor extends ChainRef {
  /** The last event that was pruned. */
  readonly seq: number;
  readonly hash: Buffer;
  readonly ownerSeq: number;
  readonly prunedAt: Date;
  readonly prunedBy: string;
  /** What the pruned events said of the key or owner, as JSON; null: nothing is known. */
  readonly state: string | null;
}

/** The anchors of these chains, in no order; a chain of which nothing was pruned is missing. */
export async function findAnchors(session: Session, chains: readonly ChainRef[]): Promise<ChainAnchor[]> {
  const keys = chains.flatMap(({ keyId }) => keyId ?? []);
  const owners = chains.filter(({ keyId }) => keyId === null);
  return session.rows(sql<ChainAnchor>`
    SELECT ${COLUMNS} FROM apikeys.audit_anchors WHERE key_id = ANY(${keys}::uuid[])
     UNION ALL
    SELECT ${COLUMNS} FROM apikeys.audit_anchors
     WHERE key_id IS NULL
       AND (tenant_id, owner_id) IN (SELECT * FROM unnest(${owners.map(({ tenantId }) => tenantId)}::text[],
                                                          ${owners.map(({ ownerId }) => ownerId)}::text[]))`);
}

/** Moves the anchors of these chains on, or sets them where there were none. */
export async function setAnchors(session: Session, anchors: readonly ChainAnchor[]): Promise<void> {
  const ofKeys = anchors.filter(({ keyId }) => keyId !== null);
  const ofOwners = anchors.filter(({ keyId }) => keyId === null);
  if (ofKeys.length > 0) {
    await session.rows(sql`
      ${insert(ofKeys)} ON CONFLICT (key_id) WHERE key_id IS NOT NULL DO UPDATE SET ${MOVED}`);
  }
  if (ofOwners.length > 0) {
    await session.rows(sql`
      ${insert(ofOwners)} ON CONFLICT (tenant_id, owner_id) WHERE key_id IS NULL DO UPDATE SET ${MOVED}`);
  }
}

const COLUMNS = sql`tenant_id AS "tenantId", owner_id AS "ownerId", key_id AS "keyId", seq, hash,
  owner_seq AS "ownerSeq", pruned_at AS "prunedAt", pruned_by AS "prunedBy", state`;

const MOVED = sql`seq = excluded.seq, hash = excluded.hash, owner_seq = excluded.owner_seq,
  pruned_at = excluded.pruned_at, pruned_by = excluded.pruned_by,
  state = excluded.state`;

const insert = (anchors: readonly ChainAnchor[]) => sql`
  INSERT INTO apikeys.audit_anchors (tenant_id, owner_id, key_id, seq, hash, owner_seq, pruned_at, pruned_by, state)
  SELECT * FROM unnest(${anchors.map(({ tenantId }) => tenantId)}::text[], ${anchors.map(({ ownerId }) => ownerId)}::text[],
                       ${anchors.map(({ keyId }) => keyId)}::uuid[], ${anchors.map(({ seq }) => seq)}::bigint[],
                       ${anchors.map(({ hash }) => hash)}::bytea[], ${anchors.map(({ ownerSeq }) => ownerSeq)}::bigint[],
                       ${anchors.map(({ prunedAt }) => prunedAt)}::timestamptz[], ${anchors.map(({ prunedBy }) => prunedBy)}::text[],
                       ${anchors.map(({ state }) => state)}::text[])`;
