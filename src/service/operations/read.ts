import type { KeyReference } from '../../domain/key-reference.js';
import type { UsagePeriod } from '../../domain/usage-period.js';
import type { AuditFilter } from '../audit/filter.js';
import { type Following, type FollowRequest, follow, nextEvents } from '../audit/follow.js';
import { auditHeads } from '../audit/heads.js';
import {
  allEvents,
  countMatchingEvents,
  type EventListRequest,
  type EventPages,
  listEvents,
} from '../audit/list.js';
import { type VerifyAuditRequest, verifyAudit } from '../audit/verify.js';
import type { ServiceContext } from '../context.js';
import type { CountOptions } from '../count-options.js';
import { diagnose } from '../doctor.js';
import { grantsFor } from '../grants.js';
import { getKey, type KeyLookup, showKey } from '../keys/find-keys.js';
import {
  allKeys,
  countMatching,
  type KeyPages,
  type ListFilter,
  type ListRequest,
  listKeys,
} from '../keys/list-keys.js';
import { changeOver } from '../keys/rotate-key.js';
import { hasScopes, type ScopeQuestion } from '../keys/update-key.js';
import { getLimits, type LimitsTarget } from '../limits/limits.js';
import { showPolicy } from '../policies/show-policy.js';
import {
  getUsage,
  type KeyUsageSeries,
  type UsageRanking,
  type UsageRequest,
  type UsageSeries,
} from '../usage/get-usage.js';
import { orNothing, pagesOrNone, reading, readingPages } from './reading.js';

export type ReadOperations = ReturnType<typeof readOperations>;

/** What changes no key, within the tenant of the caller. */
export function readOperations(context: ServiceContext) {
  return {
    /** See {@link listKeys}. */
    list: (request?: ListRequest) =>
      reading(orNothing(listKeys(context, request), { keys: [], nextCursor: null })),
    /** See {@link allKeys}. */
    allKeys: (request?: KeyPages) => readingPages(pagesOrNone(allKeys(context, request))),
    /** See {@link countMatching}. */
    count: (filter?: ListFilter, options?: CountOptions) =>
      reading(orNothing(countMatching(context, filter, options), 0)),
    /** See {@link getKey}. */
    get: (reference: KeyReference, lookup?: KeyLookup) => reading(getKey(context, reference, lookup)),
    /** See {@link showKey}. */
    show: (reference: KeyReference, lookup?: KeyLookup) => reading(showKey(context, reference, lookup)),
    /** See {@link getLimits}. */
    limits: (target: LimitsTarget) => reading(getLimits(context, target)),
    /** See {@link hasScopes}. */
    hasScopes: (question: ScopeQuestion) => reading(hasScopes(context, question)),
    /** See {@link changeOver}. */
    changeOver: (keyId: string) => reading(changeOver(context, keyId)),
    /** See {@link getUsage}. */
    getUsage: usageOn(context),
    /** See {@link listEvents}. */
    events: (request?: EventListRequest) =>
      reading(orNothing(listEvents(context, request), { events: [], nextCursor: null })),
    /** See {@link allEvents}. */
    allEvents: (request?: EventPages) => readingPages(pagesOrNone(allEvents(context, request))),
    /** See {@link countMatchingEvents}. */
    countEvents: (filter?: AuditFilter, options?: CountOptions) =>
      reading(orNothing(countMatchingEvents(context, filter, options), 0)),
    /** See {@link follow}. */
    follow: (request: FollowRequest) => follow(context, request),
    /** See {@link nextEvents}. */
    nextEvents: (following: Following) => reading(nextEvents(context, following)),
    /** See {@link auditHeads}. */
    auditHeads: () => auditHeads(context),
    /** See {@link verifyAudit}. */
    verifyAudit: (request?: VerifyAuditRequest) => verifyAudit(context, request),
    /** See {@link showPolicy}. */
    policy: () => reading(showPolicy(context)),
    /** See {@link grantsFor}. */
    grantsFor,
    /** See {@link diagnose}. */
    diagnose: (hostNow: () => Date) => diagnose(context, hostNow),
  };
}

/** A request for the top keys names neither a key nor a period. */
type RankingRequest = UsageRequest & { readonly key?: undefined; readonly by?: undefined };
type PeriodRequest = UsageRequest & { readonly by: UsagePeriod };

interface GetUsage {
  (request: UsageRequest & { readonly key: KeyReference }): Promise<KeyUsageSeries>;
  (request: PeriodRequest): Promise<UsageSeries>;
  (request?: RankingRequest): Promise<UsageRanking>;
  (request: UsageRequest): Promise<UsageSeries | UsageRanking>;
}

function usageOn(context: ServiceContext): GetUsage {
  function usageOf(request: UsageRequest & { readonly key: KeyReference }): Promise<KeyUsageSeries>;
  function usageOf(request: PeriodRequest): Promise<UsageSeries>;
  function usageOf(request?: RankingRequest): Promise<UsageRanking>;
  function usageOf(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
  function usageOf(request?: UsageRequest): Promise<UsageSeries | UsageRanking> {
    return reading(getUsage(context, request));
  }
  return usageOf;
}
