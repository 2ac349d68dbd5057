import { quote } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';

const MOST = 999_999_999;

/** Reads a whole number; the service says which are allowed. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (/^\d+$/.test(text)) {
    throw new ApiKeysError('INVALID_INPUT', `${quote(text)} is too large: ${MOST} is the most at a time`);
  }
  throw new ApiKeysError('INVALID_INPUT', `${quote(text)} is not a whole number`);
}
