import { ApiKeysError, type ErrorCode, type ErrorContext } from '../errors.js';

/** An error that the command line finds by itself, in words of flags and files: it brings its own hint. */
export class CliError extends ApiKeysError {
  /** What to do next, as one sentence. */
  readonly hint: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    { hint = null, ...context }: ErrorContext & { readonly hint?: string | null } = {},
  ) {
    super(code, message, context);
    this.hint = hint;
  }
}
