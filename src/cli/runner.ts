import type { Context } from './context.js';
import type { GlobalOptions } from './global-options.js';

/** Runs a command's action with the context that its global options make. */
export type Runner = (
  options: GlobalOptions,
  action: (context: Context) => Promise<number | undefined>,
) => Promise<void>;
