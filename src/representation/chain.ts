import { chainKind } from '../domain/audit.js';
import type { ChainNameJson } from './schemas/chain.js';

/** A chain of events, by whose it is; without a key it is its owner's. */
export interface ChainName {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly keyId: string | null;
}

export const chainNameJson = (chain: ChainName): ChainNameJson => ({
  chain: chainKind(chain),
  tenant_id: chain.tenantId,
  owner_id: chain.ownerId,
  key_id: chain.keyId,
});
