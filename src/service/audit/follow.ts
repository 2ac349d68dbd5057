import { read } from '../../db/transaction.js';
import {
  type EventFilter,
  type EventPosition,
  findEvents,
  type ListedEvent,
} from '../../repository/audit.js';
import { readMoment } from '../../repository/clock.js';
import type { ServiceContext } from '../context.js';
import { type AuditFilter, type CheckedFilter, checkFilter, resolveFilter } from './filter.js';

/**
 * How far back each look reaches, in milliseconds. An event is dated before its transaction commits, so it can turn up
 * behind events that were given already; no transaction of ours lasts this long.
 */
const REREAD = 60_000;
const PAGE = 1_000;

export interface FollowRequest extends Omit<AuditFilter, 'until'> {
  /** Begins there; with what is committed from now on unless named. */
  readonly since?: string | undefined;
}

/** What was given already, and where the next look begins. Made by {@link follow}, moved on by {@link nextEvents}. */
export interface Following {
  readonly request: CheckedFilter;
  /** Null until the first look. */
  filter: EventFilter | null;
  /** The pass under way: it reads everything from `from` on, page by page. */
  pass: { readonly began: Date; readonly from: Date; readonly after: EventPosition } | null;
  /** When the last complete pass began, by the database's clock. */
  last: Date | null;
  /** The events of the time that is read again, by id, with their time in milliseconds. */
  readonly seen: Map<string, number>;
}

/** Throws `INVALID_INPUT`. */
export function follow(context: ServiceContext, request: FollowRequest): Following {
  return { request: checkFilter(context, request), filter: null, pass: null, last: null, seen: new Map() };
}

export interface NextEvents {
  /** Oldest first. Each event is given once. */
  readonly events: readonly ListedEvent[];
  /** True if more can be had at once. */
  readonly more: boolean;
}

/**
 * One look at the trail: the events that were committed since the last one, late ones included. When it throws, what
 * follows goes on from where it was. `following` holds the events of two minutes, by id.
 *
 * Should the database's clock be set back by more than a minute, an event may be given twice, and none is missed.
 */
export async function nextEvents(context: ServiceContext, following: Following): Promise<NextEvents> {
  await context.ready();
  following.filter ??= await resolveFilter(context, following.request);
  const { filter, last, seen } = following;
  const { now, pass, events } = await read(context.engine, async (session) => {
    const { now } = await readMoment(session);
    const pass = following.pass ?? { began: now, from: startOf(filter, last, now), after: undefined };
    const { from, after } = pass;
    const request = { ...filter, since: from, after, descending: false, limit: PAGE };
    return { now, pass, events: await findEvents(session, request) };
  });

  // Without a beginning of its own, what was committed by the time of the first pass is known, and not given.
  const isNew = last !== null || filter.since !== undefined;
  const fresh = events.filter(({ id }) => !seen.has(id));
  for (const { id, at } of events) seen.set(id, at.getTime());
  const end = events.length < PAGE ? undefined : events.at(-1);
  if (end === undefined) {
    following.pass = null;
    following.last = pass.began;
    forget(seen, Math.min(pass.began.getTime(), now.getTime()) - 2 * REREAD);
  } else {
    following.pass = { began: pass.began, from: pass.from, after: end };
  }
  return { events: isNew ? fresh : [], more: end !== undefined };
}

function startOf({ since }: EventFilter, last: Date | null, now: Date): Date {
  if (last === null && since !== undefined) return since;
  const reread = Math.min(last?.getTime() ?? now.getTime(), now.getTime()) - REREAD;
  return new Date(Math.max(reread, since?.getTime() ?? reread));
}

function forget(seen: Map<string, number>, before: number): void {
  for (const [id, at] of seen) if (at < before) seen.delete(id);
}
