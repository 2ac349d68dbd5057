import { describe, expect, test } from 'vitest';
import { deriveStatus, isFrozenAt, KEY_STATUSES } from '../../../src/domain/key.js';

const now = new Date('2030-01-31T12:00:00.000Z');
const before = new Date(now.getTime() - 1);
const after = new Date(now.getTime() + 1);

describe('isFrozenAt', () => {
  test.each([
    [null, null, false],
    [before, null, true],
    [before, after, true],
    [before, now, false],
    [before, before, false],
    // A clock that stepped back does not lift a freeze.
    [after, null, true],
    [null, after, false],
    // What cannot be read lifts no freeze.
    [before, new Date(Number.NaN), true],
    [new Date(Number.NaN), null, true],
  ])('frozen at %o until %o: %s', (frozenAt, frozenUntil, frozen) => {
    expect(isFrozenAt({ frozenAt, frozenUntil }, now)).toBe(frozen);
  });
});

describe('deriveStatus', () => {
  test.each([
    [null, false, null, 'active'],
    [null, false, after, 'active'],
    [null, false, now, 'expired'],
    [null, false, before, 'expired'],
    [null, true, null, 'frozen'],
    [null, true, before, 'frozen'],
    [before, false, null, 'revoked'],
    [before, true, before, 'revoked'],
    // A clock that stepped back does not revive a key.
    [after, false, null, 'revoked'],
    // What cannot be read is not alive.
    [null, false, new Date(Number.NaN), 'expired'],
  ])('revoked at %o, frozen %s, expires at %o: %s', (revokedAt, frozen, expiresAt, status) => {
    expect(deriveStatus({ revokedAt, frozen, expiresAt }, now)).toBe(status);
    expect(KEY_STATUSES).toContain(status);
  });
});
