import { expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { databaseError, isRetryable } from '../../../src/db/pg-errors.js';

/** As the server answers, with a text that may hold anything. */
const answer = (code: string, routine?: string) =>
  Object.assign(new Error('invalid page in block 7 of relation base/5/16384'), {
    code,
    severity: 'ERROR',
    routine,
  });

test.each(['XX001', 'XX002'])(
  'damaged data (%s) is told in plain words, and is no defect of ours',
  (code) => {
    const error = databaseError(answer(code));
    expect(error).toMatchObject({ code: 'DATABASE_DAMAGED', sqlState: code });
    expect(`${error.message} ${hintOf(error)}`).not.toMatch(/defect|16384/);
    expect(hintOf(error)).toContain('backup');
  },
);

test('only a plan that a migration made unfit is tried again, and not all that a server does not support', () => {
  expect(isRetryable(answer('0A000', 'RevalidateCachedQuery'))).toBe(true);
  expect(isRetryable(answer('0A000', 'check_transaction_read_only'))).toBe(false);
});
