import { setFlagsFromString } from 'node:v8';
import { Command, Option } from '@commander-js/extra-typings';
import { KEY_SORTS, KEY_STATUSES, type Key } from '../../domain/key.js';
import { keyJson, keyPageJson } from '../../representation/key.js';
import type { KeyPages, ListFilter, ListRequest } from '../../service/keys/list-keys.js';
import type { Service } from '../../service/service.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { globalsOf, wholeNumber } from '../options.js';
import { KEY_COLUMNS } from '../output/key-columns.js';
import type { Runner } from '../runner.js';

const EMPTY = 'No keys. Make one: apikeys create <name> --owner <owner>';
const EMPTY_FILTERED = 'No keys match. `apikeys list` without options shows all of them.';

export const listCommand = (run: Runner) =>
  new Command('list')
    .description('list keys, newest first')
    .option('--owner <owner>', 'only keys of this owner')
    .addOption(new Option('--status <status>', 'only this status').choices(KEY_STATUSES))
    .option('--scope <scope>', 'only keys that grant this scope')
    .option('--name <glob>', "only keys of this name, such as 'ci-*'")
    .option('--expiring-within <duration>', 'only live keys that end in this time')
    .option('--unused-for <duration>', 'only keys not used for this long, such as 30d')
    .addOption(new Option('--sort <by>', 'another order').choices(KEY_SORTS))
    .option('--desc', 'with --sort: the other way round')
    .addOption(new Option('--limit <n>', 'keys a page, 1 to 1000 (default: 50)').argParser(wholeNumber))
    .option('--cursor <cursor>', 'the page after this next_cursor')
    .option('--all', 'every page')
    .option('--count', 'the number of keys alone')
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys list --owner alice --status active
  $ apikeys list --all -o ndjson | jq -r .id`,
    )
    .action((options, command) =>
      run(globalsOf(command), async (context) => {
        const { limit, cursor, all, count, sort, desc: descending, ...wanted } = options;
        refuseTogether({ '--all': all, '--limit': limit, '--cursor': cursor, '--count': count });
        const filter: ListFilter = wanted;
        const order = { sort, descending };
        await context.use((service) => {
          if (count) return printCount(context, service, filter);
          if (all) return printAll(context, service, { ...filter, ...order });
          return printPage(context, service, { ...filter, ...order, limit, cursor });
        });
      }),
    );

/** A count has no pages, and all pages have neither a size nor a beginning. */
function refuseTogether(given: Readonly<Record<string, unknown>>): void {
  const [first, second] = Object.keys(given).filter((name) => given[name] !== undefined);
  const alone = first === '--all' || given['--count'] !== undefined;
  if (!alone || second === undefined) return;
  throw new CliError('INVALID_USAGE', `${first} and ${second} exclude each other`, {
    hint: 'Use one of them.',
  });
}

async function printCount({ renderer }: Context, service: Service, filter: ListFilter): Promise<void> {
  const count = await service.count(filter);
  await renderer.result({
    document: { count },
    rows: [count],
    columns: [{ name: 'count', header: 'keys', value: (row) => row, align: 'right' }],
    quiet: [String(count)],
    human: () => String(count),
  });
}

async function printPage({ renderer }: Context, service: Service, request: ListRequest): Promise<void> {
  const page = await service.list(request);
  const { keys, nextCursor } = page;
  await renderer.result({
    document: keyPageJson(page),
    rows: keys,
    columns: KEY_COLUMNS,
    record: keyJson,
    quiet: keys.map(({ id }) => id),
    empty: emptyHint(request),
    ...(nextCursor !== null && { footer: `More keys follow: --all, or --cursor ${nextCursor}` }),
  });
}

async function printAll({ renderer }: Context, service: Service, request: KeyPages): Promise<void> {
  // Nothing of a page outlives it. V8 would take that much garbage for a reason to use a third more memory.
  setFlagsFromString('--semi-space-growth-factor=1');
  await renderer.stream<Key>(
    {
      name: 'keys',
      rest: { next_cursor: null },
      record: keyJson,
      columns: KEY_COLUMNS,
      quiet: ({ id }) => id,
      empty: emptyHint(request),
    },
    service.allKeys(request),
  );
}

const emptyHint = ({ sort, descending, limit, cursor, ...filter }: ListRequest): string =>
  Object.values(filter).every((value) => value === undefined) ? EMPTY : EMPTY_FILTERED;
