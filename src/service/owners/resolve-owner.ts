import type { Session } from '../../db/engine.js';
import { quote } from '../../domain/quote.js';
import { checkOwner } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { findOwners, type OwnerRef } from '../../repository/owners.js';
import type { TenantScope } from '../../repository/tenant-condition.js';

const MOST_TENANTS = 5;

/**
 * The one owner that is meant, whose tenant may be left out where only one has it. Throws `OWNER_NOT_FOUND`, and `OWNER_AMBIGUOUS` if several tenants have an owner of
 * that id: a change to all of them is never what was meant.
 */
export async function resolveOwner(session: Session, owner: string, tenant: TenantScope): Promise<OwnerRef> {
  const ownerId = checkOwner(owner);
  const [found, another, ...more] = await findOwners(session, ownerId, tenant, MOST_TENANTS + 1);
  if (found === undefined) {
    const where = tenant === undefined ? '' : ` in tenant ${quote(tenant)}`;
    throw new ApiKeysError(
      'OWNER_NOT_FOUND',
      `there is no owner ${quote(ownerId)}${where}; nothing was changed`,
      {
        details: { owner: ownerId, ...(tenant !== undefined && { tenant }) },
      },
    );
  }
  if (another === undefined) return found;
  const tenants = [found, another, ...more].slice(0, MOST_TENANTS).map(({ tenantId: one }) => one);
  throw new ApiKeysError(
    'OWNER_AMBIGUOUS',
    `more than one tenant has an owner ${quote(ownerId)}: ${tenants.map(quote).join(', ')}${more.length === MOST_TENANTS - 1 ? ' and more' : ''}; nothing was changed`,
    { details: { owner: ownerId, tenants } },
  );
}
