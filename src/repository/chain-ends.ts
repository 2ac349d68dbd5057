import { type RawBuilder, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { type ChainHead, MAX_SEQ } from '../domain/audit.js';
import { invariant } from '../errors.js';
import type { ChainRef } from './audit-anchors.js';

/** A chain, and its head as the row of its key or owner has it. */
export interface StoredChain extends ChainRef {
  readonly head: ChainHead;
}

/** What the trail itself has where a chain ends. */
export interface ChainEnds {
  /** False if the stored head is not the last event of the chain, or has no place after it. */
  readonly intact: boolean;
  /** The first place without an event behind the last one that can be told. */
  readonly free: number;
  /** The hash of the event before that place; null if there is none. */
  readonly hashBefore: Buffer | null;
}

/**
 * Holds the stored heads of chains, whose rows are locked, against their events: in a statement of its own, since the
 * one that waited for the locks has an older snapshot. In the order of `chains`.
 */
export async function findChainEnds(session: Session, chains: readonly StoredChain[]): Promise<ChainEnds[]> {
  const ofKeys = chains.filter(({ keyId }) => keyId !== null);
  const ofOwners = chains.filter(({ keyId }) => keyId === null);
  const [keys, owners] = [await endsOf(session, ofKeys, true), await endsOf(session, ofOwners, false)];
  return chains.map(({ keyId }) => {
    const ends = (keyId === null ? owners : keys).shift();
    invariant(ends !== undefined, 'a chain was not looked at');
    return ends;
  });
}

/** Beyond it no event has a place. */
const LAST = sql.lit(MAX_SEQ);

async function endsOf(session: Session, chains: readonly StoredChain[], keys: boolean): Promise<ChainEnds[]> {
  if (chains.length === 0) return [];
  const isOf = keys
    ? sql`event.key_id = chain.key_id`
    : sql`event.key_id IS NULL AND event.tenant_id = chain.tenant_id AND event.owner_id = chain.owner_id`;
  const events = sql`apikeys.audit_events AS event WHERE ${isOf}`;
  const anchors = keys
    ? sql`apikeys.audit_anchors AS anchor WHERE anchor.key_id = chain.key_id`
    : sql`apikeys.audit_anchors AS anchor WHERE anchor.key_id IS NULL AND anchor.tenant_id = chain.tenant_id AND anchor.owner_id = chain.owner_id`;
  return session.rows(sql<ChainEnds>`
    SELECT chain.seq < ${LAST} AND NOT EXISTS (SELECT FROM ${events} AND event.seq > chain.seq)
             AND (chain.seq = 0 OR EXISTS (SELECT FROM ${events} AND event.seq = chain.seq AND event.hash = chain.hash)
                  OR EXISTS (SELECT FROM ${anchors} AND anchor.seq = chain.seq AND anchor.hash = chain.hash)) AS intact,
           place.free, (SELECT event.hash FROM ${events} AND event.seq = place.free - 1) AS "hashBefore"
      FROM unnest(${chains.map(({ keyId }) => keyId)}::uuid[], ${chains.map(({ tenantId }) => tenantId)}::text[],
                  ${chains.map(({ ownerId }) => ownerId)}::text[], ${chains.map(({ head }) => head.seq)}::bigint[],
                  ${chains.map(({ head }) => head.hash)}::bytea[]) WITH ORDINALITY AS chain (key_id, tenant_id, owner_id, seq, hash, nth),
           -- A head without its event says nothing of where the chain ends.
           LATERAL (SELECT CASE WHEN chain.seq < ${LAST} AND EXISTS (SELECT FROM ${events} AND event.seq = chain.seq) THEN chain.seq
                                ELSE COALESCE((SELECT max(event.seq) FROM ${events} AND event.seq < ${LAST}),
                                              LEAST(chain.seq, ${LAST} - 1)) END AS seq) AS last,
           LATERAL (SELECT COALESCE((${firstFree(sql`last.seq`, events)}), (${firstFree(sql`1::bigint`, events)})) AS free) AS place
     ORDER BY chain.nth`);
}

/** The first place behind `seq` that has no event; null if there is none. */
const firstFree = (seq: RawBuilder<unknown>, events: RawBuilder<unknown>) => sql`
  SELECT min(candidate.seq)
    FROM (SELECT ${seq} + 1 AS seq
           UNION ALL
          SELECT event.seq + 1 FROM ${events} AND event.seq > ${seq} AND event.seq < ${LAST}) AS candidate
   WHERE candidate.seq <= ${LAST} AND NOT EXISTS (SELECT FROM ${events} AND event.seq = candidate.seq)`;
