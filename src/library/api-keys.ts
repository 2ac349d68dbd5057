import type { SchemaStatus } from '../db/schema/migrate.js';
import type { ChangingCaller } from '../service/service.js';
import type { UsageIncrement, UsageState } from '../service/usage/recorder.js';
import type { Authentication } from '../service/verify/authenticate.js';
import type { HeaderedRequest } from '../service/verify/credentials.js';
import type { VerifyOptions } from '../service/verify/verify.js';
import type { ChangingKeys } from './changing-keys.js';
import type { ReadingKeys } from './reading-keys.js';

/**
 * The keys of one database. A key is named by its id, its key prefix (`rv_1a2b3c4d`) or its name; times are `Date`s of
 * the database's clock; a duration is a text such as `30m`, `24h`, `7d`, `2w` or
 * `1y` (365 days); where it says so, an RFC 3339 time or a UTC day such as `2030-01-31` will do, too.
 *
 * Every change is made by `as`, which names an actor for the audit trail: the event is written in the same transaction, or
 * nothing is.
 *
 * All methods reject with an `ApiKeysError`, whose `code` is stable; `details` has its facts, with a `reason` where the code
 * leaves one open. Common to all of them:
 * - `INVALID_INPUT`: what was asked makes no sense, is of another type than it says, or names an option that there is not;
 * - `DATABASE_UNREACHABLE`, `DATABASE_TIMEOUT`, `DATABASE_BUSY`, `DATABASE_READ_ONLY`: no answer, and nothing was changed;
 * - `DATABASE_DAMAGED`: the database found its own data damaged, and nothing was changed;
 * - `LOGIN_REFUSED`, `PERMISSION_DENIED`: the database refused, and nothing was changed;
 * - `SCHEMA_MISSING`, `SCHEMA_BEHIND`, `SCHEMA_AHEAD`, `SCHEMA_CHANGED`, `SCHEMA_UNRECORDED`: run `apikeys migrate`,
 *   which says what is wrong where it cannot help;
 * - `OUTCOME_UNKNOWN`, of changes alone: the connection was lost during the commit and the database stays away;
 * - `EMBEDDED_LOCKED`, `EMBEDDED_NOT_INSTALLED`: with `embedded`.
 */
export interface ApiKeys extends ReadingKeys {
  /**
   * The keys on somebody's behalf: confined to a tenant, if one is named, and with an actor also for changes, whom the audit
   * trail names. It is cheap to make, as for one request. A bad tenant or actor is `INVALID_INPUT` of what is called on it.
   *
   * @example
   * const ofAcme = keys.as({ tenant: 'acme', actor: 'alice' });
   * const { key: first } = await ofAcme.create({ name: 'CI deploy', owner: 'alice' });
   * console.log(first.tenantId, (await ofAcme.list()).keys.length); // acme 1
   * await ofAcme.revoke({ keys: [first.id] });
   */
  as(caller: ChangingCaller): ChangingKeys;
  as(caller: { readonly tenant?: string | undefined }): ReadingKeys;

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
   * Adds usage to a key by its id: one request unless told otherwise, and cents. It is added up in memory and stored
   * within a second, each increment once whatever happens to the connection; `flush` and `close` wait for that.
   * Throws `INVALID_INPUT`.
   *
   * @example
   * keys.recordUsage(keyId, { requests: 1, spendCents: 12 });
   */
  recordUsage(keyId: string, increment?: UsageIncrement): void;

  /**
   * What is recorded and not stored yet, what was dropped, and why the last flush failed: for a health check.
   *
   * @example
   * const { pending, dropped, lastError } = keys.usageState();
   * console.log(pending, dropped, lastError?.code);
   */
  usageState(): UsageState;

  /**
   * Stores all usage that was recorded before. What could not be stored is kept, and tried again by itself.
   *
   * @example
   * await keys.flush();
   */
  flush(): Promise<void>;

  /**
   * Which version the schema has. Changes nothing.
   *
   * @example
   * console.log((await keys.schemaStatus()).version);
   */
  schemaStatus(): Promise<SchemaStatus>;

  /**
   * Stores all usage and ends the connections that were opened here; a pool of the application's own stays open.
   * Idempotent. Rejects if the usage cannot be stored; the connections are ended all the same.
   *
   * @example
   * process.once('SIGTERM', () => void keys.close());
   */
  close(): Promise<void>;

  /** Where the keys are, for people, without a password. */
  readonly location: string;
}
