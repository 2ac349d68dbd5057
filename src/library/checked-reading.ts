import type { KeyReference } from '../domain/key-reference.js';
import type { UsagePeriod } from '../domain/usage-period.js';
import type { Following } from '../service/audit/follow.js';
import type { ReadingService } from '../service/service.js';
import type { KeyUsageSeries, UsageRanking, UsageRequest, UsageSeries } from '../service/usage/get-usage.js';
import { argument, checked, idArgument, invalid, keyArgument, required } from './check.js';
import type { ReadingKeys } from './reading-keys.js';
import * as shapes from './requests.js';
import { fn } from './shape.js';

/** A service that checks the types of what it is asked: an application may be in plain JavaScript. */
export function checkedReading(service: () => ReadingService): ReadingKeys {
  function getUsage(request: UsageRequest & { readonly key: KeyReference }): Promise<KeyUsageSeries>;
  function getUsage(request: UsageRequest & { readonly by: UsagePeriod }): Promise<UsageSeries>;
  function getUsage(
    request?: UsageRequest & { readonly key?: undefined; readonly by?: undefined },
  ): Promise<UsageRanking>;
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
    count: async (filter, options) =>
      service().count(checked(shapes.LIST_FILTER, filter), checked(shapes.COUNT, options)),
    get: async (key, lookup) => service().get(keyArgument(key), checked(shapes.LOOKUP, lookup)),
    show: async (key, lookup) => service().show(keyArgument(key), checked(shapes.LOOKUP, lookup)),
    limits: async (target) => service().limits(required(shapes.LIMITS, target)),
    hasScopes: async (question) => service().hasScopes(required(shapes.SCOPE_QUESTION, question)),
    changeOver: async (keyId) => service().changeOver(idArgument(keyId)),
    getUsage,
    events: async (request) => service().events(checked(shapes.EVENTS, request)),
    async *allEvents(request) {
      yield* service().allEvents(checked(shapes.EVENT_PAGES, request));
    },
    countEvents: async (filter, options) =>
      service().countEvents(checked(shapes.AUDIT_FILTER, filter), checked(shapes.COUNT, options)),
    follow: (request) => service().follow(required(shapes.FOLLOW, request)),
    nextEvents: async (following) => service().nextEvents(followed(following)),
    async *auditHeads() {
      yield* service().auditHeads();
    },
    verifyAudit: async (request) => service().verifyAudit(checked(shapes.VERIFY_AUDIT, request)),
    policy: async () => service().policy(),
    grantsFor: (request) => service().grantsFor(required(shapes.GRANT, request)),
    diagnose: async (hostNow) => service().diagnose(argument('the clock', fn<() => Date>(), hostNow)),
  };
}

/** What `follow` gave: nobody else can make one. */
function followed(following: Following): Following {
  if (following?.seen instanceof Map) return following;
  throw invalid('this is not what follow gave');
}
