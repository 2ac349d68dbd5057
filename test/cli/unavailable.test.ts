import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProxy, type WireProxy } from '../helpers/wire-proxy.js';
import { errorOf, newOwner, useCli } from './apikeys.js';
import { holdKey } from './held-lock.js';

/** What the contract allows for any wait, with a little for starting the program on a busy machine. */
const LIMIT_MS = 10_000 + 2_000;

const cli = useCli();

const proxyTo = (url: string): Promise<WireProxy> => {
  const { hostname, port } = new URL(url);
  return startProxy({ target: { host: hostname, port: Number(port) } });
};

describe.concurrent('a server that swallows everything', () => {
  test.each([
    ['from the first byte on', undefined],
    ['from the first statement on', /SELECT|BEGIN/],
    ['from the count on', /count/],
  ])('%s, is given up within 10 seconds', async (_when, text) => {
    const proxy = await proxyTo(cli.database.url);
    try {
      if (text === undefined) proxy.blackhole();
      else proxy.arm({ direction: 'frontend', match: { text }, action: 'hold-before', once: false });
      const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url) };
      const result = await cli.apikeys(['list', '--count', '--json'], { env, timeout: 40_000 });
      expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
        exitCode: 6,
        code: 'DATABASE_TIMEOUT',
      });
      expect(result.durationMs).toBeLessThan(LIMIT_MS);
    } finally {
      await proxy.close();
    }
  });

  test('is given up sooner when told so', async () => {
    const proxy = await proxyTo(cli.database.url);
    try {
      proxy.blackhole();
      const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url), APIKEYS_TIMEOUT: '1s' };
      const result = await cli.apikeys(['list', '--json'], { env });
      expect(errorOf(result).code).toBe('DATABASE_TIMEOUT');
      expect(result.durationMs).toBeLessThan(4_000);
    } finally {
      await proxy.close();
    }
  });
});

describe('an answer to COMMIT that never comes', () => {
  let proxy: WireProxy;
  beforeAll(async () => {
    proxy = await proxyTo(cli.database.url);
  });
  afterAll(() => proxy.close());

  test('is settled on a new connection: the key that was made is there, and exit is 0', async () => {
    const owner = newOwner();
    proxy.arm({ direction: 'backend', match: { type: 'C', text: 'COMMIT' }, action: 'cut-before' });
    const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url) };
    const result = await cli.apikeys(['create', 'ci', '--owner', owner, '-q'], { env });
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { key_prefix: prefix } = await cli.json<{ key_prefix: string }>([
      'show',
      result.stdout.slice(0, 11),
    ]);
    expect(result.stdout.startsWith(prefix)).toBe(true);
  });

  test('with the database gone for good is exit 8, and says that the key shown may or may not work', async () => {
    await proxy.reset();
    const rule = proxy.arm({
      direction: 'backend',
      match: { type: 'C', text: 'COMMIT' },
      action: 'cut-before',
    });
    void rule.fired.then(() => proxy.refuse());
    const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url), APIKEYS_TIMEOUT: '1s' };
    const result = await cli.apikeys(['create', 'ci', '--owner', newOwner(), '-o', 'tsv'], { env });
    expect(result.exitCode).toBe(8);
    expect(result.stderr).toMatch(/may or may not work/);
  });

  test('lost before it arrived is exit 6: the key shown is dead', async () => {
    await proxy.reset();
    const owner = newOwner();
    proxy.arm({ direction: 'frontend', match: { type: 'Q', text: /^COMMIT/ }, action: 'cut-before' });
    const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url) };
    const result = await cli.apikeys(['create', 'ci', '--owner', owner], { env });
    expect(result.exitCode).toBe(6);
    expect(result.stderr).toMatch(/the key that was shown is dead/);
    expect(await cli.json(['list', '--owner', owner, '--count'])).toEqual({ count: 0 });
  });
});

test('a lock that somebody holds is given up within 10 seconds, and nothing was changed', async () => {
  const { id } = await cli.create();
  const holder = await holdKey(cli.database.url, id);
  try {
    const result = await cli.apikeys(['revoke', id, '--yes', '--json']);
    expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
      exitCode: 6,
      code: 'DATABASE_BUSY',
    });
    expect(result.durationMs).toBeLessThan(LIMIT_MS);
  } finally {
    await holder.release();
  }
  expect(await cli.json(['show', id])).toMatchObject({ status: 'active' });
});
