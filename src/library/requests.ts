import { KEY_SORTS, KEY_STATUSES } from '../domain/key.js';
import { LIMIT_NAMES } from '../domain/limits.js';
import { PROFILES } from '../domain/profiles.js';
import { USAGE_PERIODS } from '../domain/usage-period.js';
import type { AuditFilter } from '../service/audit/filter.js';
import type { FollowRequest } from '../service/audit/follow.js';
import type { EventListRequest, EventPages } from '../service/audit/list.js';
import type { VerifyAuditRequest } from '../service/audit/verify.js';
import type { CleanupRequest } from '../service/cleanup/cleanup.js';
import type { Caller } from '../service/context.js';
import type { CountOptions } from '../service/count-options.js';
import type { GrantRequest } from '../service/grants.js';
import type { KeysTarget, OwnersKeysTarget } from '../service/keys/change-keys.js';
import type { CreateRequest } from '../service/keys/create-key.js';
import type { KeyLookup } from '../service/keys/find-keys.js';
import type { FreezeRequest, UnfreezeRequest } from '../service/keys/freeze-keys.js';
import type { KeyPages, ListFilter, ListRequest } from '../service/keys/list-keys.js';
import type { RevokeRequest } from '../service/keys/revoke-keys.js';
import type { EndGraceRequest, RotateRequest } from '../service/keys/rotate-key.js';
import type { ScopeQuestion, ScopesRequest, UpdateRequest } from '../service/keys/update-key.js';
import type { LimitsRequest, LimitsTarget } from '../service/limits/limits.js';
import type { LimitOptions } from '../service/limits-request.js';
import type { MigrateOptions } from '../service/migrate-schema.js';
import type { FreezeOwnerRequest, UnfreezeOwnerRequest } from '../service/owners/freeze-owner.js';
import type { PolicyRequest } from '../service/policies/set-policy.js';
import type { UsageRequest } from '../service/usage/get-usage.js';
import type { BadLine, ImportRequest, UsageLine } from '../service/usage/import-usage.js';
import type { UsageIncrement } from '../service/usage/recorder.js';
import type { ExplainOptions } from '../service/verify/explain.js';
import type { VerifyOptions } from '../service/verify/verify.js';
import {
  absent,
  count,
  key,
  keys,
  listOf,
  number,
  oneOf,
  optional,
  orNull,
  type Shape,
  stream,
  text,
  textByName,
  texts,
  time,
  yesOrNo,
} from './shape.js';

// What every request of the library has to be at run time, held to its type by the compiler.

const maybeText = optional(text);
const maybeTexts = optional(texts);
const maybeNumber = optional(number);
const maybe = optional(yesOrNo);

/** A key, and of several of its name the one of this owner. */
const ONE_KEY = { key, owner: maybeText };

export const CALLER: Shape<Caller> = { tenant: maybeText, actor: maybeText };

export const VERIFY: Shape<VerifyOptions> = {
  scopes: maybeTexts,
  tenant: maybeText,
  count: maybe,
  spendCents: maybeNumber,
  ip: maybeText,
};
export const EXPLAIN: Shape<ExplainOptions> = {
  scopes: maybeTexts,
  tenant: maybeText,
  spendCents: maybeNumber,
  ip: maybeText,
};

export const LIST_FILTER: Shape<ListFilter> = {
  owner: maybeText,
  status: optional(oneOf(KEY_STATUSES)),
  scope: maybeText,
  name: maybeText,
  expiringWithin: maybeText,
  unusedFor: maybeText,
};
export const KEY_PAGES: Shape<KeyPages> = {
  ...LIST_FILTER,
  sort: optional(oneOf(KEY_SORTS)),
  descending: maybe,
  cursor: maybeText,
};
export const LIST: Shape<ListRequest> = { ...KEY_PAGES, limit: maybeNumber };
export const COUNT: Shape<CountOptions> = { most: maybeNumber };
export const LOOKUP: Shape<KeyLookup> = { owner: maybeText };

export const SCOPE_QUESTION: Shape<ScopeQuestion> = { ...ONE_KEY, scopes: texts };
export const USAGE: Shape<UsageRequest> = {
  key: optional(key),
  owner: maybeText,
  since: maybeText,
  until: maybeText,
  by: optional(oneOf(USAGE_PERIODS)),
  limit: maybeNumber,
};

