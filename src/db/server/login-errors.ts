import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError, type ErrorCode } from '../../errors.js';
import { databaseError, routineOf, sqlStateOf } from '../pg-errors.js';

/** Who wanted to log in where. */
export interface LoginFacts {
  readonly role: string;
  readonly database: string;
}

interface Answer {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason?: ErrorReason;
}

const refused = (message: string, reason: ErrorReason = 'connection_refused'): Answer => ({
  code: 'LOGIN_REFUSED',
  message,
  reason,
});

/** What a server or a pooler says before any statement was sent; everything else means there what it means anywhere. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  '08004': refused('the server, or its pooler, refused the login'),
  '08P01': refused('the server, or its pooler, refused the login'),
  '0A000': refused('the server, or its pooler, does not support what this login asks for'),
  '22023': refused('the server refused a setting that the login begins with', 'login_options'),
  '42704': refused('the server does not know something that the login begins with', 'login_options'),
  '55000': refused('the database of that name takes no connections', 'no_connections'),
  XX000: refused('the server, or its pooler, refused the login: it may not know the user or the database'),
};

/** Poolers have no codes of their own for these, and say them in English. */
const BUSY =
  /too many|no more connections|max(imum)?[ _-]?(db[ _-]?)?(client|connection)|query_wait_timeout|pool.*(full|exhausted)/i;
const AWAY =
  /try again|can ?not connect|could not connect|server (login|conn|is)|shut(ting)? ?down|starting|pause|unavailable/i;

/** Says in our words why a login was refused; undefined: no server said so. */
export function loginError(error: unknown, facts?: LoginFacts): ApiKeysError | undefined {
  const sqlState = sqlStateOf(error);
  if (sqlState === undefined || !(error instanceof Error)) return undefined;
  const answer = answerTo(sqlState, error);
  if (answer !== undefined) {
    const { code, message, reason } = answer;
    return new ApiKeysError(code, `${message} (SQLSTATE ${sqlState})`, {
      details: { ...(reason && { reason }), ...facts },
      sqlState,
    });
  }
  const known = databaseError(error);
  if (known.code !== 'INTERNAL') return known;
  return new ApiKeysError('LOGIN_REFUSED', `the server refused the connection (SQLSTATE ${sqlState})`, {
    details: { reason: 'connection_refused' },
    sqlState,
  });
}

function answerTo(sqlState: string, error: Error): Answer | undefined {
  if (sqlState === '42501') {
    return routineOf(error) === 'CheckMyDatabase'
      ? refused('the role may not connect to the database', 'no_connect')
      : refused('the role may not set what the login begins with', 'login_options');
  }
  if (sqlState.startsWith('08') || sqlState === 'XX000' || sqlState === '53400') {
    if (BUSY.test(error.message))
      return { code: 'DATABASE_BUSY', message: 'the server, or its pooler, has no connection to spare' };
    if (AWAY.test(error.message))
      return { code: 'DATABASE_UNREACHABLE', message: 'the pooler does not reach the database' };
  }
  return ANSWERS[sqlState];
}
