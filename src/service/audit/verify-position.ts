import { decodeCursor, encodeCursor } from '../../domain/cursor.js';
import { ApiKeysError } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import type { TenantScope } from '../../repository/tenant-condition.js';

/** How far a verification came. */
export interface VerifyPosition {
  /** The last chain that was checked. */
  readonly chain: ChainRef;
  /** Of everything up to there. */
  readonly checked: Checked;
}

/** What was checked, and how many places were broken. */
export interface Checked {
  readonly chains: number;
  readonly events: number;
  readonly brokenCount: number;
}

/** What is checked of each chain. A position is good for the same alone: it answers for what lies before it. */
export interface VerifyScope {
  readonly tenant: TenantScope;
  readonly chainOnly: boolean;
  readonly withHeads: boolean;
}

export function encodePosition({ chain, checked }: VerifyPosition, scope: VerifyScope): string {
  const { chains, events, brokenCount } = checked;
  return encodeCursor({
    sort: sortOf(scope),
    values: [[chains, events, brokenCount].join(), scope.tenant ?? null, chain.tenantId, chain.ownerId],
    id: chain.keyId ?? NO_KEY,
  });
}

/** Throws `INVALID_INPUT` for anything but a position of the same scope. */
export function decodePosition(text: string, scope: VerifyScope): VerifyPosition {
  const { sort, values, id } = decodeCursor(text);
  const [counts, tenant, tenantId, ownerId] = values;
  const [chains, events, brokenCount] = COUNTS.test(counts ?? '')
    ? (counts ?? '').split(',').map(Number)
    : [];
  const isOfScope = sort === sortOf(scope) && tenant === (scope.tenant ?? null);
  if (!isOfScope || chains === undefined || events === undefined || brokenCount === undefined) {
    throw ofOtherScope();
  }
  if (typeof tenantId !== 'string' || typeof ownerId !== 'string') throw ofOtherScope();
  return {
    chain: { tenantId, ownerId, keyId: id === NO_KEY ? null : id },
    checked: { chains, events, brokenCount },
  };
}

/** In a cursor, the chain of an owner; no key has it. */
const NO_KEY = '00000000-0000-0000-0000-000000000000';

const COUNTS = /^\d{1,15},\d{1,15},\d{1,15}$/;

const sortOf = ({ chainOnly, withHeads }: VerifyScope): string =>
  `audit-verify:${chainOnly ? 'chain' : 'state'}${withHeads ? ':heads' : ''}`;

const ofOtherScope = (): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', 'this cursor belongs to another verification', {
    details: { reason: 'cursor_of_other_verification' },
  });
