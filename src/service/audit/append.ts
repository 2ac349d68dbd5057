import type { Session } from '../../db/engine.js';
import { brokenChainError } from '../../db/pg-errors.js';
import type { Continuation } from '../../domain/audit.js';
import { invariant } from '../../errors.js';
import { findChainEnds, type StoredChain } from '../../repository/chain-ends.js';
import type { KeyRow } from '../../repository/keys.js';
import type { OwnerRef, OwnerRow } from '../../repository/owners.js';

export const chainOfKey = ({ tenantId, ownerId, id, auditSeq, auditHash }: KeyRow): StoredChain => ({
  tenantId,
  ownerId,
  keyId: id,
  head: { seq: auditSeq, hash: auditHash },
});

export const chainOfOwner = (
  { tenantId, ownerId }: OwnerRef,
  { auditSeq, auditHash }: OwnerRow,
): StoredChain => ({ tenantId, ownerId, keyId: null, head: { seq: auditSeq, hash: auditHash } });

/**
 * Where the next event of each of these chains goes, whose keys or owners are held. A change that takes access away is
 * never kept from it by a chain that does not hold, forged or restored from elsewhere: its event begins a new segment.
 */
export async function continueChains(
  session: Session,
  chains: readonly StoredChain[],
): Promise<Continuation[]> {
  const ends = await findChainEnds(session, chains);
  return ends.map(({ intact, free, hashBefore }, index) => {
    const head = chains[index]?.head;
    invariant(head !== undefined, 'a chain has no head');
    if (intact) return { head, brokenAt: null };
    return { head: { seq: free - 1, hash: hashBefore ?? head.hash }, brokenAt: head };
  });
}

/** What {@link continueChains} gives, for a change that gives access: throws `AUDIT_CHAIN_BROKEN` unless each chain holds. */
export async function requireIntactChains(
  session: Session,
  chains: readonly StoredChain[],
): Promise<Continuation[]> {
  const continuations = await continueChains(session, chains);
  if (continuations.some(({ brokenAt }) => brokenAt !== null)) throw brokenChainError();
  return continuations;
}
