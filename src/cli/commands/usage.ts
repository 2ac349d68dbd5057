import { USAGE_PERIODS } from '../../domain/usage-period.js';
import { usageRankingJson, usageSeriesJson } from '../../representation/usage.js';
import type { UsageOfPeriod, UsageRanking, UsageSeries } from '../../service/usage/get-usage.js';
import { defineCommand } from '../definition/command.js';
import { wholeNumber } from '../input/whole-number.js';
import { bar } from '../output/bar.js';
import { useFields } from '../output/limit-fields.js';
import type { Column, Result } from '../output/result.js';
import { usageImport } from './usage-import.js';
import { usageRecord } from './usage-record.js';

export const usage = defineCommand({
  name: 'usage',
  group: 'Checking and usage',
  description: 'requests and spend of a key, or of the top keys',
  arguments: { key: { value: '[key]', description: 'an id, key prefix or name; an id if it was deleted' } },
  options: {
    owner: { value: '<owner>', description: 'only keys of this owner' },
    since: {
      value: '<when>',
      description: 'from this UTC day on: 30d (ago) or a time (default: today)',
    },
    until: { value: '<when>', description: 'up to this UTC day, written alike (default: today)' },
    by: { value: '<period>', description: 'add up by day, unless named', choices: USAGE_PERIODS },
    limit: { value: '<n>', description: 'how many of the top keys (default: 20)', parse: wholeNumber },
  },
  commands: [usageRecord, usageImport],
  examples: ['apikeys usage rv_1a2b3c4d --since 30d --by week', 'apikeys usage --owner alice --json'],
  result: 'usage',
  async run({ renderer, use }, request) {
    const usage = await use((service) => service.getUsage(request));
    if ('series' in usage) await renderer.result(seriesResult(usage));
    else await renderer.result(rankingResult(usage));
    return undefined;
  },
});

function seriesResult(usage: UsageSeries): Result<UsageOfPeriod> {
  const most = Math.max(...usage.series.map(({ requestCount }) => requestCount));
  const columns: Column<UsageOfPeriod>[] = [
    { name: 'period', header: 'period', value: ({ period }) => period },
    { name: 'request_count', header: 'requests', value: ({ requestCount }) => requestCount, align: 'right' },
    { name: 'spend_cents', header: 'cents', value: ({ spendCents }) => spendCents, align: 'right' },
  ];
  return {
    document: usageSeriesJson(usage),
    rows: usage.series,
    columns,
    quiet: [String(usage.requestCount)],
    human: (ui) => {
      const chart: Column<UsageOfPeriod> = {
        name: 'chart',
        header: '',
        value: () => null,
        cell: ({ requestCount }) => ({ text: bar(requestCount, most, ui.width), style: ui.chalk.cyan }),
      };
      const total = `${ui.number(usage.requestCount)} requests, ${ui.number(usage.spendCents)} cents`;
      const title = `${ui.chalk.bold(ui.text(usage.name ?? usage.keyId))} ${spanOf(usage)}`;
      const fields = useFields(usage.limits, ui, ({ of }) => (of === 'key' ? '' : ' of its owner'));
      const limits = fields.length === 0 ? '' : `\n\n${ui.record({ fields })}`;
      if (isEmpty(usage)) return `${title}: no requests${limits}`;
      return `${title}: ${total}\n\n${ui.table([...columns, chart], usage.series)}${limits}`;
    },
    ...(isEmpty(usage) && { footer: FURTHER_BACK }),
  };
}

const FURTHER_BACK = 'Look further back with --since 30d.';

interface Span {
  readonly from: string;
  readonly to: string;
}

/** `on 2026-11-21 (UTC)`, `from 2026-11-01 to 2026-11-21 (UTC)`. */
const spanOf = ({ from, to }: Span): string => `${from === to ? `on ${to}` : `from ${from} to ${to}`} (UTC)`;

const isEmpty = ({ requestCount, spendCents }: UsageSeries): boolean => requestCount + spendCents === 0;

type TopKey = UsageRanking['top'][number];

function rankingResult(usage: UsageRanking): Result<TopKey> {
  return {
    document: usageRankingJson(usage),
    rows: usage.top,
    columns: [
      { name: 'key_id', header: 'id', value: ({ keyId }) => keyId, priority: 0 },
      {
        name: 'name',
        header: 'name',
        value: ({ name }) => name,
        cell: ({ name }) => name ?? '(deleted)',
        priority: 9,
        flexible: true,
      },
      { name: 'owner_id', header: 'owner', value: ({ ownerId }) => ownerId, priority: 8, flexible: true },
      {
        name: 'request_count',
        header: 'requests',
        value: ({ requestCount }) => requestCount,
        align: 'right',
        priority: 9,
      },
      {
        name: 'spend_cents',
        header: 'cents',
        value: ({ spendCents }) => spendCents,
        align: 'right',
        priority: 9,
      },
      { name: 'tenant_id', header: 'tenant', value: ({ tenantId }) => tenantId, priority: 1, flexible: true },
    ],
    quiet: usage.top.map(({ keyId }) => keyId),
    empty: `No requests ${spanOf(usage)}. ${FURTHER_BACK}`,
    ...(usage.top.length > 0 && { footer: totalText(usage) }),
  };
}

const NUMBERS = new Intl.NumberFormat('en-US');

/** Of all keys, those beyond the limit included. */
function totalText(usage: UsageRanking): string {
  const requests = `${NUMBERS.format(usage.requestCount)} requests`;
  return `All keys ${spanOf(usage)}: ${requests}, ${NUMBERS.format(usage.spendCents)} cents.`;
}
