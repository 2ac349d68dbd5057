import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';
import type { GlobalOptions } from './context.js';

/** Gathers an option that may be given more than once. */
export const collect = (value: string, all: string[] | undefined): string[] => [...(all ?? []), value];

/** Reads a whole number; the service says which are allowed. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ApiKeysError('INVALID_INPUT', `${quote(text)} is not a whole number`);
}

/** The options that the program itself declares, wherever on the line they stood. */
export function globalsOf(command: { optsWithGlobals(): unknown }): GlobalOptions {
  return command.optsWithGlobals() as GlobalOptions;
}
