import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { createApiKeys } from '../../../src/index.js';
import * as shapes from '../../../src/library/requests.js';
import type { Kind } from '../../../src/library/shape.js';

// Nothing listens there: whatever is asked of the database fails otherwise than with what is looked for here.
const NOWHERE = 'postgres://nobody@127.0.0.1:1/nowhere';
const keys = createApiKeys({ connectionString: NOWHERE, timeout: 1_000 });
afterAll(() => keys.close());

/** As plain JavaScript calls: a generator is asked for its first value, and what is thrown at once is a rejection. */
async function call(target: unknown, method: string, args: readonly unknown[]): Promise<unknown> {
  const fn: unknown = Reflect.get(Object(target), method);
  if (typeof fn !== 'function') throw new Error(`there is no ${method}`);
  const result: unknown = Reflect.apply(fn, target, args);
  return typeof result === 'object' && result !== null && 'next' in result
    ? call(result, 'next', [])
    : result;
}

const changing = (caller: unknown = { actor: 'test' }): unknown => Reflect.apply(keys.as, keys, [caller]);

const refusal = (message: RegExp | string, code = 'INVALID_INPUT') =>
  expect.objectContaining({
    name: 'ApiKeysError',
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });

interface Method {
  readonly on: 'keys' | 'as';
  readonly name: string;
  readonly shape: Readonly<Record<string, Kind<unknown>>>;
  /** What is right, for what the call needs. */
  readonly needed?: Readonly<Record<string, unknown>>;
  /** What stands before the options. */
  readonly before?: readonly unknown[];
}

const ID = '00000000-0000-7000-8000-000000000000';
async function* nothing(): AsyncGenerator<never> {}

/** With keys it would be another request. */
const { keys: _keys, ...WHOLE_OWNER } = shapes.REVOKE_OWNER;

const METHODS: readonly Method[] = [
  { on: 'keys', name: 'verify', shape: shapes.VERIFY, before: ['rv_1'] },
  { on: 'keys', name: 'explain', shape: shapes.EXPLAIN, before: ['rv_1'] },
  { on: 'keys', name: 'authenticate', shape: shapes.VERIFY, before: [{ headers: { 'x-api-key': 'rv_1' } }] },
  { on: 'keys', name: 'list', shape: shapes.LIST },
  { on: 'keys', name: 'allKeys', shape: shapes.KEY_PAGES },
  { on: 'keys', name: 'count', shape: shapes.LIST_FILTER },
  { on: 'keys', name: 'hasScopes', shape: shapes.SCOPE_QUESTION, needed: { key: 'k', scopes: ['read'] } },
  { on: 'keys', name: 'getUsage', shape: shapes.USAGE },
  { on: 'keys', name: 'events', shape: shapes.EVENTS },
  { on: 'keys', name: 'allEvents', shape: shapes.AUDIT_FILTER },
  { on: 'keys', name: 'follow', shape: shapes.FOLLOW },
  { on: 'keys', name: 'verifyAudit', shape: shapes.VERIFY_AUDIT },
  { on: 'keys', name: 'grantsFor', shape: shapes.GRANT, needed: { role: 'r', as: 'admin' } },
  { on: 'keys', name: 'recordUsage', shape: shapes.INCREMENT, before: [ID] },
  { on: 'as', name: 'create', shape: shapes.CREATE, needed: { name: 'n', owner: 'o' } },
  { on: 'as', name: 'update', shape: shapes.UPDATE, needed: { key: 'k' } },
  { on: 'as', name: 'updateScopes', shape: shapes.SCOPES, needed: { key: 'k' } },
  { on: 'as', name: 'rotate', shape: shapes.ROTATE, needed: { key: 'k' } },
  { on: 'as', name: 'endGrace', shape: shapes.END_GRACE, needed: { key: 'k' } },
  { on: 'as', name: 'revoke', shape: shapes.REVOKE, needed: { keys: ['k'] } },
  { on: 'as', name: 'revoke', shape: WHOLE_OWNER, needed: { owner: 'o' } },
  { on: 'as', name: 'freeze', shape: shapes.FREEZE, needed: { keys: ['k'] } },
  { on: 'as', name: 'unfreeze', shape: shapes.UNFREEZE, needed: { keys: ['k'] } },
  { on: 'as', name: 'freezeOwner', shape: shapes.FREEZE_OWNER, needed: { owner: 'o' } },
  { on: 'as', name: 'unfreezeOwner', shape: shapes.UNFREEZE_OWNER, needed: { owner: 'o' } },
  { on: 'as', name: 'setPolicy', shape: shapes.POLICY },
  { on: 'as', name: 'storeUsage', shape: shapes.INCREMENT, before: [ID] },
  { on: 'as', name: 'importUsage', shape: shapes.IMPORT, before: [nothing()] },
  { on: 'as', name: 'migrate', shape: shapes.MIGRATE },
  { on: 'as', name: 'applyGrants', shape: shapes.GRANT, needed: { role: 'r', as: 'admin' } },
  { on: 'as', name: 'cleanup', shape: shapes.CLEANUP },
];

