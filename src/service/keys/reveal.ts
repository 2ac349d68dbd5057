import { ApiKeysError } from '../../errors.js';
import { retold } from '../retold.js';

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
  const shown = error.code === 'OUTCOME_UNKNOWN' ? 'unknown' : 'dead';
  return retold(error, `${error.message}; ${FATES[shown]}`, { shown });
}

const FATES = {
  dead: 'the key that was shown is dead: it was not stored',
  unknown: 'the key that was shown may or may not work',
} as const;
