import { dayOf, periodOf } from '../../domain/usage-period.js';
import { usageSeriesJson } from '../../representation/usage.js';
import type { UsageOfPeriod, UsageSeries } from '../../service/usage/get-usage.js';
import { bar } from './bar.js';
import type { Column, Formatter, Result } from './result.js';
import { totalWords } from './usage-words.js';

/** Requests and spend over time: a chart for people. */
export function seriesResult(usage: UsageSeries, furtherBack: string | undefined): Result<UsageOfPeriod> {
  const isEmpty = usage.requestCount + usage.spendCents === 0;
  const title = (ui: Formatter): string => `${ui.chalk.bold(ui.text(whose(usage)))} ${spanOf(usage)}`;
  return {
    document: usageSeriesJson(usage),
    rows: usage.series,
    columns: COLUMNS,
    quiet: [String(usage.requestCount)],
    human: (ui) =>
      isEmpty
        ? `${title(ui)}: no requests`
        : `${title(ui)}: ${totalWords(usage, ui)}\n\n${ui.table(chartColumns(usage), usage.series)}`,
    ...(isEmpty && furtherBack !== undefined && { footer: furtherBack }),
  };
}

const COLUMNS: readonly Column<UsageOfPeriod>[] = [
  { name: 'period', header: 'period', value: ({ period }) => period },
  { name: 'request_count', header: 'requests', value: ({ requestCount }) => requestCount, align: 'right' },
  { name: 'spend_cents', header: 'cents', value: ({ spendCents }) => spendCents, align: 'right' },
];

function chartColumns({ series, to, by }: UsageSeries): Column<UsageOfPeriod>[] {
  const most = Math.max(...series.map(({ requestCount }) => requestCount));
  const [period, ...numbers] = COLUMNS;
  return [
    ...(period === undefined
      ? []
      : [
          {
            ...period,
            cell: (row: UsageOfPeriod, ui: Formatter) => {
              const today = dayOf(ui.now);
              const goesOn = to === today && row.period === periodOf(today, by);
              return goesOn ? `${row.period} (so far)` : row.period;
            },
          },
        ]),
    ...numbers,
    {
      name: 'chart',
      header: '',
      value: () => null,
      cell: ({ requestCount }, ui) => ({ text: bar(requestCount, most, ui.width), style: ui.chalk.cyan }),
    },
  ];
}

/** A key by its name, or the id that is left of it; an owner; or all keys. */
function whose({ keyId, name, ownerId, tenantId }: UsageSeries): string {
  if (keyId !== null) return name ?? keyId;
  const within = tenantId === null ? '' : ` of tenant ${tenantId}`;
  return ownerId === null ? `All keys${within}` : `Owner ${ownerId}${within}`;
}

interface Span {
  readonly from: string;
  readonly to: string;
}

/** `on 2026-11-21 (UTC)`, `from 2026-11-01 to 2026-11-21 (UTC)`. */
export const spanOf = ({ from, to }: Span): string =>
  `${from === to ? `on ${to}` : `from ${from} to ${to}`} (UTC)`;
