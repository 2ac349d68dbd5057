/**
 * Why it was refused or failed, where the code alone does not say what to do about it. Stable, as codes are; a code that
 * stands for one thing has no reason.
 */
export const ERROR_REASONS = [
  // INVALID_INPUT: a text.
  'empty',
  'white_space',
  'too_long',
  'unsafe_character',
  'contains_secret',
  'name_taken',
  'reference_empty',
  'reference_character',
  'no_key_in_text',
  'several_keys_in_text',
  'prefix',
  'scope',
  'metadata_key',
  'metadata_value',
  'metadata_size',
  'encoding',
  // INVALID_INPUT: a time.
  'duration',
  'time',
  'expiry_past',
  'freeze_past',
  'freeze_zero',
  'range_reversed',
  // INVALID_INPUT: a limit.
  'rate',
  'quota',
  'budget',
  'limit_zero',
  'address',
  // INVALID_INPUT: a policy.
  'policy_lifetime',
  'policy_empty',
  // INVALID_INPUT: a list or its pages.
  'page_size',
  'batch_size',
  'cursor',
  'cursor_of_other_order',
  'cursor_of_other_list',
  'cursor_of_other_verification',
  'unknown_action',
  // INVALID_INPUT: usage and heads.
  'usage',
  'import_line',
  'import_of_other_input',
  'heads_damaged',
  // INVALID_INPUT: a role.
  'role_reserved',
  'role_unbound',
  // IDEMPOTENCY_CONFLICT.
  'other_rotation',
  // KEY_NOT_FOUND.
  'no_events',
  'key_cut',
  'key_mistyped',
  // INVALID_CONFIG.
  'database_url',
  'url_parameter',
  'libpq_variable',
  'service',
  'file_unreadable',
  'folder_unusable',
  'folder_of_other_user',
  'folder_of_other_version',
  'folder_not_empty',
  // DATABASE_UNREACHABLE, DATABASE_TIMEOUT, DATABASE_READ_ONLY.
  'connect',
  'no_tls',
  'certificate',
  'certificate_name',
  'certificate_time',
  'no_host',
  'closed',
  'commit_lost',
  'folder_failed',
  'files_damaged',
  // DATABASE_BUSY.
  'pool_exhausted',
  'disk_full',
  'host_disk_full',
  'host_memory',
  'embedded_busy',
  // EMBEDDED_LOCKED.
  'lock_unreadable',
  'holder_unseen',
  'holder_alive',
  'lock_lost',
  // LOGIN_REFUSED.
  'wrong_password',
  'host_refused',
  'no_database',
  'no_password',
  'connection_refused',
  'login_options',
  'no_connections',
  'no_connect',
  'no_binding',
  'password_file_kind',
  'password_file_mode',
  'password_file_size',
  // PERMISSION_DENIED.
  'not_grantable',
  'audit_not_deletable',
  'no_create',
  'row_security',
  // SCHEMA_MISSING.
  'part_missing',
  // INTERNAL.
  'statement_refused',
  'unexpected',
] as const;

export type ErrorReason = (typeof ERROR_REASONS)[number];

/** What a policy may rule, by the names of its JSON. */
export const POLICY_RULES = ['max_lifetime', 'require_expiry', 'max_keys', 'scopes', 'prefixes'] as const;

export type PolicyRule = (typeof POLICY_RULES)[number];

/** A way to write a time, or how long something lasts. */
export type TimeForm = 'duration' | 'day' | 'time' | 'never';

/**
 * What an error knows beyond its message. Which facts there are depends on the code and the reason. None is a secret; a
 * text from outside is as it was given, but for what may be part of one.
 */
export interface ErrorDetails {
  readonly reason?: ErrorReason;
  /** `POLICY_VIOLATION`: the rule, and what it allows: a duration such as `30d`, a number, or all that may be given. */
  readonly rule?: PolicyRule;
  readonly allowed?: string | number | readonly string[];
  /** `POLICY_VIOLATION`: of several that were asked for, those that it does not allow. */
  readonly refused?: readonly string[];
  /** `duration`, `time`: what could be written there. */
  readonly forms?: readonly TimeForm[];
  /** `LIMIT_REACHED`: the owner's limit, and its live keys. Of keys per owner, `POLICY_VIOLATION` has `live`, too. */
  readonly limit?: number;
  readonly live?: number;
  /** `LIMIT_REACHED`, `POLICY_VIOLATION`, `OWNER_FROZEN`, `OWNER_NOT_FOUND`, `OWNER_AMBIGUOUS`. */
  readonly owner?: string;
  readonly tenant?: string;
  /** `OWNER_AMBIGUOUS`: the first tenants that have one. */
  readonly tenants?: readonly string[];
  /** `KEY_AMBIGUOUS`: the name that is meant, and the first keys it fits. */
  readonly reference?: string;
  readonly candidates?: readonly KeyCandidate[];
  /** `KEY_AMBIGUOUS`: there are more candidates than these. */
  readonly more?: boolean;
  /** `KEY_NOT_FOUND`; of a raw key its key prefix. */
  readonly references?: readonly string[];
  /** `SECRET_IN_ARGUMENT`, `key_cut`, `key_mistyped`: what names the key without repeating it. */
  readonly keyPrefix?: string;
  /** The key that is revoked, has too many secrets, or was made with this idempotency key. */
  readonly key?: string;
  /** `TOO_MANY_SECRETS`: how many are valid. */
  readonly older?: number;
  /** The most that there may be: secrets of a key, rows of a page, keys of a batch. */
  readonly most?: number;
  /** `batch_size`: what suits most. */
  readonly usual?: number;
  /** `unknown_action`: what there is. */
  readonly known?: readonly string[];
  /** `import_line`: its number, and whether running the import again counts the lines before it once. */
  readonly line?: number;
  readonly repeatable?: boolean;
  readonly role?: string;
  /** `PERMISSION_DENIED`: what a privilege is lacking on, such as `table apikeys.keys`, and who may grant it. */
  readonly object?: string;
  readonly schemaOwner?: string;
  /** `encoding`: that of the database. */
  readonly encoding?: string;
  /** `row_security`: the tables that have it. */
  readonly tables?: readonly string[];
  /** The database that the role wanted to log in to. */
  readonly database?: string;
  /** `libpq_variable`. */
  readonly variable?: string;
  /** The file or folder that it is about. */
  readonly path?: string;
  /** `holder_alive`: whether its lock was to be broken. */
  readonly breakLock?: boolean;
  /** `SCHEMA_BEHIND`, `SCHEMA_AHEAD`: the last migration that the database has, and the last that this version knows. */
  readonly version?: number;
  readonly target?: number;
  /** What a cleanup had deleted by then. */
  readonly deleted?: {
    readonly keys: number;
    readonly secrets: number;
    readonly usageDays: number;
    readonly events: number;
  };
  /** What a verification of the trail had checked by then, and where it can go on. */
  readonly checked?: {
    readonly chains: number;
    readonly events: number;
    readonly brokenCount: number;
    readonly cursor: string;
  };
  /** A new secret was shown by then, and what became of it. */
  readonly shown?: 'dead' | 'unknown';
}

export interface KeyCandidate {
  readonly id: string;
  readonly keyPrefix: string;
  readonly name: string;
  readonly owner: string;
  readonly tenant: string;
  readonly status: string;
  /** Null: not known any more. */
  readonly createdAt: Date | null;
  /** Null: never. */
  readonly lastUsedAt: Date | null;
}
