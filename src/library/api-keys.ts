import type { Key } from '../domain/key.js';
import type { Cleaned, CleanupProgress, CleanupRequest } from '../service/cleanup/cleanup.js';
import type { ChangedKeys } from '../service/keys/change-keys.js';
import type { CreatedKey, CreateRequest, Reveal } from '../service/keys/create-key.js';
import type { FreezeRequest, UnfreezeRequest } from '../service/keys/freeze-keys.js';
import type { KeyPage, ListFilter, ListRequest } from '../service/keys/list-keys.js';
import type { RevokeRequest } from '../service/keys/revoke-keys.js';
import type { EndedGrace, EndGraceRequest, RotatedKey, RotateRequest } from '../service/keys/rotate-key.js';
import type { ScopesRequest, UpdatedKey, UpdateRequest } from '../service/keys/update-key.js';
import type {
  ChangedOwner,
  FreezeOwnerRequest,
  UnfreezeOwnerRequest,
} from '../service/owners/freeze-owner.js';
import type { UsageRanking, UsageRequest, UsageSeries } from '../service/usage/get-usage.js';
import type { UsageIncrement, UsageState } from '../service/usage/recorder.js';
import type { Authentication, HeaderedRequest } from '../service/verify/authenticate.js';
import type { Verification, VerifyOptions } from '../service/verify/verify.js';

/**
 * The keys of one database. A key is named by its id, its key prefix (`rv_1a2b3c4d`) or its name; times are `Date`s of
 * the database's clock; a duration is a text such as `30m`, `24h`, `7d` or `2w`, or where it says so an RFC 3339 time.
 *
 * Every change names its `actor`, for the audit trail: the event is written in the same transaction, or nothing is.
 *
 * All methods reject with an `ApiKeysError`, whose `code` is stable. Common to all of them:
 * - `INVALID_INPUT`: what was asked makes no sense;
 * - `DATABASE_UNREACHABLE`, `DATABASE_TIMEOUT`, `DATABASE_BUSY`, `DATABASE_READ_ONLY`: no answer, and nothing was changed;
 * - `DATABASE_DAMAGED`: the database found its own data damaged, and nothing was changed;
 * - `LOGIN_REFUSED`, `PERMISSION_DENIED`: the database refused, and nothing was changed;
 * - `SCHEMA_MISSING`, `SCHEMA_BEHIND`, `SCHEMA_AHEAD`, `SCHEMA_CHANGED`, `SCHEMA_UNRECORDED`: run `apikeys migrate`,
 *   which says what is wrong where it cannot help;
 * - `OUTCOME_UNKNOWN`, of changes alone: the connection was lost during the commit and the database stays away;
 * - `EMBEDDED_LOCKED`, `EMBEDDED_NOT_INSTALLED`: with `embedded`.
 */
export interface ApiKeys {
  /**
   * Tells whether a raw key is valid now, asking the database each time: a key that was revoked, frozen or retired
   * before the call is never valid. Resolves for whatever a client may send. `code` is `VALID`, or the first that
   * applies of `MALFORMED`, `NOT_FOUND`, `REVOKED`, `FROZEN`, `RETIRED` (a secret whose grace period is over), `EXPIRED`
   * and `INSUFFICIENT_SCOPE` (`missingScopes` names them). `key` is null where there is none.
   *
   * Counts one request, and `spendCents` of it, or a refusal; `count: false` leaves no trace.
   *
   * @example
   * const { valid, code, key } = await keys.verify(rawKey, { scopes: ['orders:read'] });
   * console.log(valid, code, key?.ownerId); // true VALID alice
   */
  verify(rawKey: string, options?: VerifyOptions): Promise<Verification>;

  /**
   * Verifies the key that a request brings as `Authorization: Bearer <key>` or `X-API-Key: <key>`, and says what to answer
   * if it is refused, as RFC 6750 has it: 401 without a valid key, 403 without the scopes, 400 for a request with two
   * different keys or a broken header. Takes the web's `Request`, and whatever else has `headers`.
   *
   * A database that gives no answer is no refusal: this rejects as `verify` does, and 503 is the answer to give.
   *
   * @example
   * const request = new Request('https://api.example.com/orders', { headers: { 'x-api-key': rawKey } });
   * const caller = await keys.authenticate(request, { scopes: ['orders:read'] });
   * if (caller.ok) console.log(caller.key.ownerId);
   * else console.log(caller.status, caller.headers['WWW-Authenticate'], caller.body, caller.code);
   */
  authenticate(request: HeaderedRequest, options?: VerifyOptions): Promise<Authentication>;

