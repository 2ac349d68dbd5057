export { AUDIT_ACTIONS, type AuditAction, type AuditEvent } from './domain/audit.js';
export { KEY_STATUSES, type Key, type KeySort, type KeyStatus } from './domain/key.js';
export { checkScope } from './domain/scopes.js';
export { VERIFY_CODES, type VerifyCode } from './domain/verification.js';
export { ApiKeysError, ERROR_CODES, type ErrorCode } from './errors.js';
export type { ApiKeys } from './library/api-keys.js';
export { createApiKeys } from './library/create-api-keys.js';
export type {
  ApiKeysOptions,
  ApplicationPool,
  DatabaseOptions,
  RuleOptions,
  UsageOptions,
} from './library/options.js';
export type { Cleaned, CleanupProgress, CleanupRequest } from './service/cleanup/cleanup.js';
export type { ChangedKeys } from './service/keys/change-keys.js';
export type { CreatedKey, CreateRequest, Reveal } from './service/keys/create-key.js';
export type { KeyImpact } from './service/keys/find-keys.js';
export type { FreezeRequest, UnfreezeRequest } from './service/keys/freeze-keys.js';
export type { KeyPage, ListFilter, ListRequest } from './service/keys/list-keys.js';
export type { RevokeRequest } from './service/keys/revoke-keys.js';
export type { EndedGrace, EndGraceRequest, RotatedKey, RotateRequest } from './service/keys/rotate-key.js';
export type { ScopesRequest, UpdatedKey, UpdateRequest } from './service/keys/update-key.js';
export type {
  ChangedOwner,
  FreezeOwnerRequest,
  Owner,
  UnfreezeOwnerRequest,
} from './service/owners/freeze-owner.js';
export type { UsageOfPeriod, UsageRanking, UsageRequest, UsageSeries } from './service/usage/get-usage.js';
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
export type { Verification, VerifiedKey, VerifyOptions } from './service/verify/verify.js';
