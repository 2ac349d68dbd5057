import { ApiKeysError } from '../../errors.js';

/** What is said of a change that failed has no place where nothing was to be changed. */
const OF_CHANGES = /; nothing was changed$/;

/** Ends with the same, and says nothing of a change that nobody asked for. */
export async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw ofReading(error);
  }
}

/** The same for what is read page by page. */
export async function* readingPages<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (error) {
    throw ofReading(error);
  }
}

function ofReading(error: unknown): unknown {
  if (!(error instanceof ApiKeysError) || !OF_CHANGES.test(error.message)) return error;
  const { code, message, details, sqlState, stack } = error;
  const told = new ApiKeysError(code, message.replace(OF_CHANGES, ''), {
    details,
    sqlState: sqlState ?? undefined,
    cause: error.cause,
  });
  if (stack !== undefined) told.stack = stack.replace(message, told.message);
  return told;
}
