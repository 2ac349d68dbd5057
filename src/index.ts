export { AUDIT_ACTIONS, type AuditAction, type AuditEvent } from './domain/audit.js';
export { KEY_STATUSES, type Key, type KeySort, type KeyStatus } from './domain/key.js';
export { checkScope } from './domain/scopes.js';
export { ApiKeysError, ERROR_CODES, type ErrorCode } from './errors.js';
export type { ApiKeys } from './library/api-keys.js';
export {
  type Authenticated,
  type Authentication,
  type HeaderedRequest,
  type Refusal,
  type RefusalCode,
  type RequestHeaders,
  refusalResponse,
} from './library/authenticate.js';
export { createApiKeys } from './library/create-api-keys.js';
export type {
  ApiKeysOptions,
  ApplicationPool,
  DatabaseOptions,
  RuleOptions,
  UsageOptions,
} from './library/options.js';
export type { ChangedKeys } from './service/change-keys.js';
export type { Cleaned, CleanupProgress, CleanupRequest } from './service/cleanup.js';
export type { CreatedKey, CreateRequest, Reveal } from './service/create-key.js';
export type { KeyImpact } from './service/find-keys.js';
export type { FreezeRequest, UnfreezeRequest } from './service/freeze-keys.js';
export type {
  ChangedOwner,
  FreezeOwnerRequest,
  Owner,
  UnfreezeOwnerRequest,
} from './service/freeze-owner.js';
export type { KeyPage, ListFilter, ListRequest } from './service/list-keys.js';
export type { RevokeRequest } from './service/revoke-keys.js';
export type { EndedGrace, EndGraceRequest, RotatedKey, RotateRequest } from './service/rotate-key.js';
export type { ScopesRequest, UpdatedKey, UpdateRequest } from './service/update-key.js';
export type { UsageOfPeriod, UsageRanking, UsageRequest, UsageSeries } from './service/usage/get-usage.js';
export type { UsageIncrement, UsageState } from './service/usage-recorder.js';
export {
  VERIFY_CODES,
  type Verification,
  type VerifiedKey,
  type VerifyCode,
  type VerifyOptions,
} from './service/verify.js';