class Options {}
const WRONG: readonly unknown[] = [
  null,
  42,
  Number.NaN,
  'text',
  'ACTIVE',
  'false',
  true,
  ['a'],
  [['a']],
  [1],
  Array(1),
  {},
  { a: 1 },
  new Map([['a', 'b']]),
  new Date(),
  new Date(Number.NaN),
  new Options(),
  Symbol('x'),
  10n,
  () => 'x',
];

describe.each(METHODS)('$name', ({ on, name, shape, needed = {}, before = [] }) => {
  const refused = async (options: unknown, message: RegExp | string): Promise<void> => {
    const target = on === 'keys' ? keys : changing();
    await expect(call(target, name, [...before, options]), inspect(options)).rejects.toEqual(
      refusal(message),
    );
  };

  test.each(Object.entries(shape))('%s', async (option, { is }) => {
    const wrong = WRONG.filter((value) => !is(value));
    expect(wrong.length).toBeGreaterThan(10);
    for (const value of wrong) await refused({ ...needed, [option]: value }, `${option} is not `);
    if (!is(undefined)) await refused({ ...needed, [option]: undefined }, `${option} is missing`);
  });

  test('an option that there is not', async () => {
    const [some = ''] = Object.keys(shape);
    await refused({ ...needed, [`${some}x`]: 'x' }, `there is no option "${some}x"; did you mean ${some}?`);
    await refused({ ...needed, nothingLikeIt: undefined }, 'there is no option "nothingLikeIt"');
    await refused({ ...needed, ...JSON.parse('{"__proto__":1}'), constructor: 1 }, 'there is no option');
    await refused(JSON.parse('{"__proto__":{"owner":"x"}}'), 'there is no option "__proto__"');
  });

  test('options that are none', async () => {
    const of = 'not a plain object';
    for (const value of [
      null,
      42,
      'x',
      ['x'],
      new Map(),
      new Date(),
      new Options(),
      () => 1,
      Object.create(needed),
    ]) {
      await refused(value, of);
    }
  });
});

describe('the door that a wrong type would open', () => {
  test.each([
    ['create', [{ name: 'n', owner: 'o', scopes: 'read*' }], 'scopes is not a list of texts'],
    ['create', [{ name: 'n', owner: 'o', expires: new Date() }], 'expires is not text'],
    ['create', [{ name: 'n', owner: 'o', scope: ['read'] }], 'did you mean scopes?'],
    ['create', [{ name: 'n' }], 'owner is missing'],
    ['create', [], 'name is missing'],
    ['create', [{ name: 'n', owner: 'o' }, 'reveal'], 'reveal is not a function'],
    ['revoke', [{ keys: 'k' }], 'keys is not a list of texts'],
    ['revoke', [{}], 'keys is missing'],
    ['revoke', [{ keys: undefined, owner: 'o' }], 'keys is missing'],
    ['revoke', [{ keys: ['k'], dryrun: true }], 'did you mean dryRun?'],
    ['revoke', [{ keys: ['k'], dryRun: 'false' }], 'dryRun is not true or false'],
    ['freeze', [{ keys: ['k', null] }], 'keys is not a list of texts'],
    ['cleanup', [null], 'not a plain object'],
    ['cleanup', [{ older_than: '1d' }], 'did you mean olderThan?'],
    ['cleanup', [{}, 'progress'], 'progress is not a function'],
    ['storeUsage', [42, {}], 'the key is not text'],
    ['importUsage', [[{}]], 'the usage is not an async iterable'],
  ] as const)('%s(%j)', async (method, args, message) => {
    await expect(call(changing(), method, args)).rejects.toEqual(refusal(message));
  });

  test.each([
    ['get', [42]],
    ['show', [['k']]],
    ['changeOver', [null]],
    ['recordUsage', [[ID]]],
    ['checkScope', ['read*', ['read']]],
    ['checkScope', [['*'], 'read']],
    ['checkScope', [['*'], [1]]],
    ['nextEvents', [{}]],
    ['nextEvents', [null]],
    ['diagnose', [new Date()]],
    ['verify', ['rv_1', ['read']]],
    ['verify', ['rv_1', { scope: ['read'] }]],
  ])('%s(%j)', async (method, args) => {
    await expect(call(keys, method, args)).rejects.toEqual(refusal(/./));
  });

  test.each([
    [null, 'not a plain object'],
    ['acme', 'not a plain object'],
    [{ actor: 42 }, 'actor is not text'],
    [{ tenant: null, actor: 'a' }, 'tenant is not text'],
    [{ tenantId: 'acme', actor: 'a' }, 'there is no option "tenantId"'],
    [{ tenants: 'acme', actor: 'a' }, 'did you mean tenant?'],
  ])('as(%j)', async (caller, message) => {
    for (const [method, ...args] of [
      ['list'],
      ['create', { name: 'n', owner: 'o' }],
      ['verify', 'rv_1'],
    ] as const) {
      await expect(call(changing(caller), method, args)).rejects.toEqual(refusal(message));
    }
    await expect(call(changing(caller), 'allKeys', [])).rejects.toEqual(refusal(message));
  });

  test('a change without an actor', async () => {
    await expect(call(changing({}), 'create', [{ name: 'n', owner: 'o' }])).rejects.toEqual(refusal('actor'));
  });
});