  /**
   * Whether granted scopes cover all that are wanted, and which they do not. Asks nobody.
   *
   * @example
   * console.log(keys.checkScope(['orders:*'], ['orders:read', 'users:read'])); // { ok: false, missing: ['users:read'] }
   */
  checkScope(
    granted: readonly string[],
    wanted: readonly string[],
  ): { readonly ok: boolean; readonly missing: readonly string[] };

  /**
   * Makes a key. `apiKey` is its secret, here and nowhere else, and null for the repetition of an `idempotencyKey`.
   * `reveal` gets it before the commit: if it throws, no key is made.
   *
   * Rejects with `LIMIT_REACHED`, `OWNER_FROZEN`, `IDEMPOTENCY_CONFLICT`, `FEATURE_DISABLED`, and what `reveal` throws.
   *
   * @example
   * const { key, apiKey } = await keys.create({
   *   name: 'CI deploy',
   *   owner: 'alice',
   *   scopes: ['deploy:write'],
   *   expires: '30d',
   *   actor: 'signup',
   * });
   * console.log(key.id, apiKey);
   */
  create(request: CreateRequest, reveal?: Reveal<CreatedKey>): Promise<CreatedKey>;

  /**
   * One page of keys, newest first unless told otherwise; `nextCursor` is null on the last one.
   *
   * @example
   * const { keys: active, nextCursor } = await keys.list({ owner: 'alice', status: 'active', limit: 100 });
   * console.log(active.length, nextCursor);
   */
  list(request?: ListRequest): Promise<KeyPage>;

  /**
   * How many keys match the filter of a list.
   *
   * @example
   * console.log(await keys.count({ expiringWithin: '14d' }));
   */
  count(filter?: ListFilter): Promise<number>;

  /**
   * One key. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, and with `SECRET_IN_ARGUMENT` for a raw key: use `verify`.
   *
   * @example
   * const { status, expiresAt } = await keys.get('CI deploy', { tenant: 'default' });
   * console.log(status, expiresAt);
   */
  get(key: string, options?: { readonly tenant?: string | undefined }): Promise<Key>;

  /**
   * Changes name, description, expiry or metadata; `changed` is 0 if it was so before.
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `LIMIT_REACHED`, `FEATURE_DISABLED`.
   *
   * @example
   * await keys.update({ key: 'CI deploy', expires: '60d', metadata: { team: 'platform' }, actor: 'alice' });
   */
  update(request: UpdateRequest): Promise<UpdatedKey>;

  /**
   * Changes what a key may do: `set` replaces all, then `add` and `remove` follow. Rejects as `update` does.
   *
   * @example
   * const { key } = await keys.updateScopes({ key: 'CI deploy', add: ['deploy:read'], actor: 'alice' });
   * console.log(key.scopes); // ['deploy:read', 'deploy:write']
   */
  updateScopes(request: ScopesRequest): Promise<UpdatedKey>;

  /**
   * Gives a key a new secret, `apiKey`. Older ones stay valid for the grace period, and never longer than they were.
   *
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `KEY_FROZEN`, `OWNER_FROZEN`, `TOO_MANY_SECRETS`,
   * `LIMIT_REACHED`, `FEATURE_DISABLED`, and what `reveal` throws.
   *
   * @example
   * const { apiKey, previous } = await keys.rotate({ key: 'CI deploy', grace: '1h', actor: 'alice' });
   * console.log(apiKey, previous[0]?.validUntil);
   */
  rotate(request: RotateRequest, reveal?: Reveal<RotatedKey>): Promise<RotatedKey>;

  /**
   * Ends the grace period of a rotation: only the newest secret stays. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
   *
   * @example
   * await keys.endGrace({ key: 'CI deploy', actor: 'alice' });
   */
  endGrace(request: EndGraceRequest): Promise<EndedGrace>;