const FOLLOW_FILTER = {
  key: optional(key),
  owner: maybeText,
  since: maybeText,
  actor: maybeText,
  action: maybeText,
};
export const FOLLOW: Shape<FollowRequest> = FOLLOW_FILTER;
export const AUDIT_FILTER: Shape<AuditFilter> = { ...FOLLOW_FILTER, until: maybeText };
export const EVENT_PAGES: Shape<EventPages> = { ...AUDIT_FILTER, cursor: maybeText };
export const EVENTS: Shape<EventListRequest> = { ...EVENT_PAGES, limit: maybeNumber };
export const VERIFY_AUDIT: Shape<VerifyAuditRequest> = {
  heads: optional(stream<string>()),
  chainOnly: maybe,
  maxRuntime: maybeText,
  cursor: maybeText,
};
export const GRANT: Shape<GrantRequest> = { role: text, as: oneOf(PROFILES) };

const LIMIT_OPTIONS: Shape<LimitOptions> = {
  rate: maybeText,
  quota: maybeText,
  budget: maybeText,
  allowIps: maybeTexts,
};
export const LIMITS: Shape<LimitsTarget> = { key: optional(key), owner: maybeText };
export const CHANGE_LIMITS: Shape<LimitsRequest> = {
  ...LIMITS,
  ...LIMIT_OPTIONS,
  none: optional(listOf(LIMIT_NAMES)),
};

export const CREATE: Shape<CreateRequest> = {
  ...LIMIT_OPTIONS,
  name: text,
  owner: text,
  scopes: maybeTexts,
  expires: maybeText,
  description: maybeText,
  metadata: optional(textByName),
  idempotencyKey: maybeText,
};
export const UPDATE: Shape<UpdateRequest> = {
  ...ONE_KEY,
  name: maybeText,
  description: maybeText,
  expires: maybeText,
  metadata: optional(textByName),
};
export const SCOPES: Shape<ScopesRequest> = {
  ...ONE_KEY,
  set: maybeTexts,
  add: maybeTexts,
  remove: maybeTexts,
};
export const ROTATE: Shape<RotateRequest> = {
  ...ONE_KEY,
  grace: maybeText,
  expires: maybeText,
  unfreeze: maybe,
  idempotencyKey: maybeText,
};
export const POLICY: Shape<PolicyRequest> = {
  maxLifetime: optional(orNull(text)),
  requireExpiry: optional(orNull(yesOrNo)),
  maxKeys: optional(orNull(number)),
  scopes: optional(orNull(texts)),
  prefixes: optional(orNull(texts)),
  dryRun: maybe,
};
export const END_GRACE: Shape<EndGraceRequest> = ONE_KEY;

const KEYS: Shape<KeysTarget> = { keys, owner: maybeText, ignoreMissing: maybe };
const OWNERS_KEYS: Shape<OwnersKeysTarget> = { keys: optional(absent), owner: text };
const REVOKE_TERMS: Shape<Omit<RevokeRequest, 'keys' | 'owner' | 'ignoreMissing' | 'andFreeze'>> = {
  reason: maybeText,
  dryRun: maybe,
};
export const REVOKE: Shape<RevokeRequest & KeysTarget> = { ...KEYS, ...REVOKE_TERMS };
export const REVOKE_OWNER: Shape<Extract<RevokeRequest, OwnersKeysTarget>> = {
  ...OWNERS_KEYS,
  ...REVOKE_TERMS,
  andFreeze: maybe,
};
export const UNFREEZE: Shape<UnfreezeRequest> = { ...KEYS, ...REVOKE_TERMS };
export const FREEZE: Shape<FreezeRequest> = { ...UNFREEZE, until: maybeText };
export const UNFREEZE_OWNER: Shape<UnfreezeOwnerRequest> = { ...OWNERS_KEYS, ...REVOKE_TERMS };
export const FREEZE_OWNER: Shape<FreezeOwnerRequest> = { ...UNFREEZE_OWNER, until: maybeText };

export const INCREMENT: Shape<UsageIncrement> = {
  requests: maybeNumber,
  spendCents: maybeNumber,
  at: optional(time),
};
export const USAGE_LINE: Shape<UsageLine> = {
  line: count,
  key: text,
  requests: count,
  spendCents: count,
  at: optional(time),
};
export const BAD_LINE: Shape<BadLine> = { line: count, reason: text };
export const IMPORT: Shape<ImportRequest> = { importId: maybeText, dryRun: maybe };
export const MIGRATE: Shape<MigrateOptions> = { dryRun: maybe };
export const CLEANUP: Shape<CleanupRequest> = {
  olderThan: maybeText,
  batchSize: maybeNumber,
  maxRuntime: maybeText,
  usageOlderThan: maybeText,
  auditOlderThan: maybeText,
  dryRun: maybe,
};
