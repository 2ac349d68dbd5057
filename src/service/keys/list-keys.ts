import { read } from '../../db/transaction.js';
import { decodeCursor, encodeCursor } from '../../domain/cursor.js';
import { parseDuration } from '../../domain/duration.js';
import type { Key, KeySort, KeyStatus } from '../../domain/key.js';
import { parseScopes, scopesGranting } from '../../domain/scopes.js';
import { checkOwner, checkReference } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import type { KeyFilter } from '../../repository/key-conditions.js';
import { countKeys, findPage, sortValueOf } from '../../repository/key-list.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { type CountOptions, requireMost } from '../count-options.js';

export interface ListFilter {
  readonly owner?: string | undefined;
  readonly status?: KeyStatus | undefined;
  /** Keys that grant this scope, or all of several separated by commas, through `*` or `orders:*` too. */
  readonly scope?: string | undefined;
  /** A name; `*` stands for anything, as in `ci-*`. */
  readonly name?: string | undefined;
  /** Live keys that end within this time, such as `14d`. */
  readonly expiringWithin?: string | undefined;
  /** Keys older than this time and not used for so long, such as `30d`. */
  readonly unusedFor?: string | undefined;
}

export interface ListRequest extends ListFilter {
  /** `created` unless named. Keys without an end come after all others, those never used before all others. */
  readonly sort?: KeySort | undefined;
  /**
   * Turns the order round. Without `sort` keys are listed newest first; with `expiringWithin` those that end soonest
   * first, expired ones by the latest end first.
   */
  readonly descending?: boolean | undefined;
  /** Keys a page: 1 to 1,000; 50 unless named. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before, with the same filter and sort. */
  readonly cursor?: string | undefined;
}

export interface KeyPage {
  readonly keys: readonly Key[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

export const MAX_PAGE = 1_000;

/** A page of keys. Keys made or deleted between two pages neither repeat nor hide others. Throws `INVALID_INPUT`. */
export async function listKeys(context: ServiceContext, request: ListRequest = {}): Promise<KeyPage> {
  const { limit = 50 } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new ApiKeysError('INVALID_INPUT', `a page has 1 to ${MAX_PAGE} keys`, {
      details: { reason: 'page_size', most: MAX_PAGE },
    });
  }
  const filter = checkFilter(context, request);
  const order = orderOf(request);
  const after = request.cursor === undefined ? undefined : positionOf(request.cursor, order);
  await context.ready();
  const found = await read(context.engine, (session) =>
    findPage(session, { ...filter, ...order, after, limit: limit + 1 }),
  );
  const keys = found.slice(0, limit);
  const last = found.length > limit ? keys.at(-1) : undefined;
  return { keys, nextCursor: last === undefined ? null : cursorAt(last, order) };
}

/** Keys that {@link allKeys} reads at a time. */
const PAGE_OF_ALL = 200;

export type KeyPages = Omit<ListRequest, 'limit'>;

/** All keys, page by page; all after `cursor`, where one is given. Throws as {@link listKeys} does. */
export async function* allKeys(
  context: ServiceContext,
  request: KeyPages = {},
): AsyncGenerator<readonly Key[]> {
  let { cursor } = request;
  do {
    const page = await listKeys(context, { ...request, limit: PAGE_OF_ALL, cursor });
    yield page.keys;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** How many keys match. */
export async function countMatching(
  context: ServiceContext,
  filter: ListFilter = {},
  { most }: CountOptions = {},
): Promise<number> {
  const checked = checkFilter(context, filter);
  requireMost(most);
  await context.ready();
  return read(context.engine, (session) => countKeys(session, checked, most));
}

function checkFilter(context: ServiceContext, filter: ListFilter): KeyFilter {
  const { owner, status, scope, name, expiringWithin, unusedFor } = filter;
  return {
    tenant: tenantOf(context),
    owner: owner === undefined ? undefined : checkOwner(owner),
    status,
    scopeSets: scope === undefined ? [] : parseScopes([scope]).map(scopesGranting),
    nameLike: name === undefined ? undefined : likePattern(checkReference(name)),
    expiringWithinMs: expiringWithin === undefined ? undefined : parseDuration(expiringWithin),
    unusedForMs: unusedFor === undefined ? undefined : parseDuration(unusedFor),
  };
}

function likePattern(glob: string): string {
  return glob.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}

interface Order {
  readonly sort: KeySort;
  readonly descending: boolean;
}

/**
 * Newest first. Of expired keys the newest lie behind all that are still active, so those are listed by their end, the
 * latest first: any other order would read every key before the first.
 */
function orderOf({ sort, descending, status, expiringWithin }: ListRequest): Order {
  if (sort !== undefined) return { sort, descending: descending ?? false };
  // Whoever asks what ends soon begins with what ends first.
  if (expiringWithin !== undefined) return { sort: 'expires', descending: false };
  return { sort: status === 'expired' ? 'expires' : 'created', descending: true };
}

const nameOf = ({ sort, descending }: Order): string => `${sort}:${descending ? 'desc' : 'asc'}`;

const cursorAt = (key: Key, order: Order): string =>
  encodeCursor({ sort: nameOf(order), values: [sortValueOf(key, order.sort)], id: key.id });

function positionOf(cursor: string, order: Order): { value: string; id: string } {
  const { sort, values, id } = decodeCursor(cursor);
  const [value] = values;
  const fits = typeof value === 'string' && (order.sort === 'name' || isTime(value));
  if (sort === nameOf(order) && fits) return { value, id };
  throw new ApiKeysError('INVALID_INPUT', 'this cursor belongs to a list in another order', {
    details: { reason: 'cursor_of_other_order' },
  });
}

/** A Date also reads what no list writes, such as 30 February, which the database would refuse. */
function isTime(text: string): boolean {
  if (/^-?infinity$/.test(text)) return true;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}
