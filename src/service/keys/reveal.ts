import { ApiKeysError } from '../../errors.js';

/**
 * How long a transaction may stand idle while its secret is written out, in milliseconds: a little more than the 10
 * seconds that the writing may take.
 */
export const REVEAL_IDLE = 12_000;

/**
 * Runs a transaction that shows a new secret before it commits. A transaction that is run again shows it once.
 * If the commit fails after the secret was shown, the error says what became of it.
 */
export async function revealThenCommit<Secret, Made>(
  reveal: (made: Secret) => Promise<void>,
  commit: (revealOnce: (made: Secret) => Promise<void>) => Promise<Made>,
): Promise<Made> {
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
