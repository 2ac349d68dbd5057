import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { VerifyCode } from '../../../src/domain/verification.js';
import { ApiKeysError } from '../../../src/errors.js';
import { authenticate, refusalResponse } from '../../../src/service/verify/authenticate.js';
import { challengeOf, checkRealm } from '../../../src/service/verify/challenge.js';
import { credentialsOf, type RequestHeaders } from '../../../src/service/verify/credentials.js';
import type { Verification, VerifyOptions } from '../../../src/service/verify/verify.js';

const KEY = {
  id: '00000000-0000-7000-8000-000000000000',
  tenantId: 'default',
  ownerId: 'alice',
  name: 'ci',
  keyPrefix: 'rv_1',
  scopes: ['read'],
  metadata: {},
  expiresAt: null,
};

/** Answers every key alike, and remembers what it was asked. */
function verifierThatSays(code: VerifyCode) {
  const asked: [string, VerifyOptions | undefined][] = [];
  return {
    asked,
    async verify(rawKey: string, options?: VerifyOptions): Promise<Verification> {
      asked.push([rawKey, options]);
      const key = code === 'NOT_FOUND' || code === 'MALFORMED' ? null : KEY;
      return { valid: code === 'VALID', code, key, missingScopes: [], oldSecret: false };
    },
  };
}

const found = (headers: RequestHeaders) => credentialsOf({ headers });

describe('credentials', () => {
  const KEYS: readonly [string, RequestHeaders][] = [
    ['a bearer token', { authorization: 'Bearer rv_1' }],
    ['a scheme in any case, more spaces', { authorization: 'bearer   rv_1 ' }],
    ['X-API-Key', { 'x-api-key': 'rv_1' }],
    ['names in any case', { 'X-API-Key': 'rv_1', AUTHORIZATION: 'Bearer rv_1' }],
    ['the same key twice', { authorization: 'Bearer rv_1', 'x-api-key': ['rv_1', 'rv_1'] }],
    ["the web's Headers", new Headers({ Authorization: 'Bearer rv_1' })],
    ["another scheme that is somebody else's", { authorization: 'Basic YTpi', 'x-api-key': 'rv_1' }],
    ['an empty second header', { authorization: 'Bearer rv_1', 'x-api-key': '' }],
    ['a header named get', { get: 'x', 'x-api-key': 'rv_1' }],
  ];
  for (const [what, headers] of KEYS) {
    test(`are found in ${what}`, () => expect(found(headers)).toEqual({ kind: 'key', rawKey: 'rv_1' }));
  }

  const NONE: readonly RequestHeaders[] = [
    {},
    new Headers(),
    { authorization: undefined, 'x-api-key': ' ' },
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearerrv_1' },
  ];
  for (const headers of NONE) {
    test(`are none in ${JSON.stringify(headers)}`, () => expect(found(headers)).toEqual({ kind: 'none' }));
  }

  const UNCLEAR: readonly RequestHeaders[] = [
    { authorization: 'Bearer rv_1', 'x-api-key': 'rv_2' },
    { 'x-api-key': ['rv_1', 'rv_2'] },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: 'Bearer rv_1, Bearer rv_2' },
    { authorization: 'Bearer rv_1 rv_2' },
    { 'x-api-key': 'rv_1, rv_2' },
    { 'x-api-key': 'rv_1,rv_2' },
    new Headers([
      ['X-API-Key', 'rv_1'],
      ['X-API-Key', 'rv_2'],
    ]),
  ];
  for (const headers of UNCLEAR) {
    test(`are unclear in ${JSON.stringify(headers)}`, () => expect(found(headers).kind).toBe('unclear'));
  }
});

