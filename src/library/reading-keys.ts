import type { Key } from '../domain/key.js';
import type { KeyReference } from '../domain/key-reference.js';
import type { UsagePeriod } from '../domain/usage-period.js';
import type { AuditFilter } from '../service/audit/filter.js';
import type { Following, FollowRequest, NextEvents } from '../service/audit/follow.js';
import type { HeadLine } from '../service/audit/heads.js';
import type { EventListRequest, EventPage, EventPages } from '../service/audit/list.js';
import type { AuditVerdict, VerifyAuditRequest } from '../service/audit/verify.js';
import type { CountOptions } from '../service/count-options.js';
import type { Diagnosis } from '../service/doctor.js';
import type { GrantRequest } from '../service/grants.js';
import type { KeyDetails, KeyLookup } from '../service/keys/find-keys.js';
import type { KeyPage, KeyPages, ListFilter, ListRequest } from '../service/keys/list-keys.js';
import type { ChangeOver } from '../service/keys/rotate-key.js';
import type { ScopeAnswer, ScopeQuestion } from '../service/keys/update-key.js';
import type { LimitsOf, LimitsTarget } from '../service/limits/limits.js';
import type { PolicyView } from '../service/policies/show-policy.js';
import type { ListedEvent } from '../service/public-types.js';
import type { KeyUsageSeries, UsageRanking, UsageRequest, UsageSeries } from '../service/usage/get-usage.js';
import type { ExplainOptions, Explanation } from '../service/verify/explain.js';
import type { Verification, VerifyOptions } from '../service/verify/verify.js';

/** What changes no key, within the tenant of `as`; without one, of all tenants. See `ApiKeys` for the errors. */
export interface ReadingKeys {
  /**
   * Tells whether a raw key is valid now, asking the database each time: a key that was revoked, frozen or retired
   * before the call is never valid. Resolves for whatever a client may send. `code` is `VALID`, or the first that
   * applies of `MALFORMED`, `NOT_FOUND`, `REVOKED`, `FROZEN`, `RETIRED` (a secret whose grace period is over), `EXPIRED`,
   * `INSUFFICIENT_SCOPE` (`missingScopes` names them), and where the key or its owner has limits `IP_NOT_ALLOWED`,
   * `RATE_LIMITED`, `QUOTA_EXCEEDED` and `BUDGET_EXCEEDED` (`retryAfterMs`). `key` is null where there is none; `limits` tells
   * what remains. A refusal uses up nothing.
   *
   * Counts one request, and `spendCents` of it, or a refusal; `count: false` leaves no trace.
   *
   * @example
   * const { valid, code, key } = await keys.verify(rawKey, { scopes: ['orders:read'] });
   * console.log(valid, code, key?.ownerId); // true VALID alice
   */
  verify(rawKey: string, options?: VerifyOptions): Promise<Verification>;

  /**
   * What `verify` answers, with every check in their order, all as of one moment: for a person who wonders why. Counts as
   * no request.
   *
   * @example
   * const { code: why, checks } = await keys.explain(rawKey);
   * console.log(why, checks.find(({ passed }) => passed === false)?.detail);
   */
  explain(rawKey: string, options?: ExplainOptions): Promise<Explanation>;

  /**
   * One page of keys, newest first unless told otherwise; `nextCursor` is null on the last one.
   *
   * @example
   * const { keys: active, nextCursor } = await keys.list({ owner: 'alice', status: 'active', limit: 100 });
   * console.log(active.length, nextCursor);
   */
  list(request?: ListRequest): Promise<KeyPage>;

  /**
   * All keys that match, page by page.
   *
   * @example
   * for await (const page of keys.allKeys({ status: 'active' })) console.log(page.length);
   */
  allKeys(request?: KeyPages): AsyncIterable<readonly Key[]>;

  /**
   * How many keys match the filter of a list; with `most`, counting ends there.
   *
   * @example
   * console.log(await keys.count({ expiringWithin: '14d' }));
   */
  count(filter?: ListFilter, options?: CountOptions): Promise<number>;

  /**
   * One key: by its id, a key prefix (four digits or more), its name, or `{ rawKey }`, which may stand in any text. Of several
   * keys of a name the only live one is meant, and `owner` narrows. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, and with
   * `SECRET_IN_ARGUMENT` for a raw key that is not said to be one.
   *
   * @example
   * const { status, expiresAt } = await keys.as({ tenant: 'default' }).get('CI deploy');
   * console.log(status, expiresAt);
   */
  get(key: KeyReference, lookup?: KeyLookup): Promise<Key>;

  /**
   * Everything about one key: its secrets, what it was used for today, and its latest events. Rejects as `get` does.
   *
   * @example
   * const { secrets, usageToday } = await keys.show(keyId);
   * console.log(secrets.length, usageToday.requestCount);
   */
  show(key: KeyReference, lookup?: KeyLookup): Promise<KeyDetails>;

  /**
   * The limits of a key, or of an owner as a whole, and what is left of each. Rejects as `get` does, and with
   * `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`.
   *
   * @example
   * const { uses } = await keys.limits({ key: keyId });
   * for (const { limit, remaining, allowed } of uses) console.log(limit, remaining, allowed);
   */
  limits(target: LimitsTarget): Promise<LimitsOf>;

