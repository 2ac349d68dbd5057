import { quote } from '../../domain/quote.js';
import { CliError } from '../cli-error.js';

/** Reads a whole number; the service says which are allowed. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const what = /^\d+$/.test(text) ? 'too large' : 'not a whole number';
  throw new CliError('INVALID_INPUT', `${quote(text)} is ${what}`, {
    hint: 'Write digits alone, at most nine of them.',
  });
}
