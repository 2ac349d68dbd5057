import { quote } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';

/** Reads a whole number; the service says which are allowed. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ApiKeysError('INVALID_INPUT', `${quote(text)} is not a whole number`);
}
