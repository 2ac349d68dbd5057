import { isUnstorable } from '../../db/refusals.js';
import { ApiKeysError } from '../../errors.js';
import { retold, withoutChange } from '../retold.js';

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
  if (!(error instanceof ApiKeysError)) return error;
  const message = withoutChange(error.message);
  return message === error.message ? error : retold(error, message);
}

/** A filter with a text that the database cannot store fits nothing. */
export async function orNothing<T>(found: Promise<T>, nothing: T): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (isUnstorable(error)) return nothing;
    throw error;
  }
}

/** The same for what is read page by page. */
export async function* pagesOrNone<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (error) {
    if (!isUnstorable(error)) throw error;
  }
}
