import type { ErrorReason } from '../error-details.js';
import { ApiKeysError, type ErrorCode } from '../errors.js';

/** The connection ended, or no answer came in time: whatever was sent may or may not have been carried out. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly timedOut: boolean;
  constructor(timedOut: boolean) {
    super(timedOut ? 'no answer came in time' : 'the connection was lost');
    this.timedOut = timedOut;
  }
}

/** The connection is in a transaction that is not ours, so that it is good for nothing: as lost as any other. */
export class TransactionLeftOpen extends ConnectionLost {
  constructor() {
    super(false);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** The SQLSTATE of a server's answer; undefined for everything else. PGlite's errors are no DatabaseError, so only the shape counts. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!isObject(error) || typeof error.code !== 'string' || !('severity' in error)) return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** The name of the constraint that was violated, if the server named one. */
export function constraintOf(error: unknown): string | undefined {
  return isObject(error) && typeof error.constraint === 'string' ? error.constraint : undefined;
}

/** The server's function that refused: unlike its text, it is the same in every language. */
export function routineOf(error: unknown): string | undefined {
  return isObject(error) && typeof error.routine === 'string' ? error.routine : undefined;
}

/** Serialization failure, deadlock, a lost preparation: the transaction did nothing and may succeed when run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '40001' || state === '40P01' || isUnprepared(error);
}

/** No prepared statement of that name; one of that name already; one that a migration has made unfit. */
export const isUnprepared = (error: unknown): boolean =>
  ['26000', '42P05'].includes(sqlStateOf(error) ?? '') || isUnfitPlan(error);

/** "Cached plan must not change result type", which shares its SQLSTATE with whatever else a server does not support. */
const isUnfitPlan = (error: unknown): boolean =>
  sqlStateOf(error) === '0A000' && routineOf(error) === 'RevalidateCachedQuery';

/** The server ended this session (shutdown, crash of a neighbour, idle in transaction): nothing more will be answered on it. */
function isSessionEnd(state: string): boolean {
  return ['57P01', '57P02', '57P05', '25P03', '25P04'].includes(state) || state.startsWith('08');
}

/** Tells a lost connection from a server's answer that leaves the connection usable. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return error instanceof ConnectionLost || (state !== undefined && isSessionEnd(state));
}

interface Answer {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason?: ErrorReason;
}

const DAMAGED: Answer = {
  code: 'DATABASE_DAMAGED',
  message: 'the database found its own data damaged while it read what this needs; nothing was changed',
};

const SCHEMA_LACKING: Answer = {
  code: 'SCHEMA_MISSING',
  message: "the database lacks a part of the schema 'apikeys' that this version works with",
  reason: 'part_missing',
};

const ANSWERS: Readonly<Record<string, Answer>> = {
  '28P01': {
    code: 'LOGIN_REFUSED',
    message: 'the database refused the login: wrong user or password',
    reason: 'wrong_password',
  },
  '28000': {
    code: 'LOGIN_REFUSED',
    message: 'the database refused the login for this user, host or encryption',
    reason: 'host_refused',
  },
  '3D000': {
    code: 'LOGIN_REFUSED',
    message: 'the server has no database of that name',
    reason: 'no_database',
  },
  '42501': {
    code: 'PERMISSION_DENIED',
    message: 'the database role in use lacks a privilege that this needs; nothing was changed',
  },
  '55P03': {
    code: 'DATABASE_BUSY',
    message: 'another session holds a lock that this had to wait for too long',
  },
  '57014': { code: 'DATABASE_TIMEOUT', message: 'the database took too long to answer' },
  '25P03': { code: 'DATABASE_TIMEOUT', message: 'the transaction stood idle for too long' },
  '40001': { code: 'DATABASE_BUSY', message: 'too many sessions changed the same rows at once' },
  '40P01': { code: 'DATABASE_BUSY', message: 'sessions kept waiting for one another' },
  '53300': { code: 'DATABASE_BUSY', message: 'the database has no connection to spare' },
  '53200': { code: 'DATABASE_BUSY', message: 'the database is out of memory' },
  '53100': {
    code: 'DATABASE_BUSY',
    message: "the database's disk is full; nothing was changed",
    reason: 'disk_full',
  },
  '57P03': {
    code: 'DATABASE_UNREACHABLE',
    message: 'the database is starting up or shutting down',
  },
  '25006': {
    code: 'DATABASE_READ_ONLY',
    message: 'the database, or the role in use there, is read-only; nothing was changed',
  },
  XX001: DAMAGED,
  XX002: DAMAGED,
  '3F000': SCHEMA_LACKING,
  '42P01': SCHEMA_LACKING,
  '42703': SCHEMA_LACKING,
};

/**
 * Says in our words what the database answered. The driver's text and detail are dropped: they can hold a
 * parameter, and with it a hash. An {@link ApiKeysError} is passed through.
 */
export function databaseError(error: unknown): ApiKeysError {
  if (error instanceof ApiKeysError) return error;
  const sqlState = sqlStateOf(error);
  const answer = sqlState === undefined ? undefined : ANSWERS[sqlState];
  if (answer !== undefined)
    return new ApiKeysError(answer.code, answer.message, { details: reasonOf(answer), sqlState });
  if (isConnectionLost(error)) {
    return error instanceof ConnectionLost && error.timedOut
      ? new ApiKeysError('DATABASE_TIMEOUT', 'the database did not answer in time', { sqlState })
      : new ApiKeysError('DATABASE_UNREACHABLE', 'the connection to the database was lost', {
          sqlState,
        });
  }
  if (sqlState === '0A000' && routineOf(error) === 'GetSerializableTransactionSnapshot') {
    return new ApiKeysError(
      'DATABASE_READ_ONLY',
      'the server is a standby, and none for a role whose default isolation is serializable; nothing was changed',
      { sqlState },
    );
  }
  if (isPlaceTaken(error)) return brokenChainError(sqlState);
  if (sqlState !== undefined) {
    return new ApiKeysError(
      'INTERNAL',
      `the database refused a statement (SQLSTATE ${sqlState}); nothing was changed`,
      { details: { reason: 'statement_refused' }, sqlState },
    );
  }
  return internalError(error);
}

const reasonOf = ({ reason }: Answer) => (reason === undefined ? {} : { reason });

/** An audit event stands where the next one of its chain belongs: nothing of ours put it there. */
export const isPlaceTaken = (error: unknown): boolean =>
  sqlStateOf(error) === '23505' && /^audit_events_(key|owner)_chain_idx$/.test(constraintOf(error) ?? '');

/** Refuses a change whose event has no place in its chain. */
export const brokenChainError = (sqlState?: string): ApiKeysError =>
  new ApiKeysError(
    'AUDIT_CHAIN_BROKEN',
    'the audit trail of this key or owner is broken: its last event is not the one that is stored as its head; nothing was changed',
    { sqlState },
  );

/** Someone asked this process to end before anything was committed. */
export const interrupted = (): ApiKeysError =>
  new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');

/** Policies decide which rows of these tables the role in use sees: part of the keys would be as good as none. */
export const rowsGuarded = (tables: readonly string[], sqlState?: string): ApiKeysError =>
  new ApiKeysError(
    'PERMISSION_DENIED',
    `row level security of ${tables.map((table) => `apikeys.${table}`).join(', ')} binds the database role in use; nothing was changed`,
    { details: { reason: 'row_security', tables }, sqlState },
  );

/** What is left when no one foresaw it: the class of the error and its stack, never its text. */
function internalError(error: unknown): ApiKeysError {
  const kind = error instanceof Error ? error.name : typeof error;
  const wrapped = new ApiKeysError(
    'INTERNAL',
    `an unexpected ${kind} stopped the work; nothing was changed`,
    { details: { reason: 'unexpected' } },
  );
  const frames =
    error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : undefined;
  if (frames?.length) wrapped.stack = [`${wrapped.name}: ${wrapped.message}`, ...frames].join('\n');
  return wrapped;
}
