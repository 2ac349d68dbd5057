import type { ErrorJson } from './schemas/error.js';

/** What every face answers when something failed; `more` is what a face adds for whoever looks for the cause. */
export const errorJson = <More extends object>(
  { code, message, hint }: ErrorJson['error'],
  more: More,
): { readonly error: ErrorJson['error'] & More } => ({ error: { code, message, hint, ...more } });
