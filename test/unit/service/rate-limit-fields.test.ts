import { describe, expect, test } from 'vitest';
import type { LimitUse } from '../../../src/domain/standing.js';
import type { VerifyCode } from '../../../src/domain/verification.js';
import { authenticate, refusalResponse } from '../../../src/service/verify/authenticate.js';
import type { Verification } from '../../../src/service/verify/verification.js';

const use = (changes: Partial<LimitUse>): LimitUse => ({
  of: 'key',
  limit: 'rate',
  allowed: 100,
  used: 43,
  remaining: 57,
  windowMs: 60_000,
  period: null,
  resetsAt: new Date(),
  resetsInMs: 11_001,
  ...changes,
});

const LIMITS: readonly LimitUse[] = [
  use({}),
  use({
    limit: 'quota',
    allowed: 5_000,
    remaining: 4_957,
    windowMs: null,
    period: 'day',
    resetsInMs: 3_600_000,
  }),
  use({
    of: 'owner',
    limit: 'quota',
    allowed: 9,
    remaining: 0,
    windowMs: null,
    period: 'total',
    resetsInMs: null,
  }),
  use({ limit: 'budget', allowed: 777, remaining: 7, windowMs: null, period: 'month' }),
];

const KEY = {
  id: '0',
  tenantId: 'default',
  ownerId: 'alice',
  name: 'ci',
  keyPrefix: 'rv_00000000',
  scopes: [],
  metadata: {},
  expiresAt: null,
};

const answering = (code: VerifyCode, retryAfterMs: number | null, limits = LIMITS) => ({
  verify: async (): Promise<Verification> => ({
    valid: code === 'VALID',
    code,
    key: KEY,
    missingScopes: [],
    oldSecret: false,
    retryAfterMs,
    limits,
  }),
});

const request = { headers: { 'x-api-key': 'rv_1' } };
const FIELDS = {
  'RateLimit-Policy': '"rate";q=100;w=60, "quota";q=5000;w=86400, "owner-quota";q=9',
  RateLimit: '"rate";r=57;t=12, "quota";r=4957;t=3600, "owner-quota";r=0',
};

describe('a client is told of its limits', () => {
  test('with a request that may go on', async () => {
    expect(await authenticate(answering('VALID', null), 'api', request)).toMatchObject({
      ok: true,
      headers: FIELDS,
    });
    const without = await authenticate(answering('VALID', null, []), 'api', request);
    expect(without.headers).toEqual({});
  });

  test.each([
    ['RATE_LIMITED', 'rate_limited', 'the rate of the API key is used up'],
    ['QUOTA_EXCEEDED', 'quota_exceeded', 'the quota of the API key is used up'],
    ['BUDGET_EXCEEDED', 'budget_exceeded', 'the budget of the API key is used up'],
  ] as const)('%s is 429, and says when to come back', async (code, error, message) => {
    const refusal = await authenticate(answering(code, 11_001), 'api', request);
    expect(refusal).toMatchObject({
      ok: false,
      status: 429,
      headers: { 'Retry-After': '12', ...FIELDS },
      body: { error, message },
      code,
    });
    if (refusal.ok) return;
    const response = refusalResponse(refusal);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '12']);
  });

  test('where there never is room again, no time is told; a wrong address is 403', async () => {
    const ended = await authenticate(answering('QUOTA_EXCEEDED', null), 'api', request);
    expect('Retry-After' in ended.headers).toBe(false);
    const foreign = await authenticate(answering('IP_NOT_ALLOWED', null), 'api', request);
    expect(foreign).toMatchObject({ ok: false, status: 403, code: 'IP_NOT_ALLOWED' });
  });
});
