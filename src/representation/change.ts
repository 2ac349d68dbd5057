import type { Key } from '../domain/key.js';
import { type ChainName, chainNameJson } from './chain.js';
import { keyJson } from './key.js';
import { type Owner, ownerJson } from './owner.js';
import type { ChangeJson } from './schemas/change.js';
import { isoTimeOrNull } from './time.js';
import { type UsageTotal, usageTotalJson } from './usage.js';

/** What is at stake where a key stops. */
interface KeyImpact {
  readonly key: Key;
  readonly usageToday: UsageTotal;
}

interface ChangedKeys {
  readonly keys: readonly Key[];
  readonly changed: number;
  readonly dryRun: boolean;
  readonly owner: Owner | null;
  readonly impact: readonly KeyImpact[] | null;
  readonly brokenChains: readonly ChainName[];
}

export const changedKeysJson = (change: ChangedKeys): ChangeJson => ({
  keys: change.keys.map(keyJson),
  changed: change.changed,
  dry_run: change.dryRun,
  owner: change.owner && ownerJson(change.owner),
  impact: change.impact?.map(impactJson) ?? null,
  broken_chains: change.brokenChains.map(chainNameJson),
});

const impactJson = ({ key, usageToday }: KeyImpact): NonNullable<ChangeJson['impact']>[number] => ({
  key_id: key.id,
  last_used_at: isoTimeOrNull(key.lastUsedAt),
  ...usageTotalJson(usageToday),
});
