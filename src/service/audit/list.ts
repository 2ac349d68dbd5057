import { read } from '../../db/transaction.js';
import { decodeCursor, encodeCursor } from '../../domain/cursor.js';
import { ApiKeysError } from '../../errors.js';
import {
  countEvents,
  type EventFilter,
  type EventPosition,
  findEvents,
  type ListedEvent,
} from '../../repository/audit.js';
import type { ServiceContext } from '../context.js';
import { type CountOptions, requireMost } from '../count-options.js';
import { type AuditFilter, checkFilter, resolveFilter } from './filter.js';

export interface EventListRequest extends AuditFilter {
  /** Events a page: 1 to 1,000; 50 unless named. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before, with the same filter. */
  readonly cursor?: string | undefined;
}

export interface EventPage {
  /** Newest first. */
  readonly events: readonly ListedEvent[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

export const MAX_EVENTS = 1_000;

/**
 * A page of the audit trail. Events written between two pages neither repeat nor hide others.
 *
 * Throws `INVALID_INPUT`, `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
 *
 * @example
 * const { events } = await service.events({ owner: 'alice', since: '7d', action: 'key.revoked' });
 */
export async function listEvents(
  context: ServiceContext,
  request: EventListRequest = {},
): Promise<EventPage> {
  const { limit = 50, cursor } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_EVENTS) {
    throw new ApiKeysError('INVALID_INPUT', `a page has 1 to ${MAX_EVENTS} events`, {
      details: { reason: 'page_size', most: MAX_EVENTS },
    });
  }
  const checked = checkFilter(context, request);
  const after = cursor === undefined ? undefined : positionOf(cursor);
  await context.ready();
  const filter = await resolveFilter(context, checked);
  const found = await readPage(context, filter, after, limit + 1);
  const events = found.slice(0, limit);
  const last = found.length > limit ? events.at(-1) : undefined;
  return { events, nextCursor: last === undefined ? null : cursorAt(last) };
}

export type EventPages = Omit<EventListRequest, 'limit'>;

/**
 * The whole trail, newest first, in pages of up to `MAX_EVENTS`; all after `cursor`, where one is given. Throws as
 * {@link listEvents} does.
 */
export async function* allEvents(
  context: ServiceContext,
  request: EventPages = {},
): AsyncGenerator<readonly ListedEvent[]> {
  const { cursor } = request;
  const checked = checkFilter(context, request);
  let last = cursor === undefined ? undefined : positionOf(cursor);
  await context.ready();
  // Once: a duration that counted back from each page's own moment would lose the oldest events on the way.
  const filter = await resolveFilter(context, checked);
  do {
    const page = await readPage(context, filter, last, MAX_EVENTS);
    yield page;
    last = page.length < MAX_EVENTS ? undefined : page.at(-1);
  } while (last !== undefined);
}

/** How many events match. Throws as {@link listEvents} does. */
export async function countMatchingEvents(
  context: ServiceContext,
  request: AuditFilter = {},
  { most }: CountOptions = {},
): Promise<number> {
  const checked = checkFilter(context, request);
  requireMost(most);
  await context.ready();
  const filter = await resolveFilter(context, checked);
  return read(context.engine, (session) => countEvents(session, filter, most ?? Number.MAX_SAFE_INTEGER));
}

const readPage = (
  { engine }: ServiceContext,
  filter: EventFilter,
  after: EventPosition | undefined,
  limit: number,
): Promise<ListedEvent[]> =>
  read(engine, (session) => findEvents(session, { ...filter, descending: true, after, limit }));

const SORT = 'events:desc';

const cursorAt = ({ at, id }: EventPosition): string =>
  encodeCursor({ sort: SORT, values: [at.toISOString()], id });

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function positionOf(cursor: string): EventPosition {
  const { sort, values, id } = decodeCursor(cursor);
  const [value] = values;
  const at = typeof value === 'string' && TIME.test(value) ? new Date(value) : undefined;
  if (sort === SORT && at !== undefined && !Number.isNaN(at.getTime())) return { at, id };
  throw new ApiKeysError('INVALID_INPUT', 'this cursor belongs to another list', {
    details: { reason: 'cursor_of_other_list' },
  });
}
