import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { overUrl } from '../helpers/run-sql.js';
import { bundleFixture, startChild } from './children.js';
import { faultsIn } from './consistency.js';
import { scale } from './scale.js';

const LIMIT = 3;
const PROCESSES = scale('LIMIT_MODEL_PROCESSES', { short: 6, long: 12 });
const SECONDS = scale('LIMIT_MODEL_SECONDS', { short: 4, long: 1_800 });
const OWNERS = ['one', 'two'];

/** What the rules may answer; anything else is a failure. */
const REFUSALS = ['LIMIT_REACHED', 'OWNER_FROZEN', 'KEY_REVOKED', 'INVALID_INPUT', 'OWNER_NOT_FOUND'];

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

/** Owners with more live keys than they may have, now. */
const tooMany = () =>
  database.query(
    `SELECT owner_id, count(*)::int AS live FROM apikeys.keys
      WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
      GROUP BY owner_id HAVING count(*) > $1`,
    [LIMIT],
  );

test(`whatever ${PROCESSES} processes change for ${SECONDS} s, no owner ever has more live keys than ${LIMIT}`, {
  timeout: 120_000 + SECONDS * 1_000,
}, async () => {
  const script = await bundleFixture('change-life');
  const args = [database.url, String(SECONDS * 1_000), String(LIMIT), ...OWNERS];
  const children = Array.from({ length: PROCESSES }, () => startChild(script, args));
  let working = true;
  const watch = async () => {
    const [seen, states]: [unknown[], Set<number>] = [[], new Set()];
    while (working) {
      seen.push(...(await tooMany()));
      const counts = await database.query<{ live: number }>(
        `SELECT count(*)::int AS live FROM apikeys.keys
          WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) GROUP BY owner_id`,
      );
      for (const { live } of counts) states.add(live);
      await sleep(5);
    }
    return { seen, states };
  };
  const watched = watch();
  const ends = await Promise.all(children.map((child) => child.ended)).finally(() => {
    working = false;
  });
  const { seen, states } = await watched;
  expect(seen).toEqual([]);
  expect(ends).toEqual(children.map(() => ({ code: 0, stderr: '' })));

  const outcomes = children.flatMap((child) =>
    child.lines().map((line): { action: string; code: string } => JSON.parse(line)),
  );
  expect(outcomes.filter(({ code }) => code !== 'done' && !REFUSALS.includes(code)).slice(0, 10)).toEqual([]);
  // The limit was reached, and the changes that matter were made.
  expect(states).toContain(LIMIT);
  expect(outcomes.some(({ code }) => code === 'LIMIT_REACHED')).toBe(true);
  const done = new Set(outcomes.filter(({ code }) => code === 'done').map(({ action }) => action));
  expect([...done]).toEqual(expect.arrayContaining(['create', 'rotate to an end', 'revoke']));
  expect(await overUrl(database.url, faultsIn)).toEqual([]);
});
