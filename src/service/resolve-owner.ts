import type { Session } from '../db/engine.js';
import { isUnstorable } from '../db/refusals.js';
import { checkOwner } from '../domain/text.js';
import { findOwners, type OwnerRef } from '../repository/owners.js';
import type { TenantScope } from '../repository/tenant-condition.js';
import { MOST_NAMED, ownerAmbiguous, ownerNotFound } from './refusals.js';

/**
 * The one owner that is meant; the tenant may be left out where only one has it. Throws `OWNER_NOT_FOUND`, and
 * `OWNER_AMBIGUOUS` if several tenants have an owner of that id: a change to all of them is never what was meant.
 */
export async function resolveOwner(session: Session, owner: string, tenant: TenantScope): Promise<OwnerRef> {
  const ownerId = checkOwner(owner);
  const owners = await findOwners(session, ownerId, tenant, MOST_NAMED + 1).catch((error: unknown) => {
    // What the database cannot store is no owner in it.
    if (isUnstorable(error)) throw ownerNotFound(ownerId, tenant);
    throw error;
  });
  const [found, another] = owners;
  if (found === undefined) throw ownerNotFound(ownerId, tenant);
  if (another === undefined) return found;
  throw ownerAmbiguous(
    ownerId,
    owners.map(({ tenantId }) => tenantId),
  );
}
