import type { ErrorDetails } from '../error-details.js';
import { ApiKeysError } from '../errors.js';

/** The same error in other words; `more` is known beside its details. It still says where it came from. */
export function retold(error: ApiKeysError, message: string, more: ErrorDetails = {}): ApiKeysError {
  const { code, details, sqlState, stack } = error;
  const told = new ApiKeysError(code, message, {
    details: { ...details, ...more },
    sqlState: sqlState ?? undefined,
    cause: error.cause,
  });
  if (stack !== undefined) told.stack = stack.replace(error.message, message);
  return told;
}

/** What an error says, but for what it says of a change. */
export const withoutChange = (message: string): string => message.replace(/; nothing was changed$/, '');
