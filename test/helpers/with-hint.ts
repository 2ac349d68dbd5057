import { hintOf } from '../../src/cli/hints.js';
import { ApiKeysError } from '../../src/errors.js';

/** The same promise; an error that it rejects with also has the hint that the command line would show. */
export async function withHint(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof ApiKeysError ? Object.assign(error, { hint: hintOf(error) }) : error;
  }
}