describe('credentials of a request as Node has it', () => {
  /** What Node makes of these header lines. */
  async function received(lines: readonly string[]) {
    const server = createServer();
    const request = new Promise<IncomingMessage>((resolve) => {
      server.once('request', (message: IncomingMessage, response: ServerResponse) => {
        resolve(message);
        response.end();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    socket.resume().write(['GET / HTTP/1.1', 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n'));
    const message = await request;
    await once(server.close(), 'close');
    return message;
  }

  test.each([
    ['two Authorization headers', ['Authorization: Bearer rv_1', 'Authorization: Bearer rv_2']],
    ['two X-API-Key headers', ['X-API-Key: rv_1', 'X-API-Key: rv_2']],
    ['one of each', ['X-API-Key: rv_1', 'Authorization: Bearer rv_2']],
  ])('are unclear in %s that differ', async (_what, lines) => {
    const message = await received(lines);
    expect(credentialsOf(message).kind).toBe('unclear');
    // As Fastify has it.
    expect(credentialsOf({ headers: message.headers, raw: message }).kind).toBe('unclear');
  });

  test('are one key in two headers that say the same', async () => {
    for (const name of ['Authorization: Bearer', 'X-API-Key:']) {
      const message = await received([`${name} rv_1`, `${name} rv_1`]);
      expect(credentialsOf(message)).toEqual({ kind: 'key', rawKey: 'rv_1' });
    }
  });

  test('are what a middleware has put there', async () => {
    const message = await received(['Authorization: Bearer rv_1']);
    message.headers.authorization = 'Bearer rv_2';
    expect(credentialsOf(message)).toEqual({ kind: 'key', rawKey: 'rv_2' });
  });
});

test.each([
  null,
  undefined,
  7,
  'x-api-key: rv_1',
  [],
  { 'x-api-key': 7 },
  { 'x-api-key': [7, null] },
  { authorization: { toString: () => 'Bearer rv_1' } },
  { get: () => 7 },
])('headers of a wrong type, %j, are no credentials and no error', async (headers) => {
  const request = JSON.parse('{}');
  Object.assign(request, { headers });
  expect(await authenticate(verifierThatSays('VALID'), 'api', request)).toMatchObject({
    code: 'NO_CREDENTIALS',
  });
});

describe('an answer', () => {
  const withKey = { headers: { 'x-api-key': 'rv_1' } };

  test('lets a valid key through, with what was verified', async () => {
    const verifier = verifierThatSays('VALID');
    const options = { scopes: ['b,a'], tenant: 't', spendCents: 3, count: false };
    expect(await authenticate(verifier, 'api', withKey, options)).toMatchObject({
      ok: true,
      key: KEY,
      verification: { code: 'VALID' },
    });
    expect(verifier.asked).toEqual([['rv_1', { ...options, scopes: ['a', 'b'] }]]);
  });

  test('to no credentials is 401 without an error, and asks nobody', async () => {
    const verifier = verifierThatSays('VALID');
    expect(await authenticate(verifier, 'my "own" \\ realm', { headers: {} })).toMatchObject({
      status: 401,
      code: 'NO_CREDENTIALS',
      headers: { 'WWW-Authenticate': 'Bearer realm="my \\"own\\" \\\\ realm"' },
    });
    expect(verifier.asked).toEqual([]);
  });

  test('to an unclear request is 400', async () => {
    const refusal = await authenticate(verifierThatSays('VALID'), 'api', {
      headers: { authorization: 'Bearer a', 'x-api-key': 'b' },
    });
    expect(refusal).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      body: { error: 'invalid_request' },
    });
    expect(refusal).toMatchObject({
      headers: {
        'WWW-Authenticate':
          'Bearer realm="api", error="invalid_request", error_description="the request holds more than one API key"',
      },
    });
  });

  test('to a key that is not valid is 401, the same whatever the reason; the code is for the log', async () => {
    const answers = new Set<string>();
    for (const code of ['MALFORMED', 'NOT_FOUND', 'REVOKED', 'FROZEN', 'RETIRED', 'EXPIRED'] as const) {
      const answer = await authenticate(verifierThatSays(code), 'api', withKey);
      if (answer.ok) throw new Error('it was let through');
      expect(answer.code).toBe(code);
      answers.add(JSON.stringify([answer.status, answer.headers, answer.body]));
    }
    expect([...answers]).toEqual([
      JSON.stringify([
        401,
        {
          'WWW-Authenticate':
            'Bearer realm="api", error="invalid_token", error_description="the API key is not valid"',
        },
        { error: 'invalid_token', message: 'the API key is not valid' },
      ]),
    ]);
  });

  test('to missing scopes is 403 and names all that are needed', async () => {
    const answer = await authenticate(verifierThatSays('INSUFFICIENT_SCOPE'), 'api', withKey, {
      scopes: ['orders:write', 'orders:read'],
    });
    expect(answer).toMatchObject({ status: 403, code: 'INSUFFICIENT_SCOPE', key: KEY });
    if (answer.ok) throw new Error('it was let through');
    expect(answer.headers['WWW-Authenticate']).toMatch(
      /^Bearer realm="api", error="insufficient_scope", error_description="[^"]+", scope="orders:read orders:write"$/,
    );
    const response = refusalResponse(answer);
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toBe(answer.headers['WWW-Authenticate']);
    expect(await response.json()).toEqual(answer.body);
  });

  test('is none while the database gives none', async () => {
    const error = new ApiKeysError('DATABASE_UNREACHABLE', 'away');
    const verifier = { verify: () => Promise.reject(error) };
    await expect(authenticate(verifier, 'api', withKey)).rejects.toBe(error);
  });

  test('is none for scopes that are none, even without a key', async () => {
    const asking = authenticate(verifierThatSays('VALID'), 'api', { headers: {} }, { scopes: ['"'] });
    await expect(asking).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

test('a realm cannot break out of its header', () => {
  for (const realm of ['', 'a\r\nSet-Cookie: x', 'é', 'x'.repeat(201)]) {
    expect(() => checkRealm(realm)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  }
  expect(challengeOf({ realm: checkRealm('a", error="b') })).toBe('Bearer realm="a\\", error=\\"b"');
});

describe('whatever comes as a request', () => {
  const throwing = {
    get headers(): never {
      throw new Error('no');
    },
  };
  const refuse = (): never => {
    throw new Error('no');
  };
  const NONE: readonly unknown[] = [
    undefined,
    null,
    42,
    'x',
    Symbol('x'),
    [],
    () => 1,
    {},
    { headers: null },
    { headers: undefined },
    { headers: 42 },
    { headers: 'authorization: Bearer rv_1' },
    { headers: [['authorization', 'Bearer rv_1']] },
    { headers: { authorization: 42, 'x-api-key': { a: 1 } } },
    { headers: { authorization: [null, 1], 'x-api-key': [[]] } },
    { headers: new Map([['x-api-key', 42]]) },
    { headers: {}, rawHeaders: 'x', headersDistinct: 1, multiValueHeaders: [], raw: 5 },
    { headers: null, multiValueHeaders: { 'x-api-key': 'x '.repeat(0) } },
  ];
  test.each(NONE.map((request) => [request]))('%o is no error, and no key', async (request) => {
    const answer = await authenticate(verifierThatSays('VALID'), 'api', Object(request));
    expect(answer).toMatchObject({ ok: false, status: 401, code: 'NO_CREDENTIALS' });
    expect(Reflect.apply(credentialsOf, undefined, [request])).toEqual({ kind: 'none' });
  });

  test.each([
    ['a getter that throws', throwing],
    ['headers that throw', { headers: { get: () => Reflect.apply(Headers.prototype.get, {}, ['x']) } }],
    ['a proxy that throws', { headers: new Proxy({}, { ownKeys: refuse }) }],
  ])('%s is a 400', async (_what, request) => {
    const answer = await authenticate(verifierThatSays('VALID'), 'api', Object(request));
    expect(answer).toMatchObject({ ok: false, status: 400, code: 'INVALID_REQUEST' });
  });

  const KEYS: readonly [what: string, request: unknown, kind: 'key' | 'unclear'][] = [
    [
      'headersDistinct, two keys',
      { headers: { 'x-api-key': 'rv_1, rv_2' }, headersDistinct: { 'x-api-key': ['rv_1', 'rv_2'] } },
      'unclear',
    ],
    [
      'headersDistinct, the second of two',
      {
        headers: { authorization: 'Bearer rv_1' },
        headersDistinct: { authorization: ['Bearer rv_1', 'Bearer rv_2'] },
      },
      'unclear',
    ],
    [
      'headersDistinct of the raw request',
      {
        headers: { authorization: 'Bearer rv_1' },
        raw: { headersDistinct: { authorization: ['Bearer rv_1', 'Bearer rv_2'] } },
      },
      'unclear',
    ],
    [
      'an event of AWS, two keys',
      {
        headers: { 'X-Api-Key': 'rv_2' },
        multiValueHeaders: { 'X-Api-Key': ['rv_1', 'rv_2'] },
      },
      'unclear',
    ],
    [
      'an event of AWS, the same key twice',
      { headers: { 'X-Api-Key': 'rv_1' }, multiValueHeaders: { 'X-Api-Key': ['rv_1', 'rv_1'] } },
      'key',
    ],
    ['an event of a load balancer', { multiValueHeaders: { authorization: ['Bearer rv_1'] } }, 'key'],
    ['a comma in X-API-Key', { headers: { 'x-api-key': 'rv_1,rv_2' } }, 'unclear'],
    ['the same key joined', { headers: { 'x-api-key': 'rv_1, rv_1' } }, 'key'],
  ];
  test.each(KEYS)('%s', (_what, request, kind) => {
    expect(credentialsOf(Object(request))).toMatchObject(
      kind === 'key' ? { kind, rawKey: 'rv_1' } : { kind },
    );
  });
});
