import { ApiKeysError } from '../errors.js';

export interface CountOptions {
  /** Counting ends there, as where a number is shown beside a page: whoever gets it knows of that many, or more. */
  readonly most?: number | undefined;
}

/** Throws `INVALID_INPUT`. */
export function requireMost(most: number | undefined): void {
  if (most === undefined || (Number.isSafeInteger(most) && most >= 1)) return;
  throw new ApiKeysError('INVALID_INPUT', 'a count ends at a whole number from 1 on');
}
