import type { CompiledQuery, QueryExecutorProvider } from 'kysely';
declare const AUDIT_ACTIONS: readonly ['key.created', 'key.updated', 'key.scopes_changed', 'key.limits_changed', 'key.rotated', 'key.grace_ended', 'key.frozen', 'key.unfrozen', 'key.revoked', 'key.secrets_deleted', 'key.deleted', 'owner.first_key', 'owner.frozen', 'owner.unfrozen', 'owner.limits_changed', 'policy.changed', 'usage.recorded', 'usage.imported', 'usage.pruned', 'audit.pruned', 'role.granted', 'schema.migrated'];
interface AndFreeze {
    readonly andFreeze?: boolean | undefined;
}
interface Answer {
    readonly passed: boolean | null;
    readonly detail: string;
}
interface ApiKeys extends ReadingKeys {
    as(caller: ChangingCaller): ChangingKeys;
    as(caller: {
        readonly tenant?: string | undefined;
    }): ReadingKeys;
    authenticate(request: HeaderedRequest, options?: VerifyOptions): Promise<Authentication>;
    checkScope(granted: readonly string[], wanted: readonly string[]): {
        readonly ok: boolean;
        readonly missing: readonly string[];
    };
    recordUsage(keyId: string, increment?: UsageIncrement): void;
    usageState(): UsageState;
    flush(): Promise<void>;
    schemaStatus(): Promise<SchemaStatus>;
    close(): Promise<void>;
    readonly location: string;
}
declare class ApiKeysError extends Error {
    readonly name: string;
    readonly code: ErrorCode;
    readonly details: ErrorDetails;
    readonly sqlState: string | null;
    constructor(code: ErrorCode, message: string, { details, sqlState, cause }?: ErrorContext);
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
interface AppliedGrants {
    readonly statements: readonly string[];
    readonly beyond: readonly string[];
    readonly brokenChains: readonly ChainRef[];
}
interface AskedOfKey {
    readonly tenant?: string | undefined;
    readonly scopes: readonly string[];
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
interface AuditFilter {
    readonly key?: KeyReference | undefined;
    readonly owner?: string | undefined;
    readonly since?: string | undefined;
    readonly until?: string | undefined;
    readonly actor?: string | undefined;
    readonly action?: string | undefined;
}
interface AuditVerdict {
    readonly valid: boolean;
    readonly chains: number;
    readonly events: number;
    readonly broken: readonly BrokenPlace[];
    readonly brokenCount: number;
    readonly nextCursor: string | null;
}
interface Authenticated {
    readonly ok: true;
    readonly key: VerifiedKey;
    readonly verification: Verification;
    readonly headers: RateLimitFields;
}
type Authentication = Authenticated | Refusal;
interface BadLine {
    readonly line: number;
    readonly reason: string;
}
interface BrokenPlace extends ChainRef {
    readonly seq: number;
    readonly fault: ChainFault;
    readonly field: StateField | null;
}
interface Budget {
    readonly cents: number;
    readonly period: LimitPeriod;
}
declare const CHAIN_FAULTS: readonly ['hash', 'seq', 'prev_hash', 'head', 'truncated', 'missing', 'segment', 'state'];
declare const CHECKS: readonly [{
    readonly check: 'format';
    readonly code: 'MALFORMED';
    readonly fails: null;
}, {
    readonly check: 'checksum';
    readonly code: null;
    readonly fails: null;
}, {
    readonly check: 'known';
    readonly code: 'NOT_FOUND';
    readonly fails: null;
}, {
    readonly check: 'tenant';
    readonly code: 'NOT_FOUND';
    readonly fails: ({ key }: KnownSecret, { tenant }: AskedOfKey) => boolean;
}, {
    readonly check: 'not-revoked';
    readonly code: 'REVOKED';
    readonly fails: ({ revokedAt }: KnownSecret) => boolean;
}, {
    readonly check: 'not-frozen';
    readonly code: 'FROZEN';
    readonly fails: ({ frozen }: KnownSecret) => boolean;
}, {
    readonly check: 'not-retired';
    readonly code: 'RETIRED';
    readonly fails: ({ validUntil, now }: KnownSecret) => boolean;
}, {
    readonly check: 'not-expired';
    readonly code: 'EXPIRED';
    readonly fails: ({ key, now }: KnownSecret) => boolean;
}, {
    readonly check: 'scopes';
    readonly code: 'INSUFFICIENT_SCOPE';
    readonly fails: ({ key }: KnownSecret, { scopes }: AskedOfKey) => boolean;
}, {
    readonly check: 'address';
    readonly code: 'IP_NOT_ALLOWED';
    readonly fails: null;
}, {
    readonly check: 'rate';
    readonly code: 'RATE_LIMITED';
    readonly fails: null;
}, {
    readonly check: 'quota';
    readonly code: 'QUOTA_EXCEEDED';
    readonly fails: null;
}, {
    readonly check: 'budget';
    readonly code: 'BUDGET_EXCEEDED';
    readonly fails: null;
}];
declare const COUNTED_LIMITS: readonly ['rate', 'quota', 'budget'];
interface Caller {
    readonly tenant?: string | undefined;
    readonly actor?: string | undefined;
}
interface ChainEnd extends ChainRef {
    readonly seq: number;
    readonly hash: Buffer;
}
type ChainFault = (typeof CHAIN_FAULTS)[number];
interface ChainHead {
    readonly seq: number;
    readonly hash: Buffer | null;
}
interface ChainRef extends OwnerRef {
    readonly keyId: string | null;
}
interface ChangeOptions {
    readonly dryRun?: boolean | undefined;
}
interface ChangeOver {
    readonly oldSecretUsedAt: Date | null;
    readonly quietMs: number | null;
    readonly newestUsed: boolean;
    readonly complete: boolean;
}
interface ChangedKeys {
    readonly keys: readonly Key[];
    readonly changed: number;
    readonly owner: Owner | null;
    readonly impact: readonly KeyImpact[] | null;
    readonly brokenChains: readonly ChainRef[];
}
interface ChangedLimits extends LimitsOf {
    readonly changed: 0 | 1;
}
interface ChangedOwner {
    readonly owner: Owner;
    readonly keys: readonly Key[];
    readonly changed: number;
    readonly impact: readonly KeyImpact[] | null;
    readonly brokenChains: readonly ChainRef[];
}
interface ChangedPolicy extends PolicyView {
    readonly changed: 0 | 1;
    readonly brokenChains: readonly ChainRef[];
}
interface ChangingCaller extends Caller {
    readonly actor: string;
}
interface ChangingKeys extends ReadingKeys {
    create(request: CreateRequest, reveal?: Reveal<CreatedKey>): Promise<CreatedKey>;
    update(request: UpdateRequest): Promise<UpdatedKey>;
    updateScopes(request: ScopesRequest): Promise<UpdatedKey>;
    updateLimits(request: LimitsRequest): Promise<ChangedLimits>;
    rotate(request: RotateRequest, reveal?: Reveal<RotatedKey>): Promise<RotatedKey>;
    endGrace(request: EndGraceRequest): Promise<EndedGrace>;
    revoke(request: RevokeRequest): Promise<ChangedKeys>;
    freeze(request: FreezeRequest): Promise<ChangedKeys>;
    unfreeze(request: UnfreezeRequest): Promise<ChangedKeys>;
    freezeOwner(request: FreezeOwnerRequest): Promise<ChangedOwner>;
    unfreezeOwner(request: UnfreezeOwnerRequest): Promise<ChangedOwner>;
    setPolicy(request: PolicyRequest): Promise<ChangedPolicy>;
    storeUsage(keyId: string, increment: UsageIncrement): Promise<RecordedUsage>;
    importUsage(lines: AsyncIterable<UsageLine | BadLine>, request?: ImportRequest): Promise<ImportedUsage>;
    migrate(options?: MigrateOptions): Promise<SchemaStatus>;
    applyGrants(request: GrantRequest): Promise<AppliedGrants>;
    cleanup(request: CleanupRequest, progress?: CleanupProgress): Promise<Cleaned>;
}
interface Check extends Answer {
    readonly check: CheckName;
}
type CheckName = (typeof CHECKS)[number]['check'];
interface CheckedFilter extends Omit<EventFilter, 'since' | 'until' | 'keyId'> {
    readonly key: KeyReference | undefined;
    readonly since: TimeExpression | undefined;
    readonly until: TimeExpression | undefined;
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
    readonly dryRun?: boolean | undefined;
}
type ColumnType = keyof ColumnValues;
interface ColumnValues {
    readonly uuid: string;
    readonly text: string;
    readonly 'text[]': string[];
    readonly jsonb: unknown;
    readonly timestamptz: Date;
    readonly boolean: boolean;
    readonly integer: number;
    readonly bigint: number;
}
interface Connection extends Session {
    script(statements: string): Promise<void>;
    commit(): Promise<boolean>;
    readonly committing: boolean;
}
interface CountOptions {
    readonly most?: number | undefined;
}
type CountedLimit = (typeof COUNTED_LIMITS)[number];
interface CreateRequest extends LimitOptions {
    readonly name: string;
    readonly owner: string;
    readonly scopes?: readonly string[];
    readonly expires?: string | undefined;
    readonly description?: string | undefined;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly idempotencyKey?: string | undefined;
}
interface CreatedKey {
    readonly key: Key;
    readonly apiKey: string | null;
    readonly changed: 0 | 1;
    readonly firstKey: boolean;
    readonly newTenant: boolean;
    readonly lifetimeCut: LifetimeCut | null;
}
type DatabaseOptions = {
    readonly connectionString: string;
    readonly poolSize?: number | undefined;
} | {
    readonly pool: ApplicationPool;
} | {
    readonly embedded: string;
};
interface Diagnosis extends Observations {
    readonly findings: readonly Finding[];
    readonly failure: ErrorCode | null;
}
declare const ERROR_CODES: readonly ['INVALID_USAGE', 'INVALID_INPUT', 'INVALID_CONFIG', 'SECRET_IN_ARGUMENT', 'CONFIRMATION_REQUIRED', 'NOT_CONFIRMED', 'NO_DATABASE', 'EMBEDDED_NOT_INSTALLED', 'KEY_NOT_FOUND', 'OWNER_NOT_FOUND', 'ROLE_NOT_FOUND', 'LIMIT_REACHED', 'POLICY_VIOLATION', 'OWNER_FROZEN', 'KEY_AMBIGUOUS', 'OWNER_AMBIGUOUS', 'KEY_REVOKED', 'TOO_MANY_SECRETS', 'SECRET_NOT_AVAILABLE', 'IDEMPOTENCY_CONFLICT', 'AUDIT_CHAIN_BROKEN', 'FEATURE_DISABLED', 'DATABASE_UNREACHABLE', 'DATABASE_TIMEOUT', 'DATABASE_BUSY', 'DATABASE_READ_ONLY', 'EMBEDDED_LOCKED', 'SCHEMA_MISSING', 'SCHEMA_BEHIND', 'SCHEMA_AHEAD', 'SCHEMA_CHANGED', 'SCHEMA_UNRECORDED', 'OUTCOME_UNKNOWN', 'DATABASE_DAMAGED', 'LOGIN_REFUSED', 'PERMISSION_DENIED', 'OUTPUT_FAILED', 'INTERRUPTED', 'INTERNAL'];
declare const ERROR_REASONS: readonly ['empty', 'white_space', 'too_long', 'unsafe_character', 'contains_secret', 'name_taken', 'reference_empty', 'reference_character', 'no_key_in_text', 'several_keys_in_text', 'prefix', 'scope', 'metadata_key', 'metadata_value', 'metadata_size', 'encoding', 'duration', 'time', 'expiry_past', 'freeze_past', 'freeze_zero', 'range_reversed', 'rate', 'quota', 'budget', 'limit_zero', 'address', 'policy_lifetime', 'policy_empty', 'page_size', 'batch_size', 'cursor', 'cursor_of_other_order', 'cursor_of_other_list', 'cursor_of_other_verification', 'unknown_action', 'usage', 'import_line', 'import_of_other_input', 'heads_damaged', 'role_reserved', 'role_unbound', 'other_rotation', 'no_events', 'key_cut', 'key_mistyped', 'database_url', 'url_parameter', 'libpq_variable', 'service', 'file_unreadable', 'folder_unusable', 'folder_of_other_user', 'folder_of_other_version', 'folder_not_empty', 'connect', 'no_tls', 'certificate', 'certificate_name', 'certificate_time', 'no_host', 'closed', 'commit_lost', 'folder_failed', 'files_damaged', 'pool_exhausted', 'disk_full', 'host_disk_full', 'host_memory', 'embedded_busy', 'lock_unreadable', 'holder_unseen', 'holder_alive', 'lock_lost', 'wrong_password', 'host_refused', 'no_database', 'no_password', 'connection_refused', 'login_options', 'no_connections', 'no_connect', 'no_binding', 'password_file_kind', 'password_file_mode', 'password_file_size', 'not_grantable', 'audit_not_deletable', 'no_create', 'row_security', 'part_missing', 'statement_refused', 'unexpected'];
interface EndGraceRequest extends KeyLookup {
    readonly key: KeyReference;
}
interface EndedGrace {
    readonly key: Key;
    readonly previous: readonly OlderSecret[];
    readonly changed: 0 | 1;
    readonly brokenChains: readonly ChainRef[];
}
interface Engine {
    readonly kind: 'server' | 'embedded';
    readonly location: string;
    readonly tls: boolean | null;
    sizeBytes(): number | null;
    readonly timeouts: Timeouts;
    use<T>(work: (connection: Connection) => Promise<T>, options?: UseOptions): Promise<T>;
    pipeline?<T>(work: (pipeline: Pipeline) => Promise<T>): Promise<T>;
    close(): Promise<void>;
}
type ErrorCode = (typeof ERROR_CODES)[number];
interface ErrorContext {
    readonly details?: ErrorDetails;
    readonly sqlState?: string | undefined;
    readonly cause?: unknown;
}
interface ErrorDetails {
    readonly reason?: ErrorReason;
    readonly rule?: PolicyRule;
    readonly allowed?: string | number | readonly string[];
    readonly refused?: readonly string[];
    readonly forms?: readonly TimeForm[];
    readonly limit?: number;
    readonly live?: number;
    readonly owner?: string;
    readonly tenant?: string;
    readonly tenants?: readonly string[];
    readonly reference?: string;
    readonly candidates?: readonly KeyCandidate[];
    readonly more?: boolean;
    readonly references?: readonly string[];
    readonly keyPrefix?: string;
    readonly key?: string;
    readonly older?: number;
    readonly most?: number;
    readonly usual?: number;
    readonly known?: readonly string[];
    readonly line?: number;
    readonly repeatable?: boolean;
    readonly role?: string;
    readonly object?: string;
    readonly schemaOwner?: string;
    readonly encoding?: string;
    readonly tables?: readonly string[];
    readonly database?: string;
    readonly variable?: string;
    readonly path?: string;
    readonly breakLock?: boolean;
    readonly version?: number;
    readonly target?: number;
    readonly deleted?: {
        readonly keys: number;
        readonly secrets: number;
        readonly usageDays: number;
        readonly events: number;
    };
    readonly checked?: {
        readonly chains: number;
        readonly events: number;
        readonly brokenCount: number;
        readonly cursor: string;
    };
    readonly shown?: 'dead' | 'unknown';
}
type ErrorReason = (typeof ERROR_REASONS)[number];
interface EventFilter {
    readonly tenant?: TenantScope;
    readonly owner?: string | undefined;
    readonly keyId?: string | undefined;
    readonly actor?: string | undefined;
    readonly action?: string | undefined;
    readonly since?: Date | undefined;
    readonly until?: Date | undefined;
}
interface EventListRequest extends AuditFilter {
    readonly limit?: number | undefined;
    readonly cursor?: string | undefined;
}
interface EventPage {
    readonly events: readonly ListedEvent[];
    readonly nextCursor: string | null;
}
type EventPages = Omit<EventListRequest, 'limit'>;
interface EventPosition {
    readonly at: Date;
    readonly id: string;
}
interface ExplainOptions {
    readonly scopes?: readonly string[] | undefined;
    readonly tenant?: string | undefined;
    readonly ip?: string | undefined;
    readonly spendCents?: number | undefined;
}
interface Explanation extends Verification {
    readonly keyId: string | null;
    readonly checks: readonly Check[];
}
declare const FINDINGS: {
    readonly answered: {
        readonly check: 'database';
        readonly status: 'ok';
    };
    readonly takes_changes: {
        readonly check: 'changes';
        readonly status: 'ok';
    };
    readonly standby: {
        readonly check: 'changes';
        readonly status: 'fail';
    };
    readonly read_only: {
        readonly check: 'changes';
        readonly status: 'warn';
    };
    readonly durable: {
        readonly check: 'durability';
        readonly status: 'ok';
    };
    readonly not_durable: {
        readonly check: 'durability';
        readonly status: 'warn';
    };
    readonly utf8: {
        readonly check: 'encoding';
        readonly status: 'ok';
    };
    readonly other_encoding: {
        readonly check: 'encoding';
        readonly status: 'warn';
    };
    readonly stays_here: {
        readonly check: 'encryption';
        readonly status: 'ok';
    };
    readonly encrypted: {
        readonly check: 'encryption';
        readonly status: 'ok';
    };
    readonly not_encrypted: {
        readonly check: 'encryption';
        readonly status: 'warn';
    };
    readonly schema_current: {
        readonly check: 'schema';
        readonly status: 'ok';
    };
    readonly schema_unusable: {
        readonly check: 'schema';
        readonly status: 'fail';
    };
    readonly schema_refused: {
        readonly check: 'schema';
        readonly status: 'fail';
    };
    readonly own_bindings: {
        readonly check: 'bindings';
        readonly status: 'ok';
    };
    readonly foreign_bindings: {
        readonly check: 'bindings';
        readonly status: 'fail';
    };
    readonly rows_unguarded: {
        readonly check: 'row-security';
        readonly status: 'ok';
    };
    readonly rows_guarded_for_others: {
        readonly check: 'row-security';
        readonly status: 'warn';
    };
    readonly rows_guarded: {
        readonly check: 'row-security';
        readonly status: 'fail';
    };
    readonly clock_right: {
        readonly check: 'clock';
        readonly status: 'ok';
    };
    readonly clock_off: {
        readonly check: 'clock';
        readonly status: 'warn';
    };
    readonly single_user: {
        readonly check: 'privileges';
        readonly status: 'ok';
    };
    readonly can_rewrite_audit: {
        readonly check: 'privileges';
        readonly status: 'warn';
    };
    readonly enough_privileges: {
        readonly check: 'privileges';
        readonly status: 'ok';
    };
    readonly too_few_privileges: {
        readonly check: 'privileges';
        readonly status: 'warn';
    };
    readonly no_policy: {
        readonly check: 'policy';
        readonly status: 'ok';
    };
    readonly policy_in_force: {
        readonly check: 'policy';
        readonly status: 'ok';
    };
    readonly settings_beyond_policy: {
        readonly check: 'policy';
        readonly status: 'ok';
    };
    readonly prefix_against_policy: {
        readonly check: 'policy';
        readonly status: 'warn';
    };
    readonly none_expiring: {
        readonly check: 'expiry';
        readonly status: 'ok';
    };
    readonly some_expiring: {
        readonly check: 'expiry';
        readonly status: 'warn';
    };
    readonly none_overdue: {
        readonly check: 'cleanup';
        readonly status: 'ok';
    };
    readonly some_overdue: {
        readonly check: 'cleanup';
        readonly status: 'warn';
    };
};
declare const FINDING_STATUSES: readonly ['ok', 'warn', 'fail', 'skip'];
interface Finding {
    readonly check: string;
    readonly finding: FindingName | Omission;
    readonly status: FindingStatus;
    readonly code: ErrorCode | null;
}
type FindingName = keyof typeof FINDINGS;
type FindingStatus = (typeof FINDING_STATUSES)[number];
interface FollowRequest extends Omit<AuditFilter, 'until'> {
    readonly since?: string | undefined;
}
interface Following {
    readonly request: CheckedFilter;
    filter: EventFilter | null;
    pass: {
        readonly began: Date;
        readonly from: Date;
        readonly after: EventPosition;
    } | null;
    last: Date | null;
    readonly seen: Map<string, number>;
}
interface ForeignBinding {
    readonly object: string;
    readonly foreign: string;
}
interface FreezeOptions {
    readonly until?: string | undefined;
    readonly reason?: string | undefined;
}
type FreezeOwnerRequest = OwnerTarget & ChangeOptions & FreezeOptions;
type FreezeRequest = KeysTarget & ChangeOptions & FreezeOptions;
interface GrantRequest {
    readonly role: string;
    readonly as: Profile;
}
interface GuardedTable {
    readonly table: string;
    readonly binds: boolean;
}
type HeadLine = ChainEnd | HeadsEnd;
interface HeaderedRequest {
    readonly headers?: RequestHeaders | null | undefined;
    readonly headersDistinct?: Readonly<Record<string, readonly string[] | undefined>> | undefined;
    readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null | undefined;
    readonly rawHeaders?: readonly string[] | undefined;
    readonly raw?: unknown;
}
interface HeadsEnd {
    readonly chains: number;
    readonly at: Date;
    readonly digest: string;
}
interface ImportRequest {
    readonly importId?: string | undefined;
    readonly dryRun?: boolean | undefined;
}
interface ImportedUsage {
    readonly counted: number;
    readonly skipped: number;
    readonly requests: number;
    readonly spendCents: number;
    readonly badLines: readonly BadLine[];
    readonly brokenChains: readonly ChainRef[];
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
    readonly limits: Limits | null;
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
interface KeyCandidate {
    readonly id: string;
    readonly keyPrefix: string;
    readonly name: string;
    readonly owner: string;
    readonly tenant: string;
    readonly status: string;
    readonly createdAt: Date | null;
    readonly lastUsedAt: Date | null;
}
interface KeyDetails {
    readonly key: Key;
    readonly secrets: readonly SecretRecord[];
    readonly limits: LimitsState | null;
    readonly ownerLimits: LimitsState | null;
    readonly usageToday: UsageTotal;
    readonly oldSecretUsedAt: Date | null;
    readonly events: readonly AuditEvent[];
    readonly ended: number;
}
interface KeyFindings {
    readonly profiles: readonly Profile[];
    readonly waysToRewriteAudit: readonly string[];
    readonly policy: Policy | null;
    readonly settingsBeyondPolicy: readonly SettingBeyondPolicy[];
    readonly expiring: number | null;
    readonly overdue: number | null;
}
interface KeyImpact {
    readonly key: Key;
    readonly usageToday: UsageTotal;
}
interface KeyLookup {
    readonly owner?: string | undefined;
}
interface KeyPage {
    readonly keys: readonly Key[];
    readonly nextCursor: string | null;
}
type KeyPages = Omit<ListRequest, 'limit'>;
type KeyReference = string | RawKey;
type KeySort = (typeof KEY_SORTS)[number];
type KeyStatus = (typeof KEY_STATUSES)[number];
interface KeyUsage extends OwnerRef, UsageTotal {
    readonly keyId: string;
    readonly name: string | null;
    readonly keyPrefix: string | null;
}
interface KeyUsageSeries extends UsageSeries {
    readonly keyId: string;
    readonly tenantId: string;
    readonly ownerId: string;
}
interface KeysTarget {
    readonly keys: readonly KeyReference[];
    readonly owner?: string | undefined;
    readonly ignoreMissing?: boolean | undefined;
}
interface KnownSecret {
    readonly now: Date;
    readonly revokedAt: Date | null;
    readonly frozen: boolean;
    readonly validUntil: Date | null;
    readonly key: {
        readonly tenantId: string;
        readonly scopes: readonly string[];
        readonly expiresAt: Date | null;
    };
}
declare const LIMIT_NAMES: readonly ["rate", "quota", "budget", "ip"];
declare const LIMIT_PERIODS: readonly ['day', 'week', 'month', 'total'];
interface LifetimeCut {
    readonly fromMs: number | null;
    readonly toMs: number;
}
interface LimitChanges extends LimitOptions {
    readonly none?: readonly LimitName[] | undefined;
}
type LimitName = (typeof LIMIT_NAMES)[number];
interface LimitOptions {
    readonly rate?: string | undefined;
    readonly quota?: string | undefined;
    readonly budget?: string | undefined;
    readonly allowIps?: readonly string[] | undefined;
}
type LimitPeriod = (typeof LIMIT_PERIODS)[number];
type LimitSubject = 'key' | 'owner';
interface LimitUse {
    readonly of: LimitSubject;
    readonly limit: CountedLimit;
    readonly allowed: number;
    readonly used: number;
    readonly remaining: number;
    readonly windowMs: number | null;
    readonly period: LimitPeriod | null;
    readonly resetsAt: Date | null;
    readonly resetsInMs: number | null;
}
interface Limits {
    readonly rate: Rate | null;
    readonly quota: Quota | null;
    readonly budget: Budget | null;
    readonly allowedIps: readonly string[];
}
interface LimitsOf extends LimitsState, OwnerRef {
    readonly key: Key | null;
}
interface LimitsRequest extends LimitsTarget, LimitChanges {
}
interface LimitsState {
    readonly limits: Limits;
    readonly uses: readonly LimitUse[];
}
interface LimitsTarget {
    readonly key?: KeyReference | undefined;
    readonly owner?: string | undefined;
}
type LinkFault = 'hash' | 'seq' | 'prev_hash' | 'segment';
interface ListFilter {
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
interface ListedEvent extends AuditEvent {
    readonly keyName: string | null;
    readonly keyPrefix: string | null;
}
declare const MIGRATION_STATES: readonly ['applied', 'pending', 'changed', 'unknown'];
interface MigrateOptions {
    readonly dryRun?: boolean | undefined;
}
type MigrationState = (typeof MIGRATION_STATES)[number];
interface MigrationStatus {
    readonly version: number;
    readonly name: string;
    readonly state: MigrationState;
    readonly appliedAt: Date | null;
    readonly appliedBy: string | null;
}
interface NextEvents {
    readonly events: readonly ListedEvent[];
    readonly more: boolean;
}
declare const OMISSIONS: readonly ['no_answer', 'no_schema', 'no_privilege'];
interface Observations {
    readonly kind: Engine['kind'];
    readonly tls: boolean | null;
    readonly server: ServerFacts;
    readonly latencyMs: number;
    readonly clockAheadMs: number;
    readonly schema: SchemaStatus | null;
    readonly schemaRefusal: ApiKeysError | null;
    readonly foreignBindings: readonly ForeignBinding[];
    readonly guardedTables: readonly GuardedTable[];
    readonly keys: KeyFindings | null;
}
interface OlderSecret {
    readonly version: number;
    readonly keyPrefix: string;
    readonly validUntil: Date;
}
type Omission = (typeof OMISSIONS)[number];
interface OneKey extends KeyLookup {
    readonly key: KeyReference;
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
}
interface OwnersKeysTarget {
    readonly keys?: undefined;
    readonly owner: string;
}
declare const POLICY_RULES: readonly ['max_lifetime', 'require_expiry', 'max_keys', 'scopes', 'prefixes'];
declare const PROFILES: readonly ['admin', 'verifier', 'auditor', 'policy'];
interface Pipeline {
    run<Columns extends readonly ColumnType[]>(statement: Statement<Columns>, parameters: readonly Buffer[], limit: number): Promise<RowOf<Columns>[][]>;
}
interface Policy {
    readonly maxLifetimeMs: number | null;
    readonly requireExpiry: boolean;
    readonly maxKeys: number | null;
    readonly scopes: readonly string[] | null;
    readonly prefixes: readonly string[] | null;
}
interface PolicyRequest extends ChangeOptions {
    readonly maxLifetime?: string | null | undefined;
    readonly requireExpiry?: boolean | null | undefined;
    readonly maxKeys?: number | null | undefined;
    readonly scopes?: readonly string[] | null | undefined;
    readonly prefixes?: readonly string[] | null | undefined;
}
type PolicyRule = (typeof POLICY_RULES)[number];
interface PolicyView {
    readonly tenant: string | null;
    readonly own: Policy;
    readonly allTenants: Policy;
    readonly inForce: Policy;
}
type Profile = (typeof PROFILES)[number];
interface Query<Row> {
    compile(provider: QueryExecutorProvider): CompiledQuery<Row>;
    readonly prepareAs?: string;
}
interface Quota {
    readonly requests: number;
    readonly period: LimitPeriod;
}
interface Rate {
    readonly requests: number;
    readonly windowMs: number;
}
type RateLimitFields = {
    readonly 'Retry-After'?: string;
    readonly 'RateLimit-Policy'?: string;
    readonly RateLimit?: string;
};
interface RawKey {
    readonly rawKey: string;
}
interface ReadingKeys {
    verify(rawKey: string, options?: VerifyOptions): Promise<Verification>;
    explain(rawKey: string, options?: ExplainOptions): Promise<Explanation>;
    list(request?: ListRequest): Promise<KeyPage>;
    allKeys(request?: KeyPages): AsyncIterable<readonly Key[]>;
    count(filter?: ListFilter, options?: CountOptions): Promise<number>;
    get(key: KeyReference, lookup?: KeyLookup): Promise<Key>;
    show(key: KeyReference, lookup?: KeyLookup): Promise<KeyDetails>;
    limits(target: LimitsTarget): Promise<LimitsOf>;
    hasScopes(question: ScopeQuestion): Promise<ScopeAnswer>;
    changeOver(keyId: string): Promise<ChangeOver>;
    getUsage(request: UsageRequest & {
        readonly key: KeyReference;
    }): Promise<KeyUsageSeries>;
    getUsage(request: UsageRequest & {
        readonly by: UsagePeriod;
    }): Promise<UsageSeries>;
    getUsage(request?: UsageRequest & {
        readonly key?: undefined;
        readonly by?: undefined;
    }): Promise<UsageRanking>;
    getUsage(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
    events(request?: EventListRequest): Promise<EventPage>;
    allEvents(request?: EventPages): AsyncIterable<readonly ListedEvent[]>;
    countEvents(filter?: AuditFilter, options?: CountOptions): Promise<number>;
    follow(request: FollowRequest): Following;
    nextEvents(following: Following): Promise<NextEvents>;
    auditHeads(): AsyncIterable<readonly HeadLine[]>;
    verifyAudit(request?: VerifyAuditRequest): Promise<AuditVerdict>;
    policy(): Promise<PolicyView>;
    grantsFor(request: GrantRequest): readonly string[];
    diagnose(hostNow: () => Date): Promise<Diagnosis>;
}
interface RecordedUsage {
    readonly brokenChains: readonly ChainRef[];
}
interface Refusal {
    readonly ok: false;
    readonly status: 400 | 401 | 403 | 429;
    readonly headers: RateLimitFields & {
        readonly 'WWW-Authenticate'?: string;
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
type RevokeRequest = (KeysTarget | (OwnersKeysTarget & AndFreeze)) & ChangeOptions & {
    readonly reason?: string | undefined;
};
interface RotateRequest extends KeyLookup {
    readonly key: KeyReference;
    readonly grace?: string | undefined;
    readonly expires?: string | undefined;
    readonly unfreeze?: boolean | undefined;
    readonly idempotencyKey?: string | undefined;
}
interface RotatedKey {
    readonly key: Key;
    readonly apiKey: string | null;
    readonly changed: 0 | 1;
    readonly previous: readonly OlderSecret[];
    readonly lifetimeCut: LifetimeCut | null;
}
type RowOf<Columns extends readonly ColumnType[]> = {
    readonly [Place in keyof Columns]: ColumnValues[Columns[Place]] | null;
};
interface RuleOptions {
    readonly prefix?: string | undefined;
    readonly secretBytes?: number | undefined;
    readonly defaultExpiry?: string | undefined;
    readonly maxKeysPerOwner?: number | undefined;
    readonly rotationGrace?: string | undefined;
    readonly retention?: string | undefined;
    readonly keyManagement?: boolean | undefined;
}
declare const SCHEMA_STATES: readonly ['missing', 'behind', 'current', 'ahead', 'changed', 'unrecorded'];
declare const STATE_FIELDS: readonly ["tenant_id", "owner_id", "name", "description", "scopes", "limits", "metadata", "expires_at", "lifetime_ms", "revoked_at", "frozen_at", "frozen_until", "current_secret", "secrets", "policy"];
type SchemaState = (typeof SCHEMA_STATES)[number];
interface SchemaStatus {
    readonly state: SchemaState;
    readonly version: number;
    readonly target: number;
    readonly migrations: readonly MigrationStatus[];
}
interface ScopeAnswer {
    readonly key: Key;
    readonly ok: boolean;
    readonly missing: readonly string[];
}
interface ScopeQuestion extends OneKey {
    readonly scopes: readonly string[];
}
interface ScopesRequest extends OneKey {
    readonly set?: readonly string[] | undefined;
    readonly add?: readonly string[] | undefined;
    readonly remove?: readonly string[] | undefined;
}
interface SecretRecord {
    readonly version: number;
    readonly keyPrefix: string;
    readonly createdAt: Date;
    readonly validUntil: Date | null;
    readonly retired: boolean;
}
interface ServerFacts {
    readonly version: string;
    readonly role: string;
    readonly standby: boolean;
    readonly readOnly: boolean;
    readonly encoding: string;
    readonly durable: boolean;
}
interface Session {
    rows<Row>(query: Query<Row>): Promise<Row[]>;
}
type SettingBeyondPolicy = 'defaultExpiry' | 'maxKeysPerOwner' | 'prefix';
type StateField = (typeof STATE_FIELDS)[number];
interface Statement<Columns extends readonly ColumnType[] = readonly ColumnType[]> {
    readonly name: string;
    readonly text: string;
    readonly columns: Columns;
}
type TenantScope = string | undefined;
type TimeExpression = {
    kind: 'duration';
    ms: number;
} | {
    kind: 'at';
    at: Date;
};
type TimeForm = 'duration' | 'day' | 'time' | 'never';
interface Timeouts {
    readonly connect: number;
    readonly lock: number;
    readonly statement: number;
    readonly answer: number;
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
}
interface UpdatedKey {
    readonly key: Key;
    readonly changed: 0 | 1;
    readonly before: Key;
}
interface UsageIncrement {
    readonly requests?: number | undefined;
    readonly spendCents?: number | undefined;
    readonly at?: Date | undefined;
}
interface UsageLine {
    readonly line: number;
    readonly key: string;
    readonly requests: number;
    readonly spendCents: number;
    readonly at: Date | undefined;
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
    readonly limits: readonly LimitUse[];
}
interface UsageRecorderOptions {
    readonly flushInterval?: number;
    readonly batchSize?: number;
    readonly maxPending?: number;
    readonly onError?: (error: ApiKeysError) => void;
}
interface UsageRequest {
    readonly key?: KeyReference | undefined;
    readonly owner?: string | undefined;
    readonly since?: string | undefined;
    readonly until?: string | undefined;
    readonly by?: UsagePeriod | undefined;
    readonly limit?: number | undefined;
}
interface UsageSeries extends UsageTotal {
    readonly keyId: string | null;
    readonly tenantId: string | null;
    readonly ownerId: string | null;
    readonly name: string | null;
    readonly from: string;
    readonly to: string;
    readonly by: UsagePeriod;
    readonly series: readonly UsageOfPeriod[];
    readonly limits: readonly LimitUse[];
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
interface UseOptions {
    readonly evenIfInterrupted?: boolean;
}
declare const VERIFY_CODES: readonly VerifyCode[];
interface Verification {
    readonly valid: boolean;
    readonly code: VerifyCode;
    readonly key: VerifiedKey | null;
    readonly missingScopes: readonly string[];
    readonly oldSecret: boolean;
    readonly retryAfterMs: number | null;
    readonly limits: readonly LimitUse[];
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
interface VerifyAuditRequest {
    readonly heads?: AsyncIterable<string> | undefined;
    readonly chainOnly?: boolean | undefined;
    readonly maxRuntime?: string | undefined;
    readonly cursor?: string | undefined;
}
type VerifyCode = NonNullable<(typeof CHECKS)[number]['code']> | 'VALID';
interface VerifyOptions {
    readonly scopes?: readonly string[] | undefined;
    readonly tenant?: string | undefined;
    readonly ip?: string | undefined;
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
    ERROR_REASONS,
    KEY_STATUSES,
    LIMIT_PERIODS,
    POLICY_RULES,
    VERIFY_CODES,
    checkScope,
    createApiKeys,
    refusalResponse,
};
export type {
    ApiKeys,
    ApiKeysOptions,
    ApplicationPool,
    AppliedGrants,
    AuditAction,
    AuditEvent,
    AuditFilter,
    AuditVerdict,
    Authenticated,
    Authentication,
    BadLine,
    BrokenPlace,
    Budget,
    ChainEnd,
    ChainHead,
    ChainRef,
    ChangeOptions,
    ChangeOver,
    ChangedKeys,
    ChangedLimits,
    ChangedOwner,
    ChangedPolicy,
    ChangingCaller,
    ChangingKeys,
    Check,
    CheckName,
    CheckedFilter,
    Cleaned,
    CleanupProgress,
    CleanupRequest,
    CountOptions,
    CountedLimit,
    CreateRequest,
    CreatedKey,
    DatabaseOptions,
    Diagnosis,
    EndGraceRequest,
    EndedGrace,
    ErrorCode,
    ErrorDetails,
    ErrorReason,
    EventFilter,
    EventListRequest,
    EventPage,
    EventPages,
    EventPosition,
    ExplainOptions,
    Explanation,
    Finding,
    FindingName,
    FindingStatus,
    FollowRequest,
    Following,
    ForeignBinding,
    FreezeOptions,
    FreezeOwnerRequest,
    FreezeRequest,
    GrantRequest,
    HeadLine,
    HeaderedRequest,
    HeadsEnd,
    ImportRequest,
    ImportedUsage,
    Key,
    KeyCandidate,
    KeyDetails,
    KeyFindings,
    KeyImpact,
    KeyLookup,
    KeyPage,
    KeyPages,
    KeyReference,
    KeySort,
    KeyStatus,
    KeyUsage,
    KeyUsageSeries,
    KeysTarget,
    LifetimeCut,
    LimitChanges,
    LimitName,
    LimitOptions,
    LimitPeriod,
    LimitSubject,
    LimitUse,
    Limits,
    LimitsOf,
    LimitsRequest,
    LimitsState,
    LimitsTarget,
    LinkFault,
    ListFilter,
    ListRequest,
    ListedEvent,
    MigrateOptions,
    MigrationStatus,
    NextEvents,
    Observations,
    OlderSecret,
    Owner,
    OwnerFreeze,
    OwnerRef,
    OwnersKeysTarget,
    Policy,
    PolicyRequest,
    PolicyRule,
    PolicyView,
    Profile,
    Quota,
    Rate,
    RateLimitFields,
    RawKey,
    ReadingKeys,
    Refusal,
    RefusalCode,
    RequestHeaders,
    Reveal,
    RevokeRequest,
    RotateRequest,
    RotatedKey,
    RuleOptions,
    SchemaStatus,
    ScopeAnswer,
    ScopeQuestion,
    ScopesRequest,
    SecretRecord,
    ServerFacts,
    StateField,
    UnfreezeOwnerRequest,
    UnfreezeRequest,
    UpdateRequest,
    UpdatedKey,
    UsageIncrement,
    UsageLine,
    UsageOfPeriod,
    UsageOptions,
    UsagePeriod,
    UsageRanking,
    UsageRequest,
    UsageSeries,
    UsageState,
    UsageTotal,
    Verification,
    VerifiedKey,
    VerifyAuditRequest,
    VerifyCode,
    VerifyOptions,
};