  /**
   * Ends keys for good, all of them or none; with `owner` in place of `keys`, all that an owner has. No `verify` that
   * starts after this resolved accepts them. Revoking again changes nothing. `dryRun` tells what is at stake.
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`.
   *
   * @example
   * const { changed } = await keys.revoke({ keys: ['CI deploy'], reason: 'left the team', actor: 'alice' });
   * console.log(changed); // 1
   */
  revoke(request: RevokeRequest): Promise<ChangedKeys>;

  /**
   * Suspends keys, all of them or none, until they are unfrozen or `until` comes. Rejects with `KEY_REVOKED` and as
   * `revoke` does.
   *
   * @example
   * await keys.freeze({ keys: ['nightly report'], until: '2h', reason: 'seen in a build log', actor: 'oncall' });
   */
  freeze(request: FreezeRequest): Promise<ChangedKeys>;

  /**
   * Lifts the freeze of keys; their owner's stays. Rejects with `FEATURE_DISABLED` and as `revoke` does.
   *
   * @example
   * const { keys: unfrozen } = await keys.unfreeze({ keys: ['nightly report'], actor: 'oncall' });
   * console.log(unfrozen[0]?.status);
   */
  unfreeze(request: UnfreezeRequest): Promise<ChangedKeys>;

  /**
   * Suspends an owner: all its keys stop at once, and it gets no new ones. Rejects with `OWNER_NOT_FOUND`,
   * `OWNER_AMBIGUOUS` (name the `tenant`).
   *
   * @example
   * await keys.freezeOwner({ owner: 'reports', reason: 'account takeover', actor: 'oncall' });
   */
  freezeOwner(request: FreezeOwnerRequest): Promise<ChangedOwner>;

  /**
   * Lifts an owner's freeze; keys that were frozen by themselves stay so. Rejects with `FEATURE_DISABLED` and as
   * `freezeOwner` does.
   *
   * @example
   * await keys.unfreezeOwner({ owner: 'reports', actor: 'oncall' });
   */
  unfreezeOwner(request: UnfreezeOwnerRequest): Promise<ChangedOwner>;

  /**
   * Adds usage to a key by its id: one request unless told otherwise, and cents. It is added up in memory and stored
   * within a second, each increment once whatever happens to the connection; `flush` and `close` wait for that.
   * Throws `INVALID_INPUT`.
   *
   * @example
   * keys.recordUsage(keyId, { requests: 1, spendCents: 12 });
   */
  recordUsage(keyId: string, increment?: UsageIncrement): void;

  /**
   * Requests and spend of one key by UTC day, ISO week or month; without `key`, of the keys that were used most.
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
   *
   * @example
   * const { requestCount, spendCents, series } = await keys.getUsage({ key: keyId, since: '30d', by: 'week' });
   * console.log(requestCount, spendCents, series.at(-1)?.period);
   *
   * const { top } = await keys.getUsage({ since: '7d', limit: 5 });
   * console.log(top.length);
   */
  getUsage(request: UsageRequest & { readonly key: string }): Promise<UsageSeries>;
  getUsage(request?: UsageRequest & { readonly key?: undefined }): Promise<UsageRanking>;
  getUsage(request: UsageRequest): Promise<UsageSeries | UsageRanking>;

  /**
   * What is recorded and not stored yet, what was dropped, and why the last flush failed: for a health check.
   *
   * @example
   * const { pending, dropped, lastError } = keys.usageState();
   * console.log(pending, dropped, lastError?.code);
   */
  usageState(): UsageState;

  /**
   * Deletes keys that expired or were revoked longer ago than the retention, and secrets that retired as long ago, in
   * small batches; usage and audit events stay. May overlap with another cleanup, and may be killed.
   *
   * @example
   * const { deletedKeys, complete } = await keys.cleanup({ olderThan: '30d', maxRuntime: '10m', actor: 'cron' });
   * console.log(deletedKeys, complete);
   */
  cleanup(request: CleanupRequest, progress?: CleanupProgress): Promise<Cleaned>;

  /**
   * Stores all usage that was recorded before. What could not be stored is kept, and tried again by itself.
   *
   * @example
   * await keys.flush();
   */
  flush(): Promise<void>;

  /**
   * Stores all usage and ends the connections that were opened here; a pool of the application's own stays open.
   * Idempotent. Rejects if the usage cannot be stored; the connections are ended all the same.
   *
   * @example
   * process.once('SIGTERM', () => void keys.close());
   */
  close(): Promise<void>;
}
