import type { OwnerJson } from './schemas/owner.js';
import { isoTimeOrNull } from './time.js';

export interface Owner {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly isFrozen: boolean;
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly frozenBy: string | null;
  readonly frozenReason: string | null;
}

export const ownerJson = (owner: Owner): OwnerJson => ({
  tenant_id: owner.tenantId,
  owner_id: owner.ownerId,
  is_frozen: owner.isFrozen,
  frozen_at: isoTimeOrNull(owner.frozenAt),
  frozen_until: isoTimeOrNull(owner.frozenUntil),
  frozen_by: owner.frozenBy,
  frozen_reason: owner.frozenReason,
});