  /**
   * Whether a key grants these scopes, whatever its status. Rejects as `get` does.
   *
   * @example
   * const { ok, missing } = await keys.hasScopes({ key: keyId, scopes: ['orders:read'] });
   * console.log(ok, missing);
   */
  hasScopes(question: ScopeQuestion): Promise<ScopeAnswer>;

  /**
   * How far the clients of a rotated key have changed over to its newest secret. Rejects with `KEY_NOT_FOUND`.
   *
   * @example
   * const { complete, oldSecretUsedAt } = await keys.changeOver(keyId);
   * console.log(complete, oldSecretUsedAt);
   */
  changeOver(keyId: string): Promise<ChangeOver>;

  /**
   * Requests and spend by UTC day, ISO week or month: of one key, or with `by` of an owner, or of all keys. With neither
   * `key` nor `by` it is the keys that were used most. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
   *
   * @example
   * const { requestCount, spendCents, series } = await keys.getUsage({ key: keyId, since: '30d', by: 'week' });
   * console.log(requestCount, spendCents, series.at(-1)?.period);
   *
   * const { series: ofAlice } = await keys.getUsage({ owner: 'alice', since: '30d', by: 'day' });
   * console.log(ofAlice.length);
   *
   * const { top } = await keys.getUsage({ since: '7d', limit: 5 });
   * console.log(top.length);
   */
  getUsage(request: UsageRequest & { readonly key: KeyReference }): Promise<KeyUsageSeries>;
  getUsage(request: UsageRequest & { readonly by: UsagePeriod }): Promise<UsageSeries>;
  getUsage(
    request?: UsageRequest & { readonly key?: undefined; readonly by?: undefined },
  ): Promise<UsageRanking>;
  getUsage(request: UsageRequest): Promise<UsageSeries | UsageRanking>;

  /**
   * One page of the audit trail, newest first. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
   *
   * @example
   * const { events } = await keys.events({ owner: 'alice', since: '7d', limit: 10 });
   * console.log(events[0]?.action);
   */
  events(request?: EventListRequest): Promise<EventPage>;

  /**
   * The whole audit trail, newest first, page by page. Rejects as `events` does.
   *
   * @example
   * for await (const page of keys.allEvents({ key: keyId })) console.log(page.length);
   */
  allEvents(request?: EventPages): AsyncIterable<readonly ListedEvent[]>;

  /**
   * How many events match; with `most`, counting ends there. Rejects as `events` does.
   *
   * @example
   * console.log(await keys.countEvents({ owner: 'alice' }, { most: 10_000 }));
   */
  countEvents(filter?: AuditFilter, options?: CountOptions): Promise<number>;

  /**
   * Begins to follow the audit trail; `nextEvents` looks. Throws `INVALID_INPUT`.
   *
   * @example
   * const following = keys.follow({ owner: 'alice', since: '1h' });
   * console.log((await keys.nextEvents(following)).events.length);
   */
  follow(request: FollowRequest): Following;

  /**
   * The events that were committed since the last look, oldest first, each once. Rejects as `events` does.
   *
   * @example
   * const all = keys.follow({ since: '1h' });
   * const { more } = await keys.nextEvents(all);
   * console.log(more);
   */
  nextEvents(following: Following): Promise<NextEvents>;

  /**
   * Where every chain of the trail stands, page by page, with a checksum last. Kept elsewhere, it shows later what was
   * cut off.
   *
   * @example
   * for await (const heads of keys.auditHeads()) console.log(heads.length);
   */
  auditHeads(): AsyncIterable<readonly HeadLine[]>;

  /**
   * Checks every chain of the trail, and that the rows of keys, secrets and owners are what the events say.
   *
   * @example
   * let verdict = await keys.verifyAudit({ maxRuntime: '10m' });
   * while (verdict.nextCursor !== null) {
   *   verdict = await keys.verifyAudit({ maxRuntime: '10m', cursor: verdict.nextCursor });
   * }
   * console.log(verdict.valid);
   */
  verifyAudit(request?: VerifyAuditRequest): Promise<AuditVerdict>;

  /**
   * What keys may be: the policy of the tenant of `as`, and that for all tenants; `inForce` is the narrower of both, rule by
   * rule. Without a tenant, the policy for all.
   *
   * @example
   * const { inForce } = await keys.as({ tenant: 'acme' }).policy();
   * console.log(inForce.maxLifetimeMs, inForce.scopes);
   */
  policy(): Promise<PolicyView>;

  /**
   * The SQL that gives a role what its profile needs, and nothing else. Runs nothing. Throws `INVALID_INPUT`.
   *
   * @example
   * console.log(keys.grantsFor({ role: 'gateway', as: 'verifier' }).join(';\n'));
   */
  grantsFor(request: GrantRequest): readonly string[];

  /**
   * Looks at everything that has to be right: the server, its clock, the schema, the privileges of the role in use.
   *
   * @example
   * const { latencyMs, schema } = await keys.diagnose(() => new Date());
   * console.log(latencyMs, schema.state);
   */
  diagnose(hostNow: () => Date): Promise<Diagnosis>;
}
