import { Command, Option } from '@commander-js/extra-typings';
import { eventPageJson } from '../../representation/audit.js';
import { eventJson } from '../../representation/event.js';
import type { EventListRequest } from '../../service/audit/list.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { globalsOf, wholeNumber } from '../options.js';
import { EVENT_COLUMNS, EVENT_LISTING, NO_EVENTS } from '../output/event-columns.js';
import { followEvents } from '../output/follow-events.js';
import type { Formatter } from '../output/result.js';
import type { Runner } from '../runner.js';
import { auditHeadCommand } from './audit-head.js';
import { auditVerifyCommand } from './audit-verify.js';

export const auditCommand = (run: Runner) =>
  new Command('audit')
    .description('show who did what to which key, newest first')
    .argument('[key]')
    .option('--owner <owner>', 'only events of this owner and its keys')
    .option('--since <when>', 'from this time on, such as 7d (ago) or an RFC 3339 time')
    .option('--until <when>', 'before this time, written alike')
    // The program has an option of this name, which gets the value wherever it stands; here, nothing is written.
    .addOption(new Option('--actor <actor>', 'only what this one did'))
    .option('--action <action>', 'only this, such as key.revoked')
    .addOption(new Option('--limit <n>', 'events a page, 1 to 1000 (default: 50)').argParser(wholeNumber))
    .option('--cursor <cursor>', 'the page after this next_cursor')
    .option('--all', 'every page')
    .option('--follow', 'go on, oldest first, from now or --since, until Ctrl-C')
    .addCommand(auditHeadCommand(run))
    .addCommand(auditVerifyCommand(run))
    .addHelpText(
      'after',
      `
A key: its id, key prefix or name; its id if deleted or named like a command.

Examples:
  $ apikeys audit --owner alice --action key.revoked --since 7d`,
    )
    .action((key, options, command) =>
      run(globalsOf(command), async (context) => {
        const { limit, cursor, all, follow, ...wanted } = options;
        refuseTogether(options);
        const filter = { ...wanted, key, actor: globalsOf(command).actor };
        if (follow) return followEvents(context, filter);
        // No index has actors or actions, so that a rare one may take its time.
        const patient = all === true || filter.actor !== undefined || filter.action !== undefined;
        const request = { ...filter, limit, cursor };
        return all ? printAll(context, filter) : printPage(context, request, patient);
      }),
    );

/** All pages have neither a size nor a beginning, and what is still to come has neither pages nor an end. */
function refuseTogether({ follow, all, limit, cursor, until }: Readonly<Record<string, unknown>>): void {
  const pages = { '--limit': limit, '--cursor': cursor };
  if (all) refuseWith('--all', pages);
  if (follow) refuseWith('--follow', { ...pages, '--all': all, '--until': until });
}

function refuseWith(option: string, others: Readonly<Record<string, unknown>>): void {
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other === undefined) return;
  throw new CliError('INVALID_USAGE', `${option} and ${other} exclude each other`, {
    hint: 'Use one of them.',
  });
}

async function printPage(
  { renderer, use }: Context,
  request: EventListRequest,
  patient: boolean,
): Promise<undefined> {
  const { events, nextCursor } = await use((service) => service.events(request), { patient });
  const { eventStories } = await import('../output/event-stories.js');
  await renderer.result({
    document: eventPageJson({ events, nextCursor }),
    rows: events,
    columns: EVENT_COLUMNS,
    record: eventJson,
    quiet: events.map(EVENT_LISTING.quiet),
    ...(events.length > 0 && { human: (ui: Formatter) => eventStories(events, ui) }),
    empty: NO_EVENTS,
    ...(nextCursor !== null && { footer: `More events follow: --all, or --cursor ${nextCursor}` }),
  });
}

async function printAll({ renderer, use }: Context, filter: EventListRequest): Promise<undefined> {
  const { eventStories } = await import('../output/event-stories.js');
  const listing = { ...EVENT_LISTING, human: eventStories };
  await use((service) => renderer.stream(listing, service.allEvents(filter)), { patient: true });
}
