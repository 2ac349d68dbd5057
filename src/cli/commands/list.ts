import { setFlagsFromString } from 'node:v8';
import { KEY_SORTS, KEY_STATUSES, type Key } from '../../domain/key.js';
import { keyJson, keyPageJson } from '../../representation/key.js';
import type { KeyPages, ListFilter, ListRequest } from '../../service/keys/list-keys.js';
import type { Service } from '../../service/service.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { wholeNumber } from '../input/whole-number.js';
import { keyColumnsBut } from '../output/key-columns.js';
import { nextPage, totalOf } from '../output/next-page.js';

const EMPTY = 'No keys. Make one: apikeys create <name> --owner <owner>';
const EMPTY_FILTERED = 'No keys match. `apikeys list` without options shows all of them.';

export const list = defineCommand({
  name: 'list',
  group: 'Keys',
  description: 'list keys, newest first',
  options: {
    owner: { value: '<owner>', description: 'only keys of this owner' },
    status: { value: '<status>', description: 'only this status', choices: KEY_STATUSES },
    scope: { value: '<scope>', description: 'only keys that grant this scope' },
    name: { value: '<glob>', description: "only keys of this name, such as 'ci-*'" },
    expiringWithin: {
      value: '<duration>',
      description: 'only live keys that end in this time, soonest first',
    },
    unusedFor: { value: '<duration>', description: 'only keys not used for this long, such as 30d' },
    sort: { value: '<by>', description: 'another order', choices: KEY_SORTS },
    desc: { description: 'with --sort: the other way round' },
    limit: {
      value: '<n>',
      description: 'keys a page (default: 50; off a screen, all)',
      parse: wholeNumber,
    },
    cursor: { value: '<cursor>', description: 'the page after this next_cursor' },
    all: { description: 'every page' },
    count: { description: 'the number of keys alone' },
  },
  // All pages have neither a size nor a beginning, and a count has neither pages nor an order.
  excludes: { all: ['limit', 'cursor', 'count'], count: ['limit', 'cursor', 'sort'] },
  needs: { desc: 'sort' },
  examples: ['apikeys list --owner alice --status active', 'apikeys list --all -o ndjson | jq -r .id'],
  result: 'list',
  async run(context, { limit, cursor, all, count, sort, desc: descending, ...filter }) {
    const request = { ...filter, sort, descending, cursor };
    const whole = all === true || (limit === undefined && !context.renderer.paged);
    if (count) await printCount(context, filter);
    else if (whole) await context.use((service) => printAll(context, service, request));
    else await printPage(context, { ...request, limit });
    return undefined;
  },
});

async function printCount({ renderer, use }: Context, filter: ListFilter): Promise<void> {
  const count = await use((service) => service.count(filter));
  await renderer.result({
    document: { count },
    rows: [count],
    columns: [{ name: 'count', header: 'keys', value: (row) => row, align: 'right' }],
    quiet: [String(count)],
    human: () => String(count),
  });
}

async function printPage(context: Context, request: ListRequest): Promise<void> {
  const { argv, renderer, use } = context;
  const { sort, descending, limit, cursor, ...filter } = request;
  const { page, total } = await use(async (service) => {
    const page = await service.list(request);
    return { page, total: await totalOf(page, renderer, (most) => service.count(filter, most)) };
  });
  const { keys, nextCursor } = page;
  await renderer.result({
    document: keyPageJson(page),
    rows: keys,
    columns: keyColumnsBut(await asked(context, request)),
    record: keyJson,
    quiet: keys.map(({ id }) => id),
    empty: emptyHint(request),
    ...(nextCursor !== null && nextPage({ shown: keys.length, total, what: 'keys', argv, nextCursor })),
  });
}

async function printAll(context: Context, service: Service, request: KeyPages): Promise<void> {
  // Nothing of a page outlives it. V8 would take that much garbage for a reason to use a third more memory.
  setFlagsFromString('--semi-space-growth-factor=1');
  await context.renderer.stream<Key>(
    {
      name: 'keys',
      rest: { next_cursor: null },
      record: keyJson,
      columns: keyColumnsBut(await asked(context, request)),
      quiet: ({ id }) => id,
      empty: emptyHint(request),
    },
    service.allKeys(request),
  );
}

/** What every row has, since it was asked for. */
async function asked({ config }: Context, { owner, status }: ListFilter) {
  // Of a frozen key the column has more to say than the word.
  const word = status === 'frozen' ? undefined : status;
  return { tenant_id: (await config()).tenant, owner_id: owner, status: word };
}

const emptyHint = ({ sort, descending, limit, cursor, ...filter }: ListRequest): string =>
  Object.values(filter).every((value) => value === undefined) ? EMPTY : EMPTY_FILTERED;
