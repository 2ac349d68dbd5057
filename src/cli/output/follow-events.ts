import { setTimeout as pause } from 'node:timers/promises';
import { ApiKeysError } from '../../errors.js';
import type { ListedEvent } from '../../repository/audit.js';
import type { Following, FollowRequest, NextEvents } from '../../service/audit/follow.js';
import type { Context } from '../context.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import { EVENT_LISTING } from './event-columns.js';
import type { Result } from './result.js';

/** Between two looks, in milliseconds. */
const INTERVAL = 1_000;

/**
 * Prints events as they are committed, until a signal ends it, which is its normal end. The database is closed between
 * two looks, so that an embedded one is free for others, and while something is printed, however slowly it is read.
 */
export async function followEvents(context: Context, request: FollowRequest): Promise<number> {
  const { signal } = context;
  if (context.onScreen) await context.renderer.note('Waiting for events; Ctrl-C ends it.');
  const printing = print(context, looks(context, request));
  // After a signal nobody waits for it, and whatever it ends with is no news.
  printing.catch(() => undefined);
  try {
    await Promise.race([printing, abortion(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  // The terminal has drawn ^C where the prompt would follow.
  if (context.onScreen) await context.renderer.aside(() => '\n');
  return EXIT.interrupted;
}

function abortion(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function print(
  { options, renderer, rendererIn }: Context,
  pages: AsyncIterable<readonly ListedEvent[]>,
): Promise<void> {
  if (options.output === 'csv') {
    await renderer.stream(EVENT_LISTING, pages);
    return;
  }
  // There is no end, and so no one document.
  const lines = options.json || options.output === 'json' ? rendererIn('ndjson') : renderer;
  const { record, columns, quiet } = EVENT_LISTING;
  const { eventLine } = await import('./event-stories.js');
  for await (const rows of pages) {
    const result: Result<ListedEvent> = {
      document: null,
      rows,
      columns,
      record,
      quiet: rows.map(quiet),
      human: (ui) => rows.map((event) => eventLine(event, ui)).join(''),
    };
    await lines.result(result, { paged: false });
  }
}

async function* looks(context: Context, request: FollowRequest): AsyncGenerator<readonly ListedEvent[]> {
  let following: Following | undefined;
  const look = (): Promise<NextEvents> =>
    context.use(
      (service) => {
        following ??= service.follow(request);
        return service.nextEvents(following);
      },
      // What lies behind may be much; later looks see a minute, and are to notice soon that the database is away.
      { patient: following?.last == null },
    );
  let away = false;
  for (;;) {
    try {
      const { events, more } = await look();
      if (away) await context.renderer.note('note: the database is back');
      away = false;
      if (events.length > 0) yield events;
      if (more) continue;
    } catch (error) {
      if (following?.last == null || !mayPass(error)) throw error;
      if (!away) await context.renderer.note(`note: ${error.message}; trying again until it is back`);
      away = true;
    }
    await pause(INTERVAL, undefined, { signal: context.signal });
  }
}

const mayPass = (error: unknown): error is ApiKeysError =>
  error instanceof ApiKeysError && exitCodeOf(error.code) === EXIT.unavailable;
