import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { overUrl } from '../../helpers/run-sql.js';
import { startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { cutPoints } from '../db/cut-points.js';
import { openEngine, openKeys } from '../db/opened.js';
import { serverIdle } from '../db/stored.js';
import { makeKey, recorderOn, storedUsage } from './recorders.js';

const NAME = 'recorder';

let database: TestDatabase;
let proxy: WireProxy;
let engine: Engine;
let ids: string[];

beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(async () => {
  await proxy.reset();
  engine = openEngine(proxy.url(database.url), { name: NAME });
  ids = [];
  const service = openKeys(database.url);
  for (let n = 0; n < 4; n++) ids.push((await makeKey({ service })).id);
  await service.close();
});
afterEach(() => engine.close());

const requestsOf = (id: string) =>
  overUrl(database.url, async (run) => (await storedUsage(run, id)).activity?.requests);

test('while the database is away, usage is added up within bounds, and stored when it is back', async () => {
  const failures: string[] = [];
  const recorder = recorderOn(engine, {
    maxPending: 3,
    flushInterval: 20,
    onError: ({ code }) => failures.push(code),
  });
  proxy.refuse();
  for (let round = 0; round < 10; round++) {
    for (const id of ids) recorder.record(id);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await expect(recorder.flush()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  // The fourth key found no room, each time.
  expect(recorder.state()).toMatchObject({ dropped: 10, lastError: { code: 'DATABASE_UNREACHABLE' } });
  expect(recorder.state().pending).toBeLessThanOrEqual(6);
  expect(failures.length).toBeGreaterThan(0);
  await proxy.reset();
  await recorder.close();
  expect(recorder.state()).toMatchObject({ pending: 0, lastError: null });
  expect(await Promise.all(ids.map(requestsOf))).toEqual([10, 10, 10, 0]);
});

test('a close that failed can be tried again', async () => {
  const recorder = recorderOn(engine);
  recorder.record(ids[0] ?? '');
  proxy.refuse();
  await expect(recorder.close()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  await proxy.reset();
  await recorder.close();
  expect(await requestsOf(ids[0] ?? '')).toBe(1);
});

test('a flush that is cut at any message counts once in the end', { timeout: 180_000 }, async () => {
  const [id = '', other = ''] = ids;
  const flush = async (): Promise<boolean> => {
    const own = openEngine(proxy.url(database.url), { name: NAME });
    const recorder = recorderOn(own, { flushInterval: 3_600_000 });
    recorder.record(id, { requests: 3, spendCents: 4, at: new Date() });
    recorder.record(other, { requests: 1, at: new Date() });
    try {
      for (let tries = 1; ; tries++) {
        const stored = await recorder.flush().then(
          () => true,
          () => false,
        );
        if (stored) return tries > 1;
        await proxy.reset();
      }
    } finally {
      await own.close();
    }
  };
  // What says goodbye late is no part of the flush.
  await serverIdle(database, NAME);
  await proxy.reset();
  await flush();
  const points = cutPoints(proxy.transcript);
  expect(points.length).toBeGreaterThan(40);
  let flushes = 1;
  let repeated = 0;
  for (const { rule, label } of points) {
    await proxy.reset();
    const armed = proxy.arm(rule);
    if (await flush()) repeated++;
    expect([label, armed.hasFired()]).toEqual([label, true]);
    await serverIdle(database, NAME);
    flushes++;
    expect([label, await requestsOf(id), await requestsOf(other)]).toEqual([label, 3 * flushes, flushes]);
  }
  expect(repeated).toBeGreaterThan(10);
});
