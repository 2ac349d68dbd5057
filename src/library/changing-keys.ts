import type { SchemaStatus } from '../db/schema/migrate.js';
import type { Cleaned, CleanupProgress, CleanupRequest } from '../service/cleanup/cleanup.js';
import type { AppliedGrants, GrantRequest } from '../service/grants.js';
import type { ChangedKeys } from '../service/keys/change-keys.js';
import type { CreatedKey, CreateRequest, Reveal } from '../service/keys/create-key.js';
import type { FreezeRequest, UnfreezeRequest } from '../service/keys/freeze-keys.js';
import type { RevokeRequest } from '../service/keys/revoke-keys.js';
import type { EndedGrace, EndGraceRequest, RotatedKey, RotateRequest } from '../service/keys/rotate-key.js';
import type { ScopesRequest, UpdatedKey, UpdateRequest } from '../service/keys/update-key.js';
import type { ChangedLimits, LimitsRequest } from '../service/limits/limits.js';
import type { MigrateOptions } from '../service/migrate-schema.js';
import type {
  ChangedOwner,
  FreezeOwnerRequest,
  UnfreezeOwnerRequest,
} from '../service/owners/freeze-owner.js';
import type { ChangedPolicy, PolicyRequest } from '../service/policies/set-policy.js';
import type { BadLine, ImportedUsage, ImportRequest, UsageLine } from '../service/usage/import-usage.js';
import type { UsageIncrement } from '../service/usage/recorder.js';
import type { RecordedUsage } from '../service/usage/store-usage.js';
import type { ReadingKeys } from './reading-keys.js';

/** What changes something, within the tenant of `as` and in the name of its actor. See `ApiKeys` for the errors. */
export interface ChangingKeys extends ReadingKeys {
  /**
   * Makes a key. `apiKey` is its secret, here and nowhere else, and null for the repetition of an `idempotencyKey`.
   * `reveal` gets it before the commit: if it throws, no key is made.
   *
   * Rejects with `POLICY_VIOLATION`, `LIMIT_REACHED`, `OWNER_FROZEN`, `IDEMPOTENCY_CONFLICT`, `FEATURE_DISABLED`, and what
   * `reveal` throws. A configured lifetime that is longer than the policy allows is cut, and `lifetimeCut` says so.
   *
   * @example
   * const { key, apiKey } = await keys.as({ actor: 'signup' }).create({
   *   name: 'CI deploy',
   *   owner: 'alice',
   *   scopes: ['deploy:write'],
   *   expires: '30d',
   * });
   * console.log(key.id, apiKey);
   */
  create(request: CreateRequest, reveal?: Reveal<CreatedKey>): Promise<CreatedKey>;

  /**
   * Changes name, description, expiry or metadata; `changed` is 0 if it was so before.
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `POLICY_VIOLATION`, `LIMIT_REACHED`, `FEATURE_DISABLED`.
   *
   * @example
   * await keys.as({ actor: 'alice' }).update({ key: 'CI deploy', expires: '60d', metadata: { team: 'platform' } });
   */
  update(request: UpdateRequest): Promise<UpdatedKey>;

  /**
   * Changes what a key may do: `set` replaces all, then `add` and `remove` follow. Rejects as `update` does.
   *
   * @example
   * const { key } = await keys.as({ actor: 'alice' }).updateScopes({ key: 'CI deploy', add: ['deploy:read'] });
   * console.log(key.scopes); // ['deploy:read', 'deploy:write']
   */
  updateScopes(request: ScopesRequest): Promise<UpdatedKey>;

  /**
   * Changes what a key, or with `owner` an owner as a whole, may use, and from where: what is left out stays, `none` takes a
   * limit off. Rejects as `update` does, and with `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`.
   *
   * @example
   * const { limits } = await keys.as({ actor: 'alice' }).updateLimits({ key: 'CI deploy', rate: '100/1m', quota: '5000/day' });
   * console.log(limits.rate); // { requests: 100, windowMs: 60000 }
   */
  updateLimits(request: LimitsRequest): Promise<ChangedLimits>;

  /**
   * Gives a key a new secret, `apiKey`. Older ones stay valid for the grace period, and never longer than they were.
   *
   * A frozen key stays frozen, unless `unfreeze` lifts that in the same transaction. `apiKey` is null for the repetition of
   * an `idempotencyKey`. A lifetime that is longer than the policy allows by now is cut, and `lifetimeCut` says so.
   *
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `KEY_REVOKED`, `TOO_MANY_SECRETS`, `POLICY_VIOLATION`, `LIMIT_REACHED`,
   * `IDEMPOTENCY_CONFLICT`, `FEATURE_DISABLED`, and what `reveal` throws.
   *
   * @example
   * const { apiKey, previous } = await keys.as({ actor: 'alice' }).rotate({ key: 'CI deploy', grace: '1h' });
   * console.log(apiKey, previous[0]?.validUntil);
   */
  rotate(request: RotateRequest, reveal?: Reveal<RotatedKey>): Promise<RotatedKey>;

  /**
   * Ends the grace period of a rotation: only the newest secret stays. Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`.
   *
   * @example
   * await keys.as({ actor: 'alice' }).endGrace({ key: 'CI deploy' });
   */
  endGrace(request: EndGraceRequest): Promise<EndedGrace>;

