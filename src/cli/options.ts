import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';
import { CliError } from './cli-error.js';
import type { GlobalOptions } from './context.js';

/** Gathers an option that may be given more than once. */
export const collect = (value: string, all: string[] | undefined): string[] => [...(all ?? []), value];

/** Reads a whole number; the service says which are allowed. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ApiKeysError('INVALID_INPUT', `${quote(text)} is not a whole number`);
}

/** For a command that has no rehearsal: `--dry-run` would be a global option that does nothing, and the change is made. */
export function refuseDryRun({ dryRun }: GlobalOptions, command: string): void {
  if (!dryRun) return;
  throw new CliError('INVALID_USAGE', `${command} has no --dry-run; nothing was changed`, {
    hint: 'Leave it out to make the change.',
  });
}

/** The options that the program itself declares, wherever on the line they stood. */
export function globalsOf(command: { optsWithGlobals(): unknown }): GlobalOptions {
  return command.optsWithGlobals() as GlobalOptions;
}
