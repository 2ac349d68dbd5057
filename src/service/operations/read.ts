import type { AuditFilter } from '../audit/filter.js';
import { type Following, type FollowRequest, follow, nextEvents } from '../audit/follow.js';
import { auditHeads } from '../audit/heads.js';
import { allEvents, type EventListRequest, listEvents } from '../audit/list.js';
import { type VerifyAuditRequest, verifyAudit } from '../audit/verify.js';
import type { ServiceContext } from '../context.js';
import { diagnose } from '../doctor.js';
import { grantsFor } from '../grants.js';
import { getKey, showKey } from '../keys/find-keys.js';
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
import { showPolicy } from '../policies/show-policy.js';
import { getUsage, type UsageRanking, type UsageRequest, type UsageSeries } from '../usage/get-usage.js';

export type ReadOperations = ReturnType<typeof readOperations>;

/** What changes no key, within the tenant of the caller. */
export function readOperations(context: ServiceContext) {
  return {
    /** See {@link listKeys}. */
    list: (request?: ListRequest) => listKeys(context, request),
    /** See {@link allKeys}. */
    allKeys: (request?: KeyPages) => allKeys(context, request),
    /** See {@link countMatching}. */
    count: (filter?: ListFilter) => countMatching(context, filter),
    /** See {@link getKey}. */
    get: (reference: string) => getKey(context, reference),
    /** See {@link showKey}. */
    show: (reference: string) => showKey(context, reference),
    /** See {@link hasScopes}. */
    hasScopes: (question: ScopeQuestion) => hasScopes(context, question),
    /** See {@link changeOver}. */
    changeOver: (keyId: string) => changeOver(context, keyId),
    /** See {@link getUsage}. */
    getUsage: usageOn(context),
    /** See {@link listEvents}. */
    events: (request?: EventListRequest) => listEvents(context, request),
    /** See {@link allEvents}. */
    allEvents: (filter?: AuditFilter) => allEvents(context, filter),
    /** See {@link follow}. */
    follow: (request: FollowRequest) => follow(context, request),
    /** See {@link nextEvents}. */
    nextEvents: (following: Following) => nextEvents(context, following),
    /** See {@link auditHeads}. */
    auditHeads: () => auditHeads(context),
    /** See {@link verifyAudit}. */
    verifyAudit: (request?: VerifyAuditRequest) => verifyAudit(context, request),
    /** See {@link showPolicy}. */
    policy: () => showPolicy(context),
    /** See {@link grantsFor}. */
    grantsFor,
    /** See {@link diagnose}. */
    diagnose: (hostNow: () => Date) => diagnose(context, hostNow),
  };
}

interface GetUsage {
  (request: UsageRequest & { readonly key: string }): Promise<UsageSeries>;
  (request?: UsageRequest & { readonly key?: undefined }): Promise<UsageRanking>;
  (request: UsageRequest): Promise<UsageSeries | UsageRanking>;
}

function usageOn(context: ServiceContext): GetUsage {
  function usageOf(request: UsageRequest & { readonly key: string }): Promise<UsageSeries>;
  function usageOf(request?: UsageRequest & { readonly key?: undefined }): Promise<UsageRanking>;
  function usageOf(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
  function usageOf(request?: UsageRequest): Promise<UsageSeries | UsageRanking> {
    return getUsage(context, request);
  }
  return usageOf;
}