describe('createApiKeys', () => {
  const refused = (options: unknown, message: string): void => {
    expect(() => Reflect.apply(createApiKeys, undefined, [options]), inspect(options)).toThrow(
      refusal(message, 'INVALID_CONFIG'),
    );
  };

  test.each([
    [undefined, 'not a plain object'],
    [null, 'not a plain object'],
    [NOWHERE, 'not a plain object'],
    [{}, 'connectionString, pool or embedded is missing'],
    [{ connectionString: undefined }, 'connectionString is missing'],
    [{ connectionString: null }, 'connectionString is not text'],
    [{ connectionString: '' }, 'connectionString is empty'],
    [{ connectionString: ' \n' }, 'connectionString is empty'],
    [{ connectionString: new URL(NOWHERE) }, 'connectionString is not text'],
    [{ connectionString: [NOWHERE] }, 'connectionString is not text'],
    [{ connectionstring: NOWHERE }, 'did you mean connectionString?'],
    [{ connection_string: NOWHERE }, 'did you mean connectionString?'],
    [{ embedded: undefined }, 'embedded is missing'],
    [{ embedded: true }, 'embedded is not text'],
    [{ embedded: '' }, 'embedded is empty'],
    [{ pool: null }, 'pool is not an object'],
    [{ pool: {} }, 'pool is not usable'],
    [{ connectionString: NOWHERE, embedded: '/x' }, 'exclude each other'],
    [{ embedded: '/x', poolSize: 3 }, 'poolSize goes with connectionString'],
    [Object.create({ connectionString: NOWHERE }), 'not a plain object'],
  ])('%j', refused);

  test.each([
    ['keyManagement', ['false', 0, null, 'true', []]],
    ['prefix', [1, null, ['rv_']]],
    ['secretBytes', ['32', null, Number.NaN, [32]]],
    ['defaultExpiry', [30, null, new Date()]],
    ['maxKeysPerOwner', ['10', null, true]],
    ['rotationGrace', [0, null]],
    ['retention', [0, null]],
    ['timeout', ['5s', null, Number.NaN]],
    ['realm', [1, null, ['api']]],
    ['usage', [1, null, 'x', true]],
    ['poolSize', ['8', null]],
  ])('%s', (option, values) => {
    for (const value of values) refused({ connectionString: NOWHERE, [option]: value }, `${option} is not `);
    refused({ connectionString: NOWHERE, [`${option}s`]: values[0] }, `did you mean ${option}?`);
  });

  test('usage', () => {
    refused({ connectionString: NOWHERE, usage: { onError: 'x' } }, 'usage: onError is not a function');
    refused(
      { connectionString: NOWHERE, usage: { flushInterval: '1' } },
      'usage: flushInterval is not a number',
    );
    refused({ connectionString: NOWHERE, usage: { onerror: () => 1 } }, 'did you mean onError?');
    refused({ connectionString: NOWHERE, usage: ['x'] }, 'usage: the options are not a plain object');
  });
});