  /**
   * Ends keys for good, all of them or none; with `owner` in place of `keys`, all that an owner has. No `verify` that
   * starts after this resolved accepts them. Revoking again changes nothing. `dryRun` tells what is at stake; with `owner`,
   * `andFreeze` also stops it from getting new ones.
   * Rejects with `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`.
   *
   * @example
   * const { changed } = await keys.as({ actor: 'alice' }).revoke({ keys: ['CI deploy'], reason: 'left the team' });
   * console.log(changed); // 1
   */
  revoke(request: RevokeRequest): Promise<ChangedKeys>;

  /**
   * Suspends keys, all of them or none, until they are unfrozen or `until` comes. Rejects with `KEY_REVOKED` and as
   * `revoke` does.
   *
   * @example
   * await keys.as({ actor: 'oncall' }).freeze({ keys: ['nightly report'], until: '2h', reason: 'seen in a build log' });
   */
  freeze(request: FreezeRequest): Promise<ChangedKeys>;

  /**
   * Lifts the freeze of keys; their owner's stays. Rejects with `FEATURE_DISABLED` and as `revoke` does.
   *
   * @example
   * const { keys: unfrozen } = await keys.as({ actor: 'oncall' }).unfreeze({ keys: ['nightly report'] });
   * console.log(unfrozen[0]?.status);
   */
  unfreeze(request: UnfreezeRequest): Promise<ChangedKeys>;

  /**
   * Suspends an owner: all its keys stop at once, and it gets no new ones. Rejects with `OWNER_NOT_FOUND`,
   * `OWNER_AMBIGUOUS` (`as` names the tenant).
   *
   * @example
   * await keys.as({ actor: 'oncall' }).freezeOwner({ owner: 'reports', reason: 'account takeover' });
   */
  freezeOwner(request: FreezeOwnerRequest): Promise<ChangedOwner>;

  /**
   * Lifts an owner's freeze; keys that were frozen by themselves stay so. Rejects with `FEATURE_DISABLED` and as
   * `freezeOwner` does.
   *
   * @example
   * await keys.as({ actor: 'oncall' }).unfreezeOwner({ owner: 'reports' });
   */
  unfreezeOwner(request: UnfreezeOwnerRequest): Promise<ChangedOwner>;

  /**
   * Changes the policy of the tenant of `as`, or without one that for all tenants: null takes a rule away, and what is left
   * out stays. It changes no key; `create`, `rotate`, `update` and `updateScopes` are held to it from when this resolves on,
   * with `POLICY_VIOLATION`. The database's role needs a privilege of its own: `grantsFor({ role, as: 'policy' })`.
   *
   * @example
   * const { changed: policyChanged, inForce } = await keys.as({ actor: 'security', tenant: 'acme' }).setPolicy({
   *   maxLifetime: '90d',
   *   maxKeys: 20,
   *   scopes: ['orders:*', 'deploy:write'],
   * });
   * console.log(policyChanged, inForce.maxKeys); // 1 20
   */
  setPolicy(request: PolicyRequest): Promise<ChangedPolicy>;

  /**
   * Adds usage to a key by its id, with an event in its chain, and resolves once it is stored. Rejects with `KEY_NOT_FOUND`.
   *
   * @example
   * await keys.as({ actor: 'gateway' }).storeUsage(keyId, { requests: 10, spendCents: 25 });
   */
  storeUsage(keyId: string, increment: UsageIncrement): Promise<RecordedUsage>;

  /**
   * Counts lines of usage in batches. With an `importId` a repetition counts once, and goes on where the last one ended.
   * Rejects with `INVALID_INPUT`, which names the first bad line; the lines before it are counted.
   *
   * @example
   * async function* lines() {
   *   yield { line: 1, key: keyId, requests: 3, spendCents: 0, at: undefined };
   * }
   * const { counted } = await keys.as({ actor: 'gateway' }).importUsage(lines(), { importId: 'today' });
   * console.log(counted);
   */
  importUsage(lines: AsyncIterable<UsageLine | BadLine>, request?: ImportRequest): Promise<ImportedUsage>;

  /**
   * Brings the schema to the version that this one works with; several processes may do so at once.
   *
   * @example
   * console.log((await keys.as({ actor: 'dba' }).migrate()).state); // current
   */
  migrate(options?: MigrateOptions): Promise<SchemaStatus>;

  /**
   * Runs the statements of `grantsFor`, all or none, and makes sure that they took effect. Rejects with `ROLE_NOT_FOUND`,
   * `PERMISSION_DENIED`.
   *
   * @example
   * await keys.as({ actor: 'dba' }).applyGrants({ role: 'nobody', as: 'verifier' }).catch(({ code }) => console.log(code));
   */
  applyGrants(request: GrantRequest): Promise<AppliedGrants>;

  /**
   * Deletes keys that expired or were revoked longer ago than the retention, and secrets that retired as long ago, in
   * small batches; usage and audit events stay. May overlap with another cleanup, and may be killed.
   *
   * @example
   * const { deletedKeys, complete } = await keys.as({ actor: 'cron' }).cleanup({ olderThan: '30d', maxRuntime: '10m' });
   * console.log(deletedKeys, complete);
   */
  cleanup(request: CleanupRequest, progress?: CleanupProgress): Promise<Cleaned>;
}
