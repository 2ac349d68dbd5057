import type { UsagePeriod } from '../domain/usage-period.js';
import { type ChainName, chainNameJson } from './chain.js';
import type { UsageImportJson, UsageJson, UsageRecordJson, UsageTotalJson } from './schemas/usage.js';

export interface UsageTotal {
  readonly requestCount: number;
  readonly spendCents: number;
}

export const usageTotalJson = ({ requestCount, spendCents }: UsageTotal): UsageTotalJson => ({
  request_count: requestCount,
  spend_cents: spendCents,
});

interface Series extends UsageTotal {
  readonly keyId: string | null;
  readonly tenantId: string | null;
  readonly ownerId: string | null;
  readonly name: string | null;
  readonly from: string;
  readonly to: string;
  readonly by: UsagePeriod;
  readonly series: readonly (UsageTotal & { readonly period: string })[];
}

export const usageSeriesJson = (usage: Series): UsageJson => ({
  key_id: usage.keyId,
  tenant_id: usage.tenantId,
  owner_id: usage.ownerId,
  name: usage.name,
  from: usage.from,
  to: usage.to,
  by: usage.by,
  ...usageTotalJson(usage),
  series: usage.series.map((one) => ({ period: one.period, ...usageTotalJson(one) })),
});

interface Ranking extends UsageTotal {
  readonly from: string;
  readonly to: string;
  readonly top: readonly TopKey[];
}

interface TopKey extends UsageTotal {
  readonly keyId: string;
  readonly name: string | null;
  readonly keyPrefix: string | null;
  readonly tenantId: string;
  readonly ownerId: string;
}

export const usageRankingJson = (usage: Ranking): UsageJson => ({
  from: usage.from,
  to: usage.to,
  ...usageTotalJson(usage),
  top: usage.top.map((key) => ({
    key_id: key.keyId,
    name: key.name,
    tenant_id: key.tenantId,
    owner_id: key.ownerId,
    ...usageTotalJson(key),
    key_prefix: key.keyPrefix,
  })),
});

interface RecordedUsage extends UsageTotal {
  readonly keyId: string;
  readonly brokenChains: readonly ChainName[];
}

export const recordedUsageJson = (recorded: RecordedUsage): UsageRecordJson => ({
  key_id: recorded.keyId,
  ...usageTotalJson(recorded),
  changed: recorded.requestCount + recorded.spendCents === 0 ? 0 : 1,
  broken_chains: recorded.brokenChains.map(chainNameJson),
});

interface ImportedUsage {
  readonly counted: number;
  readonly skipped: number;
  readonly requests: number;
  readonly spendCents: number;
  readonly badLines: readonly { readonly line: number; readonly reason: string }[];
  readonly brokenChains: readonly ChainName[];
}

export const importedUsageJson = (imported: ImportedUsage, dryRun: boolean): UsageImportJson => ({
  changed: imported.counted,
  skipped: imported.skipped,
  request_count: imported.requests,
  spend_cents: imported.spendCents,
  dry_run: dryRun,
  bad_lines: imported.badLines.map(({ line, reason }) => ({ line, reason })),
  broken_chains: imported.brokenChains.map(chainNameJson),
});
