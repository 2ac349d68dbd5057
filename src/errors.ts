import type { ErrorDetails } from './error-details.js';

/**
 * Every way an operation can fail, by its stable code. Scripts and applications branch on the code;
 * the message is for people and may change.
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
  'POLICY_VIOLATION',
  'OWNER_FROZEN',
  'KEY_AMBIGUOUS',
  'OWNER_AMBIGUOUS',
  'KEY_REVOKED',
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
  /** What the error knows, for programs; see {@link ErrorDetails}. */
  readonly details?: ErrorDetails;
  /** The database's five-character SQLSTATE. Its text and detail are never kept: they can hold a hash. */
  readonly sqlState?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The only error that the service layer and the library throw on purpose. What to do next depends on the face that
 * shows it (a flag, an option, a field of a form), so each face has its words for that, by code and reason.
 */
export class ApiKeysError extends Error {
  override readonly name: string = 'ApiKeysError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly sqlState: string | null;

  constructor(code: ErrorCode, message: string, { details = {}, sqlState, cause }: ErrorContext = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.sqlState = sqlState ?? null;
  }
}

/** Something that cannot be, unless this program has a defect. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** Throws a {@link BugError} unless it is so. */
export function invariant(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new BugError(otherwise);
}
