declare const AUDIT_ACTIONS: readonly ['key.created', 'key.updated', 'key.scopes_changed', 'key.rotated', 'key.grace_ended', 'key.frozen', 'key.unfrozen', 'key.revoked', 'key.secrets_deleted', 'key.deleted', 'owner.first_key', 'owner.frozen', 'owner.unfrozen', 'usage.recorded', 'usage.imported', 'usage.pruned', 'audit.pruned', 'role.granted', 'schema.migrated'];
interface ApiKeys {
    verify(rawKey: string, options?: VerifyOptions): Promise<Verification>;
    authenticate(request: HeaderedRequest, options?: VerifyOptions): Promise<Authentication>;
    checkScope(granted: readonly string[], wanted: readonly string[]): {
        readonly ok: boolean;
        readonly missing: readonly string[];
    };
    create(request: CreateRequest, reveal?: Reveal<CreatedKey>): Promise<CreatedKey>;
    list(request?: ListRequest): Promise<KeyPage>;
    count(filter?: ListFilter): Promise<number>;
    get(key: string, options?: {
        readonly tenant?: string | undefined;
    }): Promise<Key>;
    update(request: UpdateRequest): Promise<UpdatedKey>;
    updateScopes(request: ScopesRequest): Promise<UpdatedKey>;
    rotate(request: RotateRequest, reveal?: Reveal<RotatedKey>): Promise<RotatedKey>;
    endGrace(request: EndGraceRequest): Promise<EndedGrace>;
    revoke(request: RevokeRequest): Promise<ChangedKeys>;
    freeze(request: FreezeRequest): Promise<ChangedKeys>;
    unfreeze(request: UnfreezeRequest): Promise<ChangedKeys>;
    freezeOwner(request: FreezeOwnerRequest): Promise<ChangedOwner>;
    unfreezeOwner(request: UnfreezeOwnerRequest): Promise<ChangedOwner>;
    recordUsage(keyId: string, increment?: UsageIncrement): void;
    getUsage(request: UsageRequest & {
        readonly key: string;
    }): Promise<UsageSeries>;
    getUsage(request?: UsageRequest & {
        readonly key?: undefined;
    }): Promise<UsageRanking>;
    getUsage(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
    usageState(): UsageState;
    cleanup(request: CleanupRequest, progress?: CleanupProgress): Promise<Cleaned>;
    flush(): Promise<void>;
    close(): Promise<void>;
}
declare class ApiKeysError extends Error {
    readonly name = "ApiKeysError";
    readonly code: ErrorCode;
    readonly hint: string | null;
    readonly sqlState: string | null;
    constructor(code: ErrorCode, message: string, context?: ErrorContext);
}
type ApiKeysOptions = DatabaseOptions & RuleOptions & {
    readonly timeout?: number | undefined;
    readonly usage?: UsageOptions | undefined;
    readonly realm?: string | undefined;
};
interface ApplicationPool {
    connect(): Promise<{
        query: (...args: never[]) => unknown;
        release: (destroy?: boolean) => void;
    }>;
}
type AuditAction = (typeof AUDIT_ACTIONS)[number];
interface AuditEvent {
    readonly id: string;
    readonly seq: number;
    readonly at: Date;
    readonly actor: string;
    readonly dbRole: string;
    readonly action: string;
    readonly tenantId: string;
    readonly ownerId: string;
    readonly keyId: string | null;
    readonly reason: string | null;
    readonly details: string;
    readonly prevHash: Buffer | null;
    readonly hash: Buffer;
}
interface Authenticated {
    readonly ok: true;
    readonly key: VerifiedKey;
    readonly verification: Verification;
}
type Authentication = Authenticated | Refusal;
interface ChainRef extends OwnerRef {
    readonly keyId: string | null;
}
interface ChangeOptions {
    readonly dryRun?: boolean | undefined;
    readonly actor: string;
}
interface ChangedKeys {
    readonly keys: readonly Key[];
    readonly changed: number;
    readonly impact: readonly KeyImpact[] | null;
    readonly brokenChains: readonly ChainRef[];
}
interface ChangedOwner {
    readonly owner: Owner;
    readonly keys: readonly Key[];
    readonly changed: number;
    readonly impact: readonly KeyImpact[] | null;
    readonly brokenChains: readonly ChainRef[];
}
interface Cleaned {
    readonly deletedKeys: number;
    readonly deletedSecrets: number;
    readonly deletedUsageDays: number;
    readonly deletedEvents: number;
    readonly olderThan: number;
    readonly cutoff: Date;
    readonly dryRun: boolean;
    readonly skipped: boolean;
    readonly complete: boolean;
}
type CleanupProgress = (done: number, total: number) => void;
interface CleanupRequest {
    readonly olderThan?: string | undefined;
    readonly batchSize?: number | undefined;
    readonly maxRuntime?: string | undefined;
    readonly usageOlderThan?: string | undefined;
    readonly auditOlderThan?: string | undefined;
    readonly tenant?: string | undefined;
    readonly dryRun?: boolean | undefined;
    readonly actor: string;
}
interface CreateRequest {
    readonly name: string;
    readonly owner: string;
    readonly tenant?: string | undefined;
    readonly scopes?: readonly string[];
    readonly expires?: string | undefined;
    readonly description?: string | undefined;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly idempotencyKey?: string | undefined;
    readonly actor: string;
}
interface CreatedKey {
    readonly key: Key;
    readonly apiKey: string | null;
    readonly changed: 0 | 1;
    readonly firstKey: boolean;
    readonly newTenant: boolean;
}
type DatabaseOptions = {
    readonly connectionString: string;
    readonly poolSize?: number | undefined;
} | {
    readonly pool: ApplicationPool;
} | {
    readonly embedded: string;
};
declare const ERROR_CODES: readonly ['INVALID_USAGE', 'INVALID_INPUT', 'INVALID_CONFIG', 'SECRET_IN_ARGUMENT', 'CONFIRMATION_REQUIRED', 'NOT_CONFIRMED', 'NO_DATABASE', 'EMBEDDED_NOT_INSTALLED', 'KEY_NOT_FOUND', 'OWNER_NOT_FOUND', 'ROLE_NOT_FOUND', 'LIMIT_REACHED', 'OWNER_FROZEN', 'KEY_AMBIGUOUS', 'OWNER_AMBIGUOUS', 'KEY_REVOKED', 'KEY_FROZEN', 'TOO_MANY_SECRETS', 'SECRET_NOT_AVAILABLE', 'IDEMPOTENCY_CONFLICT', 'AUDIT_CHAIN_BROKEN', 'FEATURE_DISABLED', 'DATABASE_UNREACHABLE', 'DATABASE_TIMEOUT', 'DATABASE_BUSY', 'DATABASE_READ_ONLY', 'EMBEDDED_LOCKED', 'SCHEMA_MISSING', 'SCHEMA_BEHIND', 'SCHEMA_AHEAD', 'SCHEMA_CHANGED', 'SCHEMA_UNRECORDED', 'OUTCOME_UNKNOWN', 'DATABASE_DAMAGED', 'LOGIN_REFUSED', 'PERMISSION_DENIED', 'OUTPUT_FAILED', 'INTERRUPTED', 'INTERNAL'];
interface EndGraceRequest {
    readonly key: string;
    readonly tenant?: string | undefined;
    readonly actor: string;
}
interface EndedGrace {
    readonly key: Key;
    readonly previous: readonly OlderSecret[];
    readonly changed: 0 | 1;
    readonly brokenChains: readonly ChainRef[];
}
type ErrorCode = (typeof ERROR_CODES)[number];
interface ErrorContext {
    readonly hint?: string;
    readonly sqlState?: string | undefined;
}
interface FreezeOptions {
    readonly until?: string | undefined;
    readonly reason?: string | undefined;
}
type FreezeOwnerRequest = OwnerTarget & ChangeOptions & FreezeOptions;
type FreezeRequest = KeysTarget & ChangeOptions & FreezeOptions;
interface HeaderedRequest {
    readonly headers: RequestHeaders;
    readonly rawHeaders?: readonly string[] | undefined;
    readonly raw?: unknown;
}
declare const KEY_SORTS: readonly ['created', 'name', 'expires', 'last-used'];
declare const KEY_STATUSES: readonly ['active', 'revoked', 'frozen', 'expired'];
interface Key {
    readonly id: string;
    readonly tenantId: string;
    readonly ownerId: string;
    readonly name: string;
    readonly description: string | null;
    readonly keyPrefix: string;
    readonly status: KeyStatus;
    readonly scopes: readonly string[];
    readonly metadata: Readonly<Record<string, string>>;
    readonly isFrozen: boolean;
    readonly frozenByOwner: boolean;
    readonly frozenAt: Date | null;
    readonly frozenUntil: Date | null;
    readonly frozenReason: string | null;
    readonly createdAt: Date;
    readonly createdBy: string;
    readonly expiresAt: Date | null;
    readonly lastUsedAt: Date | null;
    readonly totalRequests: number;
    readonly revokedAt: Date | null;
    readonly revokedBy: string | null;
    readonly revokedReason: string | null;
}
interface KeyImpact {
    readonly key: Key;
    readonly usageToday: UsageTotal;
}
interface KeyPage {
    readonly keys: readonly Key[];
    readonly nextCursor: string | null;
}
type KeySort = (typeof KEY_SORTS)[number];
type KeyStatus = (typeof KEY_STATUSES)[number];
interface KeyUsage extends OwnerRef, UsageTotal {
    readonly keyId: string;
    readonly name: string | null;
}
interface KeysTarget {
    readonly keys: readonly string[];
    readonly tenant?: string | undefined;
    readonly ignoreMissing?: boolean | undefined;
}
interface ListFilter {
    readonly tenant?: string | undefined;
    readonly owner?: string | undefined;
    readonly status?: KeyStatus | undefined;
    readonly scope?: string | undefined;
    readonly name?: string | undefined;
    readonly expiringWithin?: string | undefined;
    readonly unusedFor?: string | undefined;
}
interface ListRequest extends ListFilter {
    readonly sort?: KeySort | undefined;
    readonly descending?: boolean | undefined;
    readonly limit?: number | undefined;
    readonly cursor?: string | undefined;
}
interface OlderSecret {
    readonly version: number;
    readonly keyPrefix: string;
    readonly validUntil: Date;
}
interface OneKey {
    readonly key: string;
    readonly tenant?: string | undefined;
}
interface Owner extends OwnerRef, OwnerFreeze {
    readonly isFrozen: boolean;
}
interface OwnerFreeze {
    readonly frozenAt: Date | null;
    readonly frozenUntil: Date | null;
    readonly frozenBy: string | null;
    readonly frozenReason: string | null;
}
interface OwnerRef {
    readonly tenantId: string;
    readonly ownerId: string;
}
interface OwnerTarget {
    readonly owner: string;
    readonly tenant?: string | undefined;
}
interface OwnersKeysTarget {
    readonly owner: string;
    readonly tenant?: string | undefined;
}
interface Refusal {
    readonly ok: false;
    readonly status: 400 | 401 | 403;
    readonly headers: {
        readonly 'WWW-Authenticate': string;
    };
    readonly body: {
        readonly error: string;
        readonly message: string;
    };
    readonly code: RefusalCode;
    readonly key: VerifiedKey | null;
}
type RefusalCode = 'NO_CREDENTIALS' | 'INVALID_REQUEST' | Exclude<VerifyCode, 'VALID'>;
type RequestHeaders = {
    get(name: string): string | null;
} | Readonly<Record<string, string | readonly string[] | undefined>>;
type Reveal<Made> = (made: Made & {
    readonly apiKey: string;
}) => Promise<void>;
type RevokeRequest = (KeysTarget | OwnersKeysTarget) & ChangeOptions & {
    readonly reason?: string | undefined;
};
interface RotateRequest {
    readonly key: string;
    readonly tenant?: string | undefined;
    readonly grace?: string | undefined;
    readonly expires?: string | undefined;
    readonly actor: string;
}
interface RotatedKey {
    readonly key: Key;
    readonly apiKey: string;
    readonly previous: readonly OlderSecret[];
}
interface RuleOptions {
    readonly prefix?: string | undefined;
    readonly secretBytes?: number | undefined;
    readonly defaultExpiry?: string | undefined;
    readonly maxKeysPerOwner?: number | undefined;
    readonly rotationGrace?: string | undefined;
    readonly retention?: string | undefined;
    readonly keyManagement?: boolean | undefined;
}
interface ScopesRequest extends OneKey {
    readonly set?: readonly string[] | undefined;
    readonly add?: readonly string[] | undefined;
    readonly remove?: readonly string[] | undefined;
    readonly actor: string;
}
declare const USAGE_PERIODS: readonly ['day', 'week', 'month'];
type UnfreezeOwnerRequest = OwnerTarget & ChangeOptions & {
    readonly reason?: string | undefined;
};
type UnfreezeRequest = KeysTarget & ChangeOptions & {
    readonly reason?: string | undefined;
};
interface UpdateRequest extends OneKey {
    readonly name?: string | undefined;
    readonly description?: string | undefined;
    readonly expires?: string | undefined;
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    readonly actor: string;
}
interface UpdatedKey {
    readonly key: Key;
    readonly changed: 0 | 1;
}
interface UsageIncrement {
    readonly requests?: number | undefined;
    readonly spendCents?: number | undefined;
    readonly at?: Date | undefined;
}
interface UsageOfPeriod extends UsageTotal {
    readonly period: string;
}
type UsageOptions = UsageRecorderOptions;
type UsagePeriod = (typeof USAGE_PERIODS)[number];
interface UsageRanking extends UsageTotal {
    readonly from: string;
    readonly to: string;
    readonly top: readonly KeyUsage[];
}
interface UsageRecorderOptions {
    readonly flushInterval?: number;
    readonly batchSize?: number;
    readonly maxPending?: number;
    readonly onError?: (error: ApiKeysError) => void;
}
interface UsageRequest {
    readonly key?: string | undefined;
    readonly owner?: string | undefined;
    readonly tenant?: string | undefined;
    readonly since?: string | undefined;
    readonly until?: string | undefined;
    readonly by?: UsagePeriod | undefined;
    readonly limit?: number | undefined;
}
interface UsageSeries extends UsageTotal {
    readonly keyId: string;
    readonly tenantId: string;
    readonly ownerId: string;
    readonly name: string | null;
    readonly from: string;
    readonly to: string;
    readonly by: UsagePeriod;
    readonly series: readonly UsageOfPeriod[];
}
interface UsageState {
    readonly pending: number;
    readonly dropped: number;
    readonly lastError: ApiKeysError | null;
}
interface UsageTotal {
    readonly requestCount: number;
    readonly spendCents: number;
}
declare const VERIFY_CODES: readonly ['MALFORMED', 'NOT_FOUND', 'REVOKED', 'FROZEN', 'RETIRED', 'EXPIRED', 'INSUFFICIENT_SCOPE', 'VALID'];
interface Verification {
    readonly valid: boolean;
    readonly code: VerifyCode;
    readonly key: VerifiedKey | null;
    readonly missingScopes: readonly string[];
    readonly oldSecret: boolean;
}
interface VerifiedKey {
    readonly id: string;
    readonly tenantId: string;
    readonly ownerId: string;
    readonly name: string;
    readonly keyPrefix: string;
    readonly scopes: readonly string[];
    readonly metadata: Readonly<Record<string, string>>;
    readonly expiresAt: Date | null;
}
type VerifyCode = (typeof VERIFY_CODES)[number];
interface VerifyOptions {
    readonly scopes?: readonly string[] | undefined;
    readonly tenant?: string | undefined;
    readonly count?: boolean | undefined;
    readonly spendCents?: number | undefined;
}
declare function checkScope(granted: readonly string[], wanted: readonly string[]): {
    ok: boolean;
    missing: string[];
};
declare function createApiKeys(options: ApiKeysOptions): ApiKeys;
declare function refusalResponse({ status, headers, body }: Refusal): Response;
export {
    AUDIT_ACTIONS,
    ApiKeysError,
    ERROR_CODES,
    KEY_STATUSES,
    VERIFY_CODES,
    checkScope,
    createApiKeys,
    refusalResponse,
};
export type {
    ApiKeys,
    ApiKeysOptions,
    ApplicationPool,
    AuditAction,
    AuditEvent,
    Authenticated,
    Authentication,
    ChangedKeys,
    ChangedOwner,
    Cleaned,
    CleanupProgress,
    CleanupRequest,
    CreateRequest,
    CreatedKey,
    DatabaseOptions,
    EndGraceRequest,
    EndedGrace,
    ErrorCode,
    FreezeOwnerRequest,
    FreezeRequest,
    HeaderedRequest,
    Key,
    KeyImpact,
    KeyPage,
    KeySort,
    KeyStatus,
    ListFilter,
    ListRequest,
    Owner,
    Refusal,
    RefusalCode,
    RequestHeaders,
    Reveal,
    RevokeRequest,
    RotateRequest,
    RotatedKey,
    RuleOptions,
    ScopesRequest,
    UnfreezeOwnerRequest,
    UnfreezeRequest,
    UpdateRequest,
    UpdatedKey,
    UsageIncrement,
    UsageOfPeriod,
    UsageOptions,
    UsageRanking,
    UsageRequest,
    UsageSeries,
    UsageState,
    Verification,
    VerifiedKey,
    VerifyCode,
    VerifyOptions,
};
