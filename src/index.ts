export type { ChainHead, LinkFault } from './domain/audit.js';
export { AUDIT_ACTIONS, type AuditAction, type AuditEvent } from './domain/audit.js';
export type { FindingName, FindingStatus } from './domain/health.js';
export { KEY_STATUSES, type Key, type KeySort, type KeyStatus } from './domain/key.js';
export type { KeyReference, RawKey } from './domain/key-reference.js';
export type { StateField } from './domain/key-state.js';
export {
  type Budget,
  type CountedLimit,
  LIMIT_PERIODS,
  type LimitName,
  type LimitPeriod,
  type Limits,
  type Quota,
  type Rate,
} from './domain/limits.js';
export type { Policy } from './domain/policy.js';
export type { Profile } from './domain/profiles.js';
export { checkScope } from './domain/scopes.js';
export type { LimitSubject, LimitsState, LimitUse } from './domain/standing.js';
export type { UsagePeriod } from './domain/usage-period.js';
export { type CheckName, VERIFY_CODES, type VerifyCode } from './domain/verification.js';
export {
  ERROR_REASONS,
  type ErrorDetails,
  type ErrorReason,
  type KeyCandidate,
  POLICY_RULES,
  type PolicyRule,
} from './error-details.js';
export { ApiKeysError, ERROR_CODES, type ErrorCode } from './errors.js';
export type { ApiKeys } from './library/api-keys.js';
export type { ChangingKeys } from './library/changing-keys.js';
export { createApiKeys } from './library/create-api-keys.js';
export type {
  ApiKeysOptions,
  ApplicationPool,
  DatabaseOptions,
  RuleOptions,
  UsageOptions,
} from './library/options.js';
export type { ReadingKeys } from './library/reading-keys.js';
export type { AuditFilter, CheckedFilter } from './service/audit/filter.js';
export type { Following, FollowRequest, NextEvents } from './service/audit/follow.js';
export type { HeadLine, HeadsEnd } from './service/audit/heads.js';
export type { EventListRequest, EventPage, EventPages } from './service/audit/list.js';
export type { AuditVerdict, BrokenPlace, VerifyAuditRequest } from './service/audit/verify.js';
export type { Cleaned, CleanupProgress, CleanupRequest } from './service/cleanup/cleanup.js';
export type { ChangeOptions } from './service/context.js';
export type { CountOptions } from './service/count-options.js';
export type { Diagnosis } from './service/doctor.js';
export type { Finding, KeyFindings, Observations } from './service/findings.js';
export type { FreezeOptions } from './service/freeze.js';
export type { AppliedGrants, GrantRequest } from './service/grants.js';
export type { KeyImpact } from './service/key-impact.js';
export type { ChangedKeys, KeysTarget, OwnersKeysTarget } from './service/keys/change-keys.js';
export type { CreatedKey, CreateRequest, Reveal } from './service/keys/create-key.js';
export type { KeyDetails, KeyLookup } from './service/keys/find-keys.js';
export type { FreezeRequest, UnfreezeRequest } from './service/keys/freeze-keys.js';
export type { LifetimeCut } from './service/keys/lifetime.js';
export type { KeyPage, KeyPages, ListFilter, ListRequest } from './service/keys/list-keys.js';
export type { RevokeRequest } from './service/keys/revoke-keys.js';
export type {
  ChangeOver,
  EndedGrace,
  EndGraceRequest,
  RotatedKey,
  RotateRequest,
} from './service/keys/rotate-key.js';
export type {
  ScopeAnswer,
  ScopeQuestion,
  ScopesRequest,
  UpdatedKey,
  UpdateRequest,
} from './service/keys/update-key.js';
export type { ChangedLimits, LimitsOf, LimitsRequest, LimitsTarget } from './service/limits/limits.js';
export type { LimitChanges, LimitOptions } from './service/limits-request.js';
export type { MigrateOptions } from './service/migrate-schema.js';
export type {
  ChangedOwner,
  FreezeOwnerRequest,
  Owner,
  UnfreezeOwnerRequest,
} from './service/owners/freeze-owner.js';
export type { ChangedPolicy, PolicyRequest } from './service/policies/set-policy.js';
export type { PolicyView } from './service/policies/show-policy.js';
export type {
  ChainEnd,
  ChainRef,
  EventFilter,
  EventPosition,
  ForeignBinding,
  KeyUsage,
  ListedEvent,
  MigrationStatus,
  OlderSecret,
  OwnerFreeze,
  OwnerRef,
  SchemaStatus,
  SecretRecord,
  ServerFacts,
  UsageTotal,
} from './service/public-types.js';
export type { ChangingCaller } from './service/service.js';
export type {
  KeyUsageSeries,
  UsageOfPeriod,
  UsageRanking,
  UsageRequest,
  UsageSeries,
} from './service/usage/get-usage.js';
export type { BadLine, ImportedUsage, ImportRequest, UsageLine } from './service/usage/import-usage.js';
export type { UsageIncrement, UsageState } from './service/usage/recorder.js';
export {
  type Authenticated,
  type Authentication,
  type HeaderedRequest,
  type Refusal,
  type RefusalCode,
  type RequestHeaders,
  refusalResponse,
} from './service/verify/authenticate.js';
export type { Check, ExplainOptions, Explanation } from './service/verify/explain.js';
export type { RateLimitFields } from './service/verify/rate-limit-fields.js';
export type { Verification, VerifiedKey, VerifyOptions } from './service/verify/verify.js';
