import type { Following } from '../service/audit/follow.js';
import type { ReadingService } from '../service/service.js';
import type { UsageRanking, UsageRequest, UsageSeries } from '../service/usage/get-usage.js';
import { argument, checked, invalid, keyArgument, required } from './check.js';
import type { ReadingKeys } from './reading-keys.js';
import * as shapes from './requests.js';
import { fn } from './shape.js';

/** A service that checks the types of what it is asked: an application may be in plain JavaScript. */
export function checkedReading(service: () => ReadingService): ReadingKeys {
  function getUsage(request: UsageRequest & { readonly key: string }): Promise<UsageSeries>;
  function getUsage(request?: UsageRequest & { readonly key?: undefined }): Promise<UsageRanking>;
  function getUsage(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
  async function getUsage(request?: UsageRequest): Promise<UsageSeries | UsageRanking> {
    return service().getUsage({ ...checked(shapes.USAGE, request) });
  }
  return {
    // The raw key is whatever a client sent, and never an error.
    verify: async (rawKey, options) => service().verify(rawKey, checked(shapes.VERIFY, options)),
    explain: async (rawKey, options) => service().explain(rawKey, checked(shapes.EXPLAIN, options)),
    list: async (request) => service().list(checked(shapes.LIST, request)),
    async *allKeys(request) {
      yield* service().allKeys(checked(shapes.KEY_PAGES, request));
    },
    count: async (filter) => service().count(checked(shapes.LIST_FILTER, filter)),
    get: async (key) => service().get(keyArgument(key)),
    show: async (key) => service().show(keyArgument(key)),
    hasScopes: async (question) => service().hasScopes(required(shapes.SCOPE_QUESTION, question)),
    changeOver: async (keyId) => service().changeOver(keyArgument(keyId)),
    getUsage,
    events: async (request) => service().events(checked(shapes.EVENTS, request)),
    async *allEvents(filter) {
      yield* service().allEvents(checked(shapes.AUDIT_FILTER, filter));
    },
    follow: (request) => service().follow(required(shapes.FOLLOW, request)),
    nextEvents: async (following) => service().nextEvents(followed(following)),
    async *auditHeads() {
      yield* service().auditHeads();
    },
    verifyAudit: async (request) => service().verifyAudit(checked(shapes.VERIFY_AUDIT, request)),
    grantsFor: (request) => service().grantsFor(required(shapes.GRANT, request)),
    diagnose: async (hostNow) => service().diagnose(argument('the clock', fn<() => Date>(), hostNow)),
  };
}

/** What `follow` gave: nobody else can make one. */
function followed(following: Following): Following {
  if (following?.seen instanceof Map) return following;
  throw invalid('this is not what follow gave');
}
