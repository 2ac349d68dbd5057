import { AUDIT_ACTIONS } from '../../domain/audit.js';
import { eventPageJson } from '../../representation/audit.js';
import { eventJson } from '../../representation/event.js';
import type { EventListRequest, EventPages } from '../../service/audit/list.js';
import type { Context } from '../context.js';
import { defineCommand } from '../definition/command.js';
import { optionalKeyReference } from '../input/key-reference.js';
import { wholeNumber } from '../input/whole-number.js';
import { EVENT_COLUMNS, EVENT_LISTING, NO_EVENTS } from '../output/event-columns.js';
import { followEvents } from '../output/follow-events.js';
import { nextPage, totalOf } from '../output/next-page.js';
import type { Formatter } from '../output/result.js';
import { auditHead } from './audit-head.js';
import { auditVerify } from './audit-verify.js';

export const audit = defineCommand({
  name: 'audit',
  group: 'Operations',
  description: 'show who did what to which key, newest first',
  arguments: { key: { value: '[key]' } },
  options: {
    owner: { value: '<owner>', description: 'only events of this owner and its keys' },
    since: {
      value: '<when>',
      description: 'from then on: 7d (ago), a UTC day, an RFC 3339 time',
    },
    until: { value: '<when>', description: 'before this time; through the end of a day' },
    actor: { value: '<actor>', description: 'only what this one did' },
    action: { value: '<action>', description: 'only this, such as key.revoked', offers: AUDIT_ACTIONS },
    limit: {
      value: '<n>',
      description: 'events a page (default: 50; off a screen, all)',
      parse: wholeNumber,
    },
    cursor: { value: '<cursor>', description: 'the page after this next_cursor' },
    all: { description: 'every page' },
    follow: { description: 'go on, oldest first, from now or --since, until Ctrl-C' },
  },
  // All pages have neither a size nor a beginning, and what is still to come has neither pages nor an end.
  excludes: { all: ['limit', 'cursor'], follow: ['limit', 'cursor', 'all', 'until'] },
  commands: [auditHead, auditVerify],
  notes: 'A key, also a deleted one: id, prefix, name; -: raw. Named like a command: id.',
  examples: ['apikeys audit --owner alice --action key.revoked --since 7d'],
  result: 'audit',
  async run(context, { key: argument, limit, cursor, all, follow, ...rest }) {
    const filter = { key: await optionalKeyReference(context, argument), ...rest };
    if (follow) return followEvents(context, filter);
    // No index has actors, actions or the names of deleted keys, so that a rare one may take its time.
    const patient = [filter.key, filter.actor, filter.action].some((given) => given !== undefined);
    const whole = all === true || (limit === undefined && !context.renderer.paged);
    if (whole) return printAll(context, { ...filter, cursor });
    return printPage(context, { ...filter, limit, cursor }, patient);
  },
});

async function printPage(
  { argv, renderer, use }: Context,
  request: EventListRequest,
  patient: boolean,
): Promise<undefined> {
  const { limit, cursor, ...filter } = request;
  const { page, total } = await use(
    async (service) => {
      const page = await service.events(request);
      return { page, total: await totalOf(page, renderer, (most) => service.countEvents(filter, most)) };
    },
    { patient },
  );
  const { events, nextCursor } = page;
  const { eventStories } = await import('../output/event-stories.js');
  await renderer.result({
    document: eventPageJson({ events, nextCursor }),
    rows: events,
    columns: EVENT_COLUMNS,
    record: eventJson,
    quiet: events.map(EVENT_LISTING.quiet),
    ...(events.length > 0 && { human: (ui: Formatter) => eventStories(events, ui) }),
    empty: NO_EVENTS,
    ...(nextCursor !== null && nextPage({ shown: events.length, total, what: 'events', argv, nextCursor })),
  });
}

async function printAll({ renderer, use }: Context, request: EventPages): Promise<undefined> {
  const { eventStories } = await import('../output/event-stories.js');
  const listing = { ...EVENT_LISTING, human: eventStories };
  await use((service) => renderer.stream(listing, service.allEvents(request)), { patient: true });
}
