import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiKeysError } from '../../../src/errors.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import type { TestCalls } from '../../helpers/named-caller.js';
import { startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { type CutPoint, cutPoints } from './cut-points.js';
import { openKeys } from './opened.js';
import { CREATED, NOTHING, REVOKED, type StoredKey, serverIdle, storedOf } from './stored.js';

const NAME = 'cut';
/** Each of the many cuts takes a new login or two. */
const LONG = { timeout: 300_000 };

let database: TestDatabase;
let proxy: WireProxy;

beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

/** Runs `work` over the proxy: the error that it ended with, or undefined when it was done. */
async function overProxy(work: (keys: TestCalls) => Promise<unknown>): Promise<ApiKeysError | undefined> {
  const keys = openKeys(proxy.url(database.url), { name: NAME });
  try {
    await work(keys);
    return undefined;
  } catch (error) {
    if (error instanceof ApiKeysError) return error;
    throw error;
  } finally {
    await keys.close();
    await serverIdle(database, NAME);
  }
}

interface Cut {
  readonly point: CutPoint;
  readonly error: ApiKeysError | undefined;
  readonly stored: StoredKey | undefined;
  readonly revealed: boolean;
}

/** What is wrong with the answer, in words; nothing if it is right. */
function faults({ point, error, stored, revealed }: Cut, before: StoredKey, after: StoredKey): string[] {
  const expected = point.takesEffect ? after : before;
  const all = [];
  if (JSON.stringify(stored) !== JSON.stringify(expected)) all.push(`stored ${JSON.stringify(stored)}`);
  if (error === undefined && !point.takesEffect) all.push('reported as done');
  if (error !== undefined && point.takesEffect) all.push(`stored, and reported as ${error.code}`);
  if (error !== undefined && error.code !== 'DATABASE_UNREACHABLE') all.push(error.code);
  if (error !== undefined && revealed !== error.message.includes('the key that was shown is dead'))
    all.push(`revealed: ${revealed}, and says: ${error.message}`);
  return all.map((fault) => `${point.label}: ${fault}`);
}

test(
  'a create that loses its connection is done or not done, whichever message was the last',
  LONG,
  async () => {
    let run = 0;
    const create = async () => {
      const owner = `create-${run++}`;
      let revealed = false;
      const error = await overProxy((keys) =>
        keys.create({ name: owner, owner, actor: 'test' }, async () => {
          revealed = true;
        }),
      );
      return { error, revealed, stored: await storedOf(database, owner) };
    };
    // The first key of a tenant takes another message than those after it.
    await create();
    await proxy.reset();
    expect(await create()).toEqual({ error: undefined, revealed: true, stored: CREATED });
    const points = cutPoints(proxy.transcript);
    expect(points.length).toBeGreaterThan(100);

    const wrong: string[] = [];
    for (const point of points) {
      await proxy.reset();
      const rule = proxy.arm(point.rule);
      const answer = await create();
      if (!rule.hasFired()) wrong.push(`${point.label}: never came`);
      wrong.push(...faults({ point, ...answer }, NOTHING, CREATED));
    }
    expect(wrong).toEqual([]);
  },
);

test(
  'a revoke that loses its connection is done or not done, whichever message was the last',
  LONG,
  async () => {
    await proxy.reset();
    const direct = openKeys(database.url);
    let run = 0;
    const revoke = async () => {
      const owner = `revoke-${run++}`;
      const { key } = await direct.create({ name: owner, owner, actor: 'test' });
      const error = await overProxy((keys) => keys.revoke({ keys: [key.id], actor: 'test' }));
      return { error, revealed: false, stored: await storedOf(database, owner) };
    };
    try {
      expect(await revoke()).toEqual({ error: undefined, revealed: false, stored: REVOKED });
      const points = cutPoints(proxy.transcript);
      expect(points.length).toBeGreaterThan(100);

      const wrong: string[] = [];
      for (const point of points) {
        await proxy.reset();
        const rule = proxy.arm(point.rule);
        const answer = await revoke();
        if (!rule.hasFired()) wrong.push(`${point.label}: never came`);
        wrong.push(...faults({ point, ...answer }, CREATED, REVOKED));
      }
      expect(wrong).toEqual([]);
    } finally {
      await direct.close();
    }
  },
);
