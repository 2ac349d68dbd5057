import type { ErrorCode } from '../errors.js';

/** What a script can tell from the exit status; the numbers never change. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  no: 5,
  unavailable: 6,
  schema: 7,
  unknownOutcome: 8,
  refused: 9,
  interrupted: 130,
  terminated: 143,
} as const;

const EXIT_OF: Readonly<Record<ErrorCode, number>> = {
  INVALID_USAGE: EXIT.usage,
  INVALID_INPUT: EXIT.usage,
  INVALID_CONFIG: EXIT.usage,
  SECRET_IN_ARGUMENT: EXIT.usage,
  CONFIRMATION_REQUIRED: EXIT.usage,
  NO_DATABASE: EXIT.usage,
  EMBEDDED_NOT_INSTALLED: EXIT.usage,
  KEY_NOT_FOUND: EXIT.notFound,
  OWNER_NOT_FOUND: EXIT.notFound,
  LIMIT_REACHED: EXIT.conflict,
  OWNER_FROZEN: EXIT.conflict,
  KEY_AMBIGUOUS: EXIT.conflict,
  FEATURE_DISABLED: EXIT.conflict,
  NOT_CONFIRMED: EXIT.usage,
  DATABASE_UNREACHABLE: EXIT.unavailable,
  DATABASE_TIMEOUT: EXIT.unavailable,
  DATABASE_BUSY: EXIT.unavailable,
  DATABASE_READ_ONLY: EXIT.unavailable,
  EMBEDDED_LOCKED: EXIT.unavailable,
  SCHEMA_MISSING: EXIT.schema,
  SCHEMA_BEHIND: EXIT.schema,
  SCHEMA_AHEAD: EXIT.schema,
  SCHEMA_CHANGED: EXIT.schema,
  OUTCOME_UNKNOWN: EXIT.unknownOutcome,
  LOGIN_REFUSED: EXIT.refused,
  PERMISSION_DENIED: EXIT.refused,
  OUTPUT_FAILED: EXIT.unexpected,
  INTERRUPTED: EXIT.interrupted,
  INTERNAL: EXIT.unexpected,
};

export const exitCodeOf = (code: ErrorCode): number => EXIT_OF[code];
