import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { parseTimeExpression, type TimeExpression } from '../../domain/duration.js';
import type { KeyReference } from '../../domain/key-reference.js';
import { checkOwner } from '../../domain/text.js';
import { dayOf, periodOf, periodsBetween, type UsagePeriod } from '../../domain/usage-period.js';
import type { ErrorDetails } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { readMoment } from '../../repository/clock.js';
import type { UsageTotal } from '../../repository/usage.js';
import {
  type DayUsage,
  type KeyUsage,
  ownerOfUsage,
  topUsage,
  totalUsage,
  usageByDay,
  usageOfAllByDay,
} from '../../repository/usage-report.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { keyNotFound } from '../refusals.js';
import { nameOf, resolveKeys } from '../resolve-keys.js';

export interface UsageRequest {
  /** One key, by id, key prefix, name or raw key; by its full id also after it was deleted. */
  readonly key?: KeyReference | undefined;
  /** All keys of this owner, deleted ones too. With neither, all keys. */
  readonly owner?: string | undefined;
  /** A UTC day, an RFC 3339 time, or a duration that lies back, such as `30d`. Today unless told otherwise. */
  readonly since?: string | undefined;
  /** As `since`; now unless told otherwise. */
  readonly until?: string | undefined;
  /** Gives a series, whosever usage it is. Without it a key's is by `day`; of an owner and of all, the top keys. */
  readonly by?: UsagePeriod | undefined;
  /** How many of the top keys: 1 to 1,000; 20 unless told otherwise. */
  readonly limit?: number | undefined;
}

export interface UsageOfPeriod extends UsageTotal {
  /** `2026-12-31`, `2026-W53` or `2026-12`. */
  readonly period: string;
}

/** Usage over time: of one key, of an owner, or of all. */
export interface UsageSeries extends UsageTotal {
  /** Null where it is not one key's. */
  readonly keyId: string | null;
  /** Of an owner and of all: the tenant that it is confined to, if any. */
  readonly tenantId: string | null;
  /** Null where it is that of all. */
  readonly ownerId: string | null;
  /** The key's; null also once it is deleted. */
  readonly name: string | null;
  /** The first and the last UTC day that are counted, as `2026-12-31`. */
  readonly from: string;
  readonly to: string;
  readonly by: UsagePeriod;
  /** Every period of the range, in order, those without usage too; the first and last count their days of the range alone. */
  readonly series: readonly UsageOfPeriod[];
}

/** The usage of one key over time. */
export interface KeyUsageSeries extends UsageSeries {
  readonly keyId: string;
  readonly tenantId: string;
  readonly ownerId: string;
}

/** The keys that were used most. */
export interface UsageRanking extends UsageTotal {
  readonly from: string;
  readonly to: string;
  /** By requests, then spend. The sums beside it are those of all keys, not of these alone. */
  readonly top: readonly KeyUsage[];
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const MOST_KEYS = 1_000;

/**
 * Requests and spend by period, or of the keys that were used most. Usage is kept by UTC day, so both ends of
 * the range are whole days, both counted; a day that has not come holds nothing, so the range ends today.
 *
 * Throws `INVALID_INPUT`, `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, and what {@link read} throws.
 *
 * @example
 * await getUsage(context, { key: 'rv_1a2b3c4d', since: '30d', by: 'week' }) // a UsageSeries
 * await getUsage(context, { owner: 'alice', since: '30d', by: 'day' }) // a UsageSeries, too
 * await getUsage(context, { owner: 'alice', since: '2026-01-01' }) // a UsageRanking
 */
export async function getUsage(
  context: ServiceContext,
  request: UsageRequest & { readonly key: KeyReference },
): Promise<KeyUsageSeries>;
export async function getUsage(
  context: ServiceContext,
  request?: UsageRequest,
): Promise<UsageSeries | UsageRanking>;
export async function getUsage(
  context: ServiceContext,
  request: UsageRequest = {},
): Promise<UsageSeries | UsageRanking> {
  const { key, by, limit = 20 } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_KEYS) {
    throw invalid(`the top has 1 to ${MOST_KEYS} keys`, { reason: 'page_size', most: MOST_KEYS });
  }
  const owner = request.owner === undefined ? undefined : checkOwner(request.owner);
  const tenant = tenantOf(context);
  const since = request.since === undefined ? undefined : parseTimeExpression(request.since);
  const until = request.until === undefined ? undefined : parseTimeExpression(request.until, 'last');
  await context.ready();
  const named = key === undefined ? undefined : await keyOf(context, key, { tenant, owner });
  return read(context.engine, async (session) => {
    const range = await rangeOf(session, since, until);
    const scope = { ...range, owner, tenant };
    if (named !== undefined) {
      return { ...named, ...seriesBy(by ?? 'day', await usageByDay(session, named.keyId, range), range) };
    }
    if (by !== undefined) {
      const whose = { keyId: null, tenantId: tenant ?? null, ownerId: owner ?? null, name: null };
      return { ...whose, ...seriesBy(by, await usageOfAllByDay(session, scope), range) };
    }
    return {
      ...range,
      ...(await totalUsage(session, scope)),
      top: await topUsage(session, scope, limit),
    };
  });
}

