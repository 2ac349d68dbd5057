import { DEFAULT_TENANT } from '../../domain/key.js';
import { dayOf } from '../../domain/usage-period.js';
import { usageRankingJson } from '../../representation/usage.js';
import type { UsageRanking } from '../../service/usage/get-usage.js';
import { bar } from './bar.js';
import { formatNumber } from './number.js';
import type { Column, Formatter, Result } from './result.js';
import { spanOf } from './usage-series.js';
import { totalWords } from './usage-words.js';

type TopKey = UsageRanking['top'][number];

interface Asked {
  /** Whose keys: all unless named. */
  readonly owner: string | undefined;
  /** What to look at where there is nothing. */
  readonly furtherBack: string | undefined;
  readonly now: Date;
}

/** The keys that were used most, each with its share of all. */
export function rankingResult(usage: UsageRanking, { owner, furtherBack, now }: Asked): Result<TopKey> {
  // A day that goes on is not complete.
  const soFar = usage.to === dayOf(now) ? ', today so far' : '';
  const of = owner === undefined ? '' : ` of owner ${owner}`;
  const nothing = `No requests${of} ${spanOf(usage)}.${furtherBack === undefined ? '' : ` ${furtherBack}`}`;
  const total = totalWords(usage, { number: formatNumber });
  return {
    document: usageRankingJson(usage),
    rows: usage.top,
    columns: COLUMNS,
    quiet: usage.top.map(({ keyId }) => keyId),
    ...(usage.top.length > 0
      ? {
          human: (ui: Formatter) => ui.table(screenColumns(usage, owner), usage.top),
          footer: `All keys${of} ${spanOf(usage)}${soFar}: ${total}.`,
        }
      : { empty: nothing }),
  };
}

const NAME: Column<TopKey> = {
  name: 'name',
  header: 'name',
  value: ({ name }) => name,
  cell: ({ name }, ui) => name ?? ui.dim('(deleted)'),
  priority: 9,
  wraps: true,
};

const OWNER: Column<TopKey> = {
  name: 'owner_id',
  header: 'owner',
  value: ({ ownerId }) => ownerId,
  priority: 8,
  wraps: true,
};

const REQUESTS: Column<TopKey> = {
  name: 'request_count',
  header: 'requests',
  value: ({ requestCount }) => requestCount,
  align: 'right',
  priority: 9,
};

const CENTS: Column<TopKey> = {
  name: 'spend_cents',
  header: 'cents',
  value: ({ spendCents }) => spendCents,
  align: 'right',
  priority: 7,
  plain: ({ spendCents }) => spendCents === 0,
};

const TENANT: Column<TopKey> = {
  name: 'tenant_id',
  header: 'tenant',
  value: ({ tenantId }) => tenantId,
  priority: 5,
  wraps: true,
  plain: ({ tenantId }) => tenantId === DEFAULT_TENANT,
};

/** What tsv and csv have. */
const COLUMNS: readonly Column<TopKey>[] = [
  { name: 'key_id', header: 'id', value: ({ keyId }) => keyId },
  NAME,
  OWNER,
  REQUESTS,
  CENTS,
  TENANT,
  { name: 'key_prefix', header: 'key', value: ({ keyPrefix }) => keyPrefix },
];

function screenColumns({ requestCount, top }: UsageRanking, owner: string | undefined): Column<TopKey>[] {
  const most = Math.max(...top.map((key) => key.requestCount));
  return [
    {
      name: 'key_prefix',
      header: 'key',
      value: ({ keyPrefix }) => keyPrefix,
      // Of a deleted key the id is the only name.
      cell: ({ keyPrefix, keyId }) => keyPrefix ?? keyId,
      priority: 10,
    },
    NAME,
    ...(owner === undefined ? [OWNER] : []),
    REQUESTS,
    {
      name: 'share',
      header: 'share',
      value: (key) => key.requestCount / Math.max(1, requestCount),
      cell: (key) => shareOf(key.requestCount, requestCount),
      align: 'right',
      priority: 6,
    },
    CENTS,
    TENANT,
    {
      name: 'chart',
      header: '',
      value: () => null,
      cell: (key, ui) => ({
        text: bar(key.requestCount, most, Math.floor(ui.width / 4)),
        style: ui.chalk.cyan,
      }),
      priority: 4,
    },
  ];
}

/** `48 %`, `< 1 %`. */
function shareOf(part: number, all: number): string {
  if (part === 0 || all === 0) return '-';
  const percent = Math.floor((100 * part) / all);
  return percent === 0 ? '< 1 %' : `${percent} %`;
}
