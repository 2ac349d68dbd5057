import { expect } from 'vitest';
import { ApiKeysError } from '../../../src/errors.js';

/** What `work` refuses its input with; fails if it does not, or throws anything but `INVALID_INPUT`. */
export function refused(work: () => unknown): ApiKeysError {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    expect(error.code).toBe('INVALID_INPUT');
    return error;
  }
  throw new Error('it was accepted');
}

/** True if `work` accepts its input, false if it refuses with `INVALID_INPUT`; anything else is thrown. */
export function accepts(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof ApiKeysError && error.code === 'INVALID_INPUT') return false;
    throw error;
  }
}

/** The processor's time that `work` takes, in milliseconds: the least of five runs, so that other programs do not count. */
export function timeOf(work: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    accepts(work);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}
