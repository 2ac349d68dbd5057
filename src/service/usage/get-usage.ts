import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { parseTimeExpression, type TimeExpression } from '../../domain/duration.js';
import { type LimitSubject, type LimitUse, limitsState } from '../../domain/standing.js';
import { checkOwner } from '../../domain/text.js';
import { dayOf, periodOf, periodsBetween, type UsagePeriod } from '../../domain/usage-period.js';
import type { ErrorDetails } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { readMoment } from '../../repository/clock.js';
import { findStanding, type LimitedRef } from '../../repository/limits.js';
import { findOwners } from '../../repository/owners.js';
import type { UsageTotal } from '../../repository/usage.js';
import {
  type DayUsage,
  type KeyUsage,
  ownerOfUsage,
  topUsage,
  totalUsage,
  usageByDay,
} from '../../repository/usage-report.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { keyNotFound } from '../refusals.js';
import { resolveKeys } from '../resolve-keys.js';

export interface UsageRequest {
  /** One key, by id, key prefix or name; by its full id also after it was deleted. Without it, the top keys. */
  readonly key?: string | undefined;
  readonly owner?: string | undefined;
  /** An RFC 3339 time, or a duration that lies back, such as `30d`. Today unless told otherwise. */
  readonly since?: string | undefined;
  /** As `since`; now unless told otherwise. */
  readonly until?: string | undefined;
  /** `day` unless told otherwise. */
  readonly by?: UsagePeriod | undefined;
  /** How many of the top keys: 1 to 1,000; 20 unless told otherwise. */
  readonly limit?: number | undefined;
}

export interface UsageOfPeriod extends UsageTotal {
  /** `2026-12-31`, `2026-W53` or `2026-12`. */
  readonly period: string;
}

/** The usage of one key over time. */
export interface UsageSeries extends UsageTotal {
  readonly keyId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  /** Null once the key is deleted. */
  readonly name: string | null;
  /** The first and the last UTC day that are counted, as `2026-12-31`. */
  readonly from: string;
  readonly to: string;
  readonly by: UsagePeriod;
  /** Every period of the range, in order, those without usage too; the first and last count their days of the range alone. */
  readonly series: readonly UsageOfPeriod[];
  /** The limits of the key and of its owner, and what is used of them now, whatever the range. */
  readonly limits: readonly LimitUse[];
}

/** The keys that were used most. */
export interface UsageRanking extends UsageTotal {
  readonly from: string;
  readonly to: string;
  /** By requests, then spend. The sums beside it are those of all keys, not of these alone. */
  readonly top: readonly KeyUsage[];
  /** Those of the owner as a whole, where one is named; else empty. */
  readonly limits: readonly LimitUse[];
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const MOST_KEYS = 1_000;

/**
 * Requests and spend of one key by period, or of the keys that were used most. Usage is kept by UTC day, so both ends of
 * the range are whole days, both counted; a day that has not come holds nothing, so the range ends today.
 *
 * Throws `INVALID_INPUT`, `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, and what {@link read} throws.
 *
 * @example
 * await getUsage(context, { key: 'rv_1a2b3c4d', since: '30d', by: 'week' }) // a UsageSeries
 * await getUsage(context, { owner: 'alice', since: '2026-01-01T00:00:00Z' }) // a UsageRanking
 */
export async function getUsage(
  context: ServiceContext,
  request: UsageRequest & { readonly key: string },
): Promise<UsageSeries>;
export async function getUsage(
  context: ServiceContext,
  request?: UsageRequest,
): Promise<UsageSeries | UsageRanking>;
export async function getUsage(
  context: ServiceContext,
  request: UsageRequest = {},
): Promise<UsageSeries | UsageRanking> {
  const { key, by = 'day', limit = 20 } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_KEYS) {
    throw invalid(`the top has 1 to ${MOST_KEYS} keys`, { reason: 'page_size', most: MOST_KEYS });
  }
  const owner = request.owner === undefined ? undefined : checkOwner(request.owner);
  const tenant = tenantOf(context);
  const since = request.since === undefined ? undefined : parseTimeExpression(request.since);
  const until = request.until === undefined ? undefined : parseTimeExpression(request.until);
  await context.ready();
  const named = key === undefined ? undefined : await keyOf(context, key, tenant);
  if (named !== undefined && owner !== undefined && named.ownerId !== owner) throw keyNotFound([key ?? '']);
  return read(context.engine, async (session) => {
    const range = await rangeOf(session, since, until);
    if (named === undefined) {
      const scope = { ...range, owner, tenant };
      return {
        ...range,
        ...(await totalUsage(session, scope)),
        top: await topUsage(session, scope, limit),
        limits: owner === undefined ? [] : await limitsOfOwner(session, owner, tenant),
      };
    }
    const days = await usageByDay(session, named.keyId, range);
    const limits = await limitsOfKey(session, named);
    return { ...named, ...range, by, ...sumOfDays(days), series: seriesOf(days, range, by), limits };
  });
}

const usesOf = async (session: Session, of: LimitSubject, ref: LimitedRef): Promise<readonly LimitUse[]> =>
  limitsState(of, await findStanding(session, ref)).uses;

async function limitsOfKey(session: Session, { keyId, tenantId, ownerId }: NamedKey): Promise<LimitUse[]> {
  const own = await usesOf(session, 'key', { keyId });
  return [...own, ...(await usesOf(session, 'owner', { tenantId, ownerId }))];
}

/** None where owners of several tenants are meant. */
async function limitsOfOwner(
  session: Session,
  ownerId: string,
  tenant: string | undefined,
): Promise<readonly LimitUse[]> {
  const [owner, another] = await findOwners(session, ownerId, tenant, 2);
  return owner === undefined || another !== undefined ? [] : usesOf(session, 'owner', owner);
}

type NamedKey = Pick<UsageSeries, 'keyId' | 'tenantId' | 'ownerId' | 'name'>;

async function keyOf(
  context: ServiceContext,
  reference: string,
  tenant: string | undefined,
): Promise<NamedKey> {
  const [key] = await resolveKeys(context, [reference], { ignoreMissing: true });
  if (key !== undefined) {
    return { keyId: key.id, tenantId: key.tenantId, ownerId: key.ownerId, name: key.name };
  }
  const keyId = reference.toLowerCase();
  const owner = UUID.test(reference)
    ? await read(context.engine, (session) => ownerOfUsage(session, keyId, tenant))
    : undefined;
  if (owner === undefined) throw keyNotFound([reference]);
  return { keyId, ...owner, name: null };
}

async function rangeOf(
  session: Session,
  since: TimeExpression | undefined,
  until: TimeExpression | undefined,
): Promise<{ from: string; to: string }> {
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

function seriesOf(
  days: readonly DayUsage[],
  { from, to }: { readonly from: string; readonly to: string },
  by: UsagePeriod,
): UsageOfPeriod[] {
  const periods = new Map<string, DayUsage[]>(periodsBetween(from, to, by).map((period) => [period, []]));
  for (const day of days) periods.get(periodOf(day.day, by))?.push(day);
  return [...periods].map(([period, inIt]) => ({ period, ...sumOfDays(inIt) }));
}

const invalid = (message: string, details: ErrorDetails): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', message, { details });
