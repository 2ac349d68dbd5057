import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { checkScope, grants, parseScopes, scopesGranting } from '../../../src/domain/scopes.js';
import { makeSecret } from '../../../src/domain/secret.js';
import { accepts, refused, timeOf } from './refused.js';

const scope = fc.stringMatching(/^[a-z0-9][a-zA-Z0-9_.-]{0,5}(:[a-z0-9][a-z0-9_.-]{0,5}){0,3}(:\*)?$/);

describe('parseScopes', () => {
  test('sorts and removes repetitions', () => {
    expect(parseScopes([])).toEqual([]);
    expect(parseScopes(['write', 'orders:*', 'read', 'write'])).toEqual(['orders:*', 'read', 'write']);
    expect(parseScopes(['read, orders:write', '*,read'])).toEqual(['*', 'orders:write', 'read']);
    expect(parseScopes(['read', 'Read'])).toEqual(['Read', 'read']);
  });

  test.each(['read', '0', 'a.b-c_d', 'orders:write', 'a:b:c:*', 'Read', '*', 'a'.repeat(100)])(
    'takes %j',
    (text) => {
      expect(parseScopes([text])).toEqual([text]);
    },
  );

  test.each([
    '',
    ' ',
    ',',
    'read,',
    'read write',
    ':',
    'a:',
    ':a',
    'a::b',
    '**',
    'a*',
    'a:*:b',
    '*:a',
    'a:b*',
    '.a',
    '-a',
    '_a',
    'a:-b',
    'é',
    'a\nb',
    'a\0',
    'a/b',
    "a'",
    'a'.repeat(101),
  ])('refuses %j', (text) => {
    expect(hintOf(refused(() => parseScopes([text])))).toMatch(/orders:write/);
  });

  test('at most 100', () => {
    const scopes = Array.from({ length: 100 }, (_, i) => `s${i}`);
    expect(parseScopes([...scopes, 's0'])).toHaveLength(100);
    expect(refused(() => parseScopes([...scopes, 'more'])).message).toMatch(/at most 100/);
    expect(refused(() => parseScopes([`${scopes.join(',')},more`])).message).toMatch(/at most 100/);
    expect(
      parseScopes([Array.from({ length: 100 }, (_, i) => `${i}`.padStart(100, 'a')).join(', ')]),
    ).toHaveLength(100);
  });

  test('refuses a secret without repeating it', () => {
    const { message } = refused(() => parseScopes([`read:${makeSecret('rv_', 32)}`]));
    expect(message).toBe('a scope contains an API key');
  });

  test('says what is wrong', () => {
    expect(refused(() => parseScopes(['a b'])).message).toBe('"a b" is not a scope');
    const long = refused(() => parseScopes(['x'.repeat(101)])).message;
    expect(long).toBe(`the scope "${'x'.repeat(40)}…" is longer than 100 characters`);
    // Longer than any list that is right, however few scopes it seems to have.
    expect(refused(() => parseScopes([' '.repeat(10_200)])).message).toBe('"" is not a scope');
    expect(refused(() => parseScopes([' '.repeat(10_201)])).message).toMatch(/at most 100/);
  });

  test('what it gave is taken again, unchanged', () => {
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 20 }), (list) => {
        const scopes = parseScopes(list);
        expect(parseScopes(scopes)).toEqual(scopes);
        expect(parseScopes([...scopes].reverse())).toEqual(scopes);
        expect(new Set(scopes)).toEqual(new Set(list));
      }),
    );
  });

  test('arbitrary text is accepted or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (list) => void accepts(() => parseScopes(list))),
    );
  });

  test.each(['a', 'a,', ':', 'a:', ','])('1 MB of %j takes less than 100 ms', (piece) => {
    const text = piece.repeat(1_048_576 / piece.length);
    expect(timeOf(() => parseScopes([text]))).toBeLessThan(100);
  });
});

describe('grants', () => {
  test.each([
    ['read', 'read', true],
    ['read', 'write', false],
    ['read', 'rea', false],
    ['read', 'read:x', false],
    ['read', 'Read', false],
    ['*', 'read', true],
    ['*', 'a:b:*', true],
    ['*', '*', true],
    ['orders:*', '*', false],
    ['orders:*', 'orders', false],
    ['orders:*', 'orders:', false],
    ['orders:*', 'orders:x', true],
    ['orders:*', 'orders:x:y', true],
    ['orders:*', 'orders:x:*', true],
    ['orders:*', 'orders:*', true],
    ['orders:*', 'ordersx', false],
    ['orders:*', 'orders2:x', false],
    ['orders:x', 'orders:*', false],
    ['a:b:*', 'a:c', false],
  ])('%s for %s: %s', (granted, wanted, answer) => {
    expect(grants([granted], wanted)).toBe(answer);
    expect(grants(['other', granted], wanted)).toBe(answer);
  });

  test('nothing grants nothing', () => {
    expect(grants([], 'read')).toBe(false);
  });

  test('a scope grants itself, and what grants a scope grants all that the scope grants', () => {
    fc.assert(
      fc.property(scope, scope, scope, (a, b, c) => {
        expect(grants([a], a)).toBe(true);
        expect(grants(['*'], a)).toBe(true);
        if (grants([a], b) && grants([b], c)) expect(grants([a], c)).toBe(true);
      }),
    );
  });
});

describe('scopesGranting', () => {
  test.each([
    ['read', ['read', '*']],
    ['orders:write', ['orders:write', 'orders:*', '*']],
    ['orders:eu:write', ['orders:eu:write', 'orders:eu:*', 'orders:*', '*']],
    ['orders:*', ['orders:*', '*']],
    ['*', ['*']],
  ])('%s', (wanted, granting) => {
    expect(scopesGranting(wanted)).toEqual(granting);
  });

  test('these and no others grant it', () => {
    fc.assert(
      fc.property(scope, scope, (wanted, other) => {
        const granting = scopesGranting(wanted);
        for (const one of granting) expect(grants([one], wanted)).toBe(true);
        expect(granting.includes(other)).toBe(grants([other], wanted));
      }),
    );
  });
});

test('checkScope names all that is missing, in the order asked', () => {
  expect(checkScope(['orders:*'], ['write', 'orders:x', 'read'])).toEqual({
    ok: false,
    missing: ['write', 'read'],
  });
  expect(checkScope(['orders:*'], ['orders:x'])).toEqual({ ok: true, missing: [] });
  expect(checkScope([], [])).toEqual({ ok: true, missing: [] });
});