interface DayRange {
  readonly from: string;
  readonly to: string;
}

const seriesBy = (by: UsagePeriod, days: readonly DayUsage[], range: DayRange) => ({
  ...range,
  by,
  ...sumOfDays(days),
  series: seriesOf(days, range, by),
});

type NamedKey = Pick<KeyUsageSeries, 'keyId' | 'tenantId' | 'ownerId' | 'name'>;

async function keyOf(
  context: ServiceContext,
  reference: KeyReference,
  { tenant, owner }: { readonly tenant: string | undefined; readonly owner: string | undefined },
): Promise<NamedKey> {
  const [key] = await resolveKeys(context, [reference], { owner, ignoreMissing: mayBeDeleted(reference) });
  if (key !== undefined) {
    return { keyId: key.id, tenantId: key.tenantId, ownerId: key.ownerId, name: key.name };
  }
  const keyId = nameOf(reference).toLowerCase();
  const found = await read(context.engine, (session) => ownerOfUsage(session, keyId, tenant));
  if (found === undefined || (owner !== undefined && found.ownerId !== owner))
    throw keyNotFound([nameOf(reference)]);
  return { keyId, ...found, name: null };
}

/** Usage outlives its key, and is found by the key's id. */
const mayBeDeleted = (reference: KeyReference): boolean => UUID.test(nameOf(reference));

async function rangeOf(
  session: Session,
  since: TimeExpression | undefined,
  until: TimeExpression | undefined,
): Promise<DayRange> {
  const { now } = await readMoment(session);
  const today = dayOf(now);
  const to = until === undefined ? today : earliest(dayAt(until, now), today);
  const from = since === undefined ? to : dayAt(since, now);
  if (from <= to) return { from, to };
  throw invalid(`the range begins on ${from} and ends on ${to}`, { reason: 'range_reversed' });
}

const earliest = (a: string, b: string): string => (a < b ? a : b);

function dayAt(moment: TimeExpression, now: Date): string {
  const time = moment.kind === 'at' ? moment.at.getTime() : now.getTime() - moment.ms;
  return dayOf(new Date(Math.max(0, time)));
}

function sumOfDays(days: readonly UsageTotal[]): UsageTotal {
  const sum = { requestCount: 0, spendCents: 0 };
  for (const { requestCount, spendCents } of days) {
    sum.requestCount = Math.min(sum.requestCount + requestCount, Number.MAX_SAFE_INTEGER);
    sum.spendCents = Math.min(sum.spendCents + spendCents, Number.MAX_SAFE_INTEGER);
  }
  return sum;
}

function seriesOf(days: readonly DayUsage[], { from, to }: DayRange, by: UsagePeriod): UsageOfPeriod[] {
  const periods = new Map<string, DayUsage[]>(periodsBetween(from, to, by).map((period) => [period, []]));
  for (const day of days) periods.get(periodOf(day.day, by))?.push(day);
  return [...periods].map(([period, inIt]) => ({ period, ...sumOfDays(inIt) }));
}

const invalid = (message: string, details: ErrorDetails): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', message, { details });
