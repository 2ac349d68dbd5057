import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { bundleFixture, type Child, startChild } from './children.js';
import { openAt } from './fixtures/open.js';
import { scale } from './scale.js';

const QUOTA = 10;
const PROCESSES = scale('LIMITS_PROCESSES', { short: 8, long: 8 });
const CALLERS = scale('LIMITS_CALLERS', { short: 8, long: 8 });
const ROUNDS = scale('LIMITS_ROUNDS', { short: 3, long: 300 });

let database: TestDatabase;
let service: Awaited<ReturnType<typeof openAt>>;
let script: string;
beforeAll(async () => {
  database = await testDatabase();
  service = await openAt(database.url, { max: 4 });
  script = await bundleFixture('use-limited');
});
afterAll(async () => {
  await service.close();
  await database.drop();
});

function count(all: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of all) sums[one] = (sums[one] ?? 0) + 1;
  return sums;
}

async function start(times: number): Promise<Child[]> {
  const args = [database.url, String(CALLERS), String(times)];
  const children = Array.from({ length: PROCESSES }, () => startChild(script, args));
  await Promise.all(children.map((child) => child.next('ready')));
  return children;
}

async function ask(children: readonly Child[], raw: string, cents = 0): Promise<string[]> {
  for (const child of children) child.process.stdin?.write(`${raw} ${cents}\n`);
  const lines = await Promise.all(children.map((child) => child.next('[')));
  return lines.flatMap((line): string[] => JSON.parse(line));
}

async function end(children: readonly Child[]): Promise<void> {
  for (const child of children) child.process.stdin?.end();
  const ends = await Promise.all(children.map((child) => child.ended));
  expect(ends).toEqual(children.map(() => ({ code: 0, stderr: '' })));
}

const actor = 'test';
let names = 0;
const make = async (limits: { quota?: string; budget?: string }) => {
  const { key, apiKey } = await service.create({
    name: 'limited',
    owner: `owner ${++names}`,
    actor,
    ...limits,
  });
  return { key, raw: apiKey ?? '' };
};

test(`of ${PROCESSES} processes with ${CALLERS} callers each, a quota of ${QUOTA} lets exactly ${QUOTA} through`, {
  timeout: 120_000 + ROUNDS * 5_000,
}, async () => {
  const children = await start(1);
  for (let round = 0; round < ROUNDS; round++) {
    const { key, raw } = await make({ quota: `${QUOTA}/total` });
    const refused = PROCESSES * CALLERS - QUOTA;
    expect(count(await ask(children, raw))).toEqual({ VALID: QUOTA, QUOTA_EXCEEDED: refused });
    // The new secret is of the same key.
    const { apiKey } = await service.rotate({ key: key.id, actor });
    expect(count(await ask(children, apiKey ?? ''))).toEqual({ QUOTA_EXCEEDED: PROCESSES * CALLERS });
    await service.as({ actor }).updateLimits({ key: key.id, quota: `${2 * QUOTA}/total` });
    expect(count(await ask(children, raw))).toEqual({ VALID: QUOTA, QUOTA_EXCEEDED: refused });

    const { raw: spender } = await make({ budget: '100/month' });
    const codes = count(await ask(children, spender, 7));
    expect(codes).toEqual({ VALID: 14, BUDGET_EXCEEDED: PROCESSES * CALLERS - 14 });
  }
  await end(children);
});

test('whoever is answered while connections are killed is never granted more than there is', {
  timeout: 240_000,
}, async () => {
  const quota = 400;
  const children = await start(20);
  const { key, raw } = await make({ quota: `${quota}/total` });
  let working = true;
  const killing = (async () => {
    let killed = 0;
    while (working) {
      const rows = await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%count_requests%' LIMIT 2`,
      );
      killed += rows.length;
      await sleep(15);
    }
    return killed;
  })();
  const codes = count(
    await ask(children, raw).finally(() => {
      working = false;
    }),
  );
  expect(await killing).toBeGreaterThan(0);
  const { uses } = await service.limits({ key: key.id });
  const used = uses[0]?.used ?? 0;
  expect(used).toBeLessThanOrEqual(quota);
  // What was counted was granted, or nobody was told.
  expect(codes.VALID ?? 0).toBeLessThanOrEqual(used);
  expect(used - (codes.VALID ?? 0)).toBeLessThanOrEqual(codes.DATABASE_UNREACHABLE ?? 0);
  await end(children);
});
