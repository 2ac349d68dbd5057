import type { Engine, Pipeline, Statement } from '../db/engine.js';
import type { RowOf } from '../db/pipeline/binary-decoders.js';
import { createSharedBatches } from '../db/pipeline/shared-batches.js';
import { LIMIT_PERIODS, type LimitPeriod } from '../domain/limits.js';
import type { Standing } from '../domain/standing.js';
import { BugError, invariant } from '../errors.js';
import { toStanding } from './limits.js';
import type { OwnerRef } from './owners.js';

/**
 * Batches of one process in flight at once. Those of one owner go one after the other: they would only wait for its rows, and
 * one statement counts them all for the price of one.
 */
const LANES = 4;

export type CountRequest = (request: AskedRequest) => Promise<CountedRequest>;

/**
 * Counts requests; callers at the same time share a statement, see {@link createSharedBatches}. Rejects if the answer is lost:
 * whether the request was counted is not known then, and it is never counted again.
 */
export function createRequestCounter(engine: Engine): CountRequest {
  const lanes = Array.from({ length: LANES }, () =>
    createSharedBatches(engine, { ask: countRequests, changesNothing: false, maxInFlight: 1 }),
  );
  return (request) => {
    let sum = 0;
    for (let n = 0; n < request.ownerId.length; n++)
      sum = (sum * 31 + request.ownerId.charCodeAt(n)) % 65_521;
    const count = lanes[sum % LANES];
    invariant(count !== undefined, 'a request has no lane');
    return count(request);
  };
}

/** A request that is to be counted against the limits of a key and of its owner. */
export interface AskedRequest extends OwnerRef {
  readonly keyId: string;
  readonly spendCents: number;
  /** In the one form of `parseAddress`; null: the caller named none. */
  readonly ip: string | null;
  /** False asks whether one more would be granted, and takes nothing. */
  readonly counts: boolean;
}

/** What became of a request. */
export interface CountedRequest {
  /** The check that refuses it; null: it is granted, and counted. */
  readonly refusedBy: string | null;
  readonly now: Date;
  /** Of the key and of its owner as a whole, with this request and those before it; null where it has no limits. */
  readonly key: Standing | null;
  readonly owner: Standing | null;
}

const STANDING_COLUMNS = [
  ...(['bigint', 'bigint', 'bigint', 'timestamptz'] as const),
  ...(['bigint', 'text', 'bigint', 'timestamptz'] as const),
  ...(['bigint', 'text', 'bigint', 'timestamptz'] as const),
] as const;

/** What it names is named with its schema, since no transaction of ours says where the session looks names up. */
const COUNT = {
  name: 'apikeys_count_requests_1',
  text: `
    SELECT kind, place, moment, granted, refused_by, rate_requests, rate_window_ms, rate_used, rate_from,
           quota_requests, quota_period, quota_used, quota_from, budget_cents, budget_period, budget_used, budget_from
      FROM apikeys.count_requests(pg_catalog.convert_from($1::pg_catalog.bytea, 'UTF8')::pg_catalog.jsonb)`,
  columns: ['text', 'integer', 'timestamptz', 'integer', 'text', ...STANDING_COLUMNS],
} as const satisfies Statement;

/**
 * Decides and counts these requests in one statement, in their order: those that ask for the same are one question, and as
 * many of them are granted as there is room for. Whoever is refused has used up nothing. Waits at most `limit` milliseconds;
 * whether what has no answer by then was counted is not known.
 */
export async function countRequests(
  pipeline: Pipeline,
  requests: readonly AskedRequest[],
  limit: number,
): Promise<CountedRequest[]> {
  const groups = grouped(requests);
  const [rows = []] = await pipeline.run(COUNT, [Buffer.from(JSON.stringify(groups.document))], limit);
  const answers = new Map<string, RowOf<typeof COUNT.columns>>();
  for (const row of rows) answers.set(`${row[0]} ${row[1]}`, row);
  const taken = new Map<number, number>();
  return requests.map((request, n) => {
    const place = groups.places[n] ?? 0;
    const answer = answers.get(`request ${place}`);
    const group = groups.document.requests[place - 1];
    const [, , now, granted] = answer ?? [];
    if (answer === undefined || group === undefined || now == null || granted == null) {
      throw new BugError('a request was counted and got no answer');
    }
    const before = taken.get(place) ?? 0;
    taken.set(place, before + 1);
    const isGranted = before < granted;
    // The answer tells what is used after all of them: without those that come after this one.
    const later = request.counts && isGranted ? granted - before - 1 : 0;
    const standing = (row: RowOf<typeof COUNT.columns> | undefined) =>
      row === undefined ? null : standingOf(row, later, later * request.spendCents);
    return {
      refusedBy: isGranted ? null : answer[4],
      now,
      key: standing(answers.get(`key ${group.key}`)),
      owner: standing(answers.get(`owner ${group.owner}`)),
    };
  });
}

interface Group {
  readonly key: number;
  readonly owner: number;
  callers: number;
  readonly cents: number;
  readonly ip: string | null;
  readonly counts: boolean;
}

/** The question as the database takes it, and the place of each request among its requests; places begin with 1. */
function grouped(requests: readonly AskedRequest[]) {
  const keys = new Places<string>();
  const owners = new Places<OwnerRef>();
  const groups = new Places<Group>();
  const places = requests.map(({ keyId, tenantId, ownerId, spendCents, ip, counts }) => {
    const key = keys.ordinalOf(keyId, () => keyId);
    const owner = owners.ordinalOf(JSON.stringify([tenantId, ownerId]), () => ({ tenantId, ownerId }));
    const place = groups.ordinalOf(`${key} ${owner} ${spendCents} ${ip} ${counts}`, () => ({
      ...{ key, owner, callers: 0, cents: spendCents, ip, counts },
    }));
    const group = groups.list[place - 1];
    if (group !== undefined) group.callers += 1;
    return place;
  });
  const document = {
    keys: keys.list,
    tenants: owners.list.map(({ tenantId }) => tenantId),
    owners: owners.list.map(({ ownerId }) => ownerId),
    requests: groups.list,
  };
  return { document, places };
}

class Places<Value> {
  readonly list: Value[] = [];
  readonly #places = new Map<string, number>();

  ordinalOf(name: string, make: () => Value): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = this.list.push(make());
    this.#places.set(name, place);
    return place;
  }
}

/** `later` requests and cents are not this one's to see yet. */
function standingOf(row: RowOf<typeof COUNT.columns>, later: number, laterCents: number): Standing {
  const [, , now, , , requests, windowMs, rateUsed, rateFrom, ...periods] = row;
  const [quota, quotaPeriod, quotaUsed, quotaFrom, cents, budgetPeriod, budgetUsed, budgetFrom] = periods;
  if (now === null) throw new BugError('a limit has no time');
  return toStanding({
    now,
    ...{ rate_requests: requests, rate_window_ms: windowMs, rate_from: rateFrom },
    ...{ quota_requests: quota, quota_period: periodOf(quotaPeriod), quota_from: quotaFrom },
    ...{ budget_cents: cents, budget_period: periodOf(budgetPeriod), budget_from: budgetFrom },
    rate_used: Math.max(0, (rateUsed ?? 0) - later),
    quota_used: Math.max(0, (quotaUsed ?? 0) - later),
    budget_used: Math.max(0, (budgetUsed ?? 0) - laterCents),
    allowed_ips: null,
  });
}

function periodOf(text: string | null): LimitPeriod | null {
  if (text === null) return null;
  const period = LIMIT_PERIODS.find((one) => one === text);
  if (period === undefined) throw new BugError('a limit has a period that there is not');
  return period;
}
