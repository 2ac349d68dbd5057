import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allowedLifetime,
  lifetimeBreach,
  NO_POLICY,
  narrower,
  prefixBreach,
  scopesBreach,
} from '../../../src/domain/policy.js';
import { grants } from '../../../src/domain/scopes.js';

const DAY = 86_400_000;

describe('of two policies the narrower holds', () => {
  test.each([
    [{}, {}, {}],
    [{ maxLifetimeMs: DAY }, {}, { maxLifetimeMs: DAY }],
    [{ maxLifetimeMs: DAY }, { maxLifetimeMs: 2 * DAY }, { maxLifetimeMs: DAY }],
    [{ requireExpiry: true }, {}, { requireExpiry: true }],
    [{ maxKeys: 3 }, { maxKeys: 2 }, { maxKeys: 2 }],
    [{ prefixes: ['a_', 'b_'] }, { prefixes: ['b_', 'c_'] }, { prefixes: ['b_'] }],
    [{ prefixes: ['a_'] }, { prefixes: ['b_'] }, { prefixes: [] }],
    [{ scopes: ['orders:*', 'read'] }, { scopes: ['orders:eu:*', 'write'] }, { scopes: ['orders:eu:*'] }],
    [{ scopes: ['*'] }, { scopes: ['orders:*'] }, { scopes: ['orders:*'] }],
    [{ scopes: ['read'] }, { scopes: ['write'] }, { scopes: [] }],
  ])('%j and %j: %j', (a, b, both) => {
    const [one, other] = [
      { ...NO_POLICY, ...a },
      { ...NO_POLICY, ...b },
    ];
    expect(narrower(one, other)).toEqual({ ...NO_POLICY, ...both });
    expect(narrower(other, one)).toEqual({ ...NO_POLICY, ...both });
  });

  test('a scope is allowed if both allow it, whatever the lists', () => {
    const segment = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(':'));
    const scope = fc.oneof(
      path,
      path.map((start) => `${start}:*`),
      fc.constant('*'),
    );
    const list = fc.array(scope, { maxLength: 4 });
    fc.assert(
      fc.property(list, list, scope, (a, b, wanted) => {
        const { scopes } = narrower({ ...NO_POLICY, scopes: a }, { ...NO_POLICY, scopes: b });
        expect(grants(scopes ?? [], wanted)).toBe(grants(a, wanted) && grants(b, wanted));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a lifetime', () => {
  test.each([
    [{}, null, null],
    [{}, 9 * DAY, null],
    [{ maxLifetimeMs: DAY }, DAY, null],
    [{ maxLifetimeMs: DAY }, DAY + 1, 'max_lifetime'],
    [{ maxLifetimeMs: DAY }, null, 'max_lifetime'],
    [{ maxLifetimeMs: DAY, requireExpiry: true }, null, 'max_lifetime'],
    [{ requireExpiry: true }, 9_999 * DAY, null],
    [{ requireExpiry: true }, null, 'require_expiry'],
  ])('under %j, %j ms are against %j', (rules, lifetimeMs, rule) => {
    expect(lifetimeBreach({ ...NO_POLICY, ...rules }, lifetimeMs)).toBe(rule);
  });

  test.each([
    [{}, null, null],
    [{ maxLifetimeMs: DAY }, 2 * DAY, DAY],
    [{ maxLifetimeMs: DAY }, null, DAY],
    [{ maxLifetimeMs: 2 * DAY }, DAY, DAY],
    [{ requireExpiry: true }, null, 7 * DAY],
    [{ requireExpiry: true }, 99 * DAY, 99 * DAY],
  ])('under %j, a default of %j ms becomes %j', (rules, lifetimeMs, allowed) => {
    expect(allowedLifetime({ ...NO_POLICY, ...rules }, lifetimeMs, 7 * DAY)).toBe(allowed);
  });
});

test.each([
  [null, ['*'], []],
  [['orders:*'], ['orders:read', 'orders:*'], []],
  [['orders:*'], ['*', 'orders', 'orders:read'], ['*', 'orders']],
  [[], ['read'], ['read']],
  [[], [], []],
])('of a policy of %j, scopes %j: %j are refused', (scopes, wanted, refused) => {
  expect(scopesBreach({ scopes }, wanted)).toEqual(refused);
});

test('a prefix is one of the list, to the letter', () => {
  expect(prefixBreach({ prefixes: null }, 'rv_')).toBe(false);
  expect(prefixBreach({ prefixes: ['rv_'] }, 'rv_')).toBe(false);
  expect(prefixBreach({ prefixes: ['rv_'] }, 'RV_')).toBe(true);
});
