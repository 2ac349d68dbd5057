import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verify } from '../../../src/cli/commands/verify.js';
import { CHECKS, VERIFY_CODES, verifyCodeOf } from '../../../src/domain/verification.js';

const now = new Date('2030-01-31T12:00:00.000Z');
const before = new Date(now.getTime() - 1);
const after = new Date(now.getTime() + 1);

const key = { tenantId: 'acme', scopes: ['read'], expiresAt: null };
const valid = { now, revokedAt: null, frozen: false, validUntil: null, key };

describe('the state of a secret', () => {
  test.each([
    [null, false, null, null, 'VALID'],
    [null, false, after, after, 'VALID'],
    [null, false, null, now, 'EXPIRED'],
    [null, false, after, before, 'EXPIRED'],
    [null, false, now, null, 'RETIRED'],
    [null, false, before, before, 'RETIRED'],
    [null, true, before, before, 'FROZEN'],
    [before, true, before, before, 'REVOKED'],
    // A clock that stepped back does not revive a key.
    [after, false, null, null, 'REVOKED'],
    // What cannot be read is not alive.
    [null, false, new Date(Number.NaN), null, 'RETIRED'],
    [null, false, null, new Date(Number.NaN), 'EXPIRED'],
  ])(
    'revoked at %o, frozen %s, secret until %o, key until %o: %s',
    (revokedAt, frozen, validUntil, expiresAt, state) => {
      expect(verifyCodeOf({ now, revokedAt, frozen, validUntil, key: { ...key, expiresAt } })).toBe(state);
    },
  );
});

test.each([
  [undefined, [], 'VALID'],
  ['acme', ['read'], 'VALID'],
  [undefined, ['read', 'write'], 'INSUFFICIENT_SCOPE'],
  ['other', ['write'], 'NOT_FOUND'],
])('asked for tenant %s and scopes %j: %s', (tenant, scopes, code) => {
  expect(verifyCodeOf(valid, { tenant, scopes })).toBe(code);
});

test('another tenant is told nothing, of a revoked key either; scopes come last', () => {
  const revoked = { ...valid, revokedAt: before };
  expect(verifyCodeOf(revoked, { tenant: 'other', scopes: ['write'] })).toBe('NOT_FOUND');
  expect(verifyCodeOf(revoked, { scopes: ['write'] })).toBe('REVOKED');
});

describe('the order of the checks', () => {
  const textOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

  /** Where in the text each first stands. */
  const places = (text: string, words: readonly string[]): readonly number[] =>
    words.map((word) => text.search(new RegExp(`(?<![\\w-])${word}(?![\\w-])`)));

  const inOrder = (found: readonly number[]): boolean =>
    found.every((place, index) => place > (found[index - 1] ?? -1));

  const REFUSALS = VERIFY_CODES.filter((code) => code !== 'VALID');

  test('is that of the codes', () => {
    expect(VERIFY_CODES).toEqual([
      ...['MALFORMED', 'NOT_FOUND', 'REVOKED', 'FROZEN', 'RETIRED', 'EXPIRED', 'INSUFFICIENT_SCOPE'],
      ...['IP_NOT_ALLOWED', 'RATE_LIMITED', 'QUOTA_EXCEEDED', 'BUDGET_EXCEEDED', 'VALID'],
    ]);
  });

  test('is told by README', () => {
    const [, paragraph = ''] =
      /The first check that fails decides: ([\s\S]*?)\n\n/.exec(textOf('README.md')) ?? [];
    expect(inOrder(places(paragraph, REFUSALS)), paragraph).toBe(true);
  });

  test('is told by the help of verify', () => {
    const [, list = ''] = verify.notes?.split('the first that fails decides:\n') ?? [];
    const names = CHECKS.map(({ check }) => check);
    expect(list.match(/[\w-]+/g)).toEqual(names);
  });

  test('is told by the documentation of the library', () => {
    const [, sentence = ''] =
      /or the first that\n[\s*]*applies of ([\s\S]*?)\*\n/.exec(textOf('src/library/reading-keys.ts')) ?? [];
    expect(inOrder(places(sentence, REFUSALS)), sentence).toBe(true);
  });
});
