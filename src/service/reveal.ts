import { ApiKeysError } from '../errors.js';

/** How long a secret may take to be written out, in milliseconds: its transaction holds a lock meanwhile. */
export const REVEAL_TIMEOUT = 10_000;

/**
 * Runs a transaction that shows a new secret before it commits. A transaction that is run again shows it once.
 * If the commit fails after the secret was shown, the error says what became of it.
 */
export async function revealThenCommit<T>(
  reveal: (made: T) => Promise<void>,
  commit: (revealOnce: (made: T) => Promise<void>) => Promise<T>,
): Promise<T> {
  let revealed = false;
  try {
    return await commit(async (made) => {
      if (revealed) return;
      await reveal(made);
      revealed = true;
    });
  } catch (error) {
    throw revealed && error instanceof ApiKeysError ? afterReveal(error) : error;
  }
}

function afterReveal(error: ApiKeysError): ApiKeysError {
  const [fate, hint] =
    error.code === 'OUTCOME_UNKNOWN'
      ? [
          'the key that was shown may or may not work',
          'Look with `apikeys show <its prefix>` before you use it or try again.',
        ]
      : ['the key that was shown is dead: it was not stored', 'Throw it away and try again.'];
  return new ApiKeysError(error.code, `${error.message}; ${fate}`, {
    hint,
    sqlState: error.sqlState ?? undefined,
  });
}
