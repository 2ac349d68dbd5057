import type { Key } from '../../domain/key.js';
import { counted } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import type { ChangeJson } from '../../representation/schemas.js';
import type { ChangedKeys, KeysTarget, OwnersKeysTarget } from '../../service/keys/change-keys.js';
import type { KeyImpact } from '../../service/keys/find-keys.js';
import type { Owner } from '../../service/owners/freeze-owner.js';
import { brokenChainsJson } from './broken-chains.js';
import { KEY_COLUMNS } from './key-columns.js';
import { keyJson, timeOrNull } from './key-json.js';
import type { Column, Result } from './result.js';

/** Keys or an owner, as the command line of revoke, freeze and unfreeze names them. */
export function targetOf(
  references: readonly string[],
  {
    owner,
    ignoreMissing,
  }: { readonly owner?: string | undefined; readonly ignoreMissing?: boolean | undefined },
  tenant: string | undefined,
): KeysTarget | OwnersKeysTarget {
  if (owner !== undefined && references.length === 0) return { owner, tenant };
  if (owner === undefined && references.length > 0) return { keys: references, tenant, ignoreMissing };
  throw new ApiKeysError(
    'INVALID_USAGE',
    owner === undefined ? 'no key was named' : 'keys and --owner exclude each other',
    { hint: 'Name one or more keys, or an owner with --owner.' },
  );
}

export interface ChangeView extends ChangedKeys {
  readonly owner?: Owner;
  readonly dryRun: boolean;
  /** Said beside the table. */
  readonly summary: string;
}

/** How a change to several keys is printed. */
export function changeResult(view: ChangeView): Result<Key> {
  const { keys, changed, impact, owner, brokenChains, dryRun, summary } = view;
  const document: ChangeJson = {
    keys: keys.map(keyJson),
    changed,
    dry_run: dryRun,
    owner: owner === undefined ? null : ownerJson(owner),
    impact: impact?.map(impactJson) ?? null,
    broken_chains: brokenChainsJson(brokenChains),
  };
  return {
    document,
    rows: keys,
    columns: impact === null ? KEY_COLUMNS : [...KEY_COLUMNS, ...impactColumns(impact)],
    quiet: keys.map(({ id }) => id),
    footer: summary,
  };
}

/** `no key`, `1 key`, `2 keys`. */
export const keyCount = (count: number): string => (count === 0 ? 'no key' : counted(count, 'key'));

const ownerJson = (owner: Owner): NonNullable<ChangeJson['owner']> => ({
  tenant_id: owner.tenantId,
  owner_id: owner.ownerId,
  is_frozen: owner.isFrozen,
  frozen_at: timeOrNull(owner.frozenAt),
  frozen_until: timeOrNull(owner.frozenUntil),
  frozen_by: owner.frozenBy,
  frozen_reason: owner.frozenReason,
});

const impactJson = ({ key, usageToday }: KeyImpact): NonNullable<ChangeJson['impact']>[number] => ({
  key_id: key.id,
  last_used_at: timeOrNull(key.lastUsedAt),
  request_count: usageToday.requestCount,
  spend_cents: usageToday.spendCents,
});

/** What is at stake, beside each key that would change. */
function impactColumns(impact: readonly KeyImpact[]): Column<Key>[] {
  const today = new Map(impact.map(({ key, usageToday }) => [key.id, usageToday]));
  return [
    {
      name: 'requests_today',
      header: 'today',
      value: (key) => today.get(key.id)?.requestCount ?? null,
      align: 'right',
      priority: 8,
    },
    {
      name: 'spend_cents_today',
      header: 'cents',
      value: (key) => today.get(key.id)?.spendCents ?? null,
      align: 'right',
      priority: 8,
    },
  ];
}
