/**
 * Every way an operation can fail, by its stable code. Scripts and applications branch on the code;
 * the message and the hint are for people and may change.
 */
export const ERROR_CODES = [
  // What was asked is wrong.
  'INVALID_USAGE',
  'INVALID_INPUT',
  'INVALID_CONFIG',
  'SECRET_IN_ARGUMENT',
  'CONFIRMATION_REQUIRED',
  'NOT_CONFIRMED',
  'NO_DATABASE',
  'EMBEDDED_NOT_INSTALLED',
  // What was named does not exist.
  'KEY_NOT_FOUND',
  'OWNER_NOT_FOUND',
  'ROLE_NOT_FOUND',
  // The state of things forbids it.
  'LIMIT_REACHED',
  'OWNER_FROZEN',
  'KEY_AMBIGUOUS',
  'OWNER_AMBIGUOUS',
  'KEY_REVOKED',
  'KEY_FROZEN',
  'TOO_MANY_SECRETS',
  'SECRET_NOT_AVAILABLE',
  'IDEMPOTENCY_CONFLICT',
  'AUDIT_CHAIN_BROKEN',
  'FEATURE_DISABLED',
  // The database did not answer, and nothing was changed.
  'DATABASE_UNREACHABLE',
  'DATABASE_TIMEOUT',
  'DATABASE_BUSY',
  'DATABASE_READ_ONLY',
  'EMBEDDED_LOCKED',
  // The schema is not the one this version works with.
  'SCHEMA_MISSING',
  'SCHEMA_BEHIND',
  'SCHEMA_AHEAD',
  'SCHEMA_CHANGED',
  'SCHEMA_UNRECORDED',
  // A change was sent and the answer never came.
  'OUTCOME_UNKNOWN',
  // The database found its own data damaged.
  'DATABASE_DAMAGED',
  // The database refused.
  'LOGIN_REFUSED',
  'PERMISSION_DENIED',
  // The process itself.
  'OUTPUT_FAILED',
  'INTERRUPTED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorContext {
  /** What to do next, as one sentence. */
  readonly hint?: string;
  /** The database's five-character SQLSTATE. Its text and detail are never kept: they can hold a hash. */
  readonly sqlState?: string | undefined;
}

/** The only error that the service layer and the library throw on purpose. */
export class ApiKeysError extends Error {
  override readonly name = 'ApiKeysError';
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly sqlState: string | null;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message);
    this.code = code;
    this.hint = context.hint ?? null;
    this.sqlState = context.sqlState ?? null;
  }
}
