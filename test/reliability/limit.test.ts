import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { embeddedDatabase } from '../helpers/embedded.js';
import { type ProgramResult, runApikeys, runTogether } from '../helpers/program.js';
import { overUrl } from '../helpers/run-sql.js';
import { bundleFixture, startChild } from './children.js';
import { faultsIn } from './consistency.js';
import { patience, scale } from './scale.js';

const LIMIT = 10;
const PROCESSES = scale('LIMIT_PROCESSES', { short: 8, long: 8 });
const CONNECTIONS = scale('LIMIT_CONNECTIONS', { short: 8, long: 8 });
const ROUNDS = scale('LIMIT_ROUNDS', { short: 3, long: 1_000 });
const PROGRAMS = [
  scale('LIMIT_PROGRAMS', { short: 12, long: 12 }),
  scale('LIMIT_MORE_PROGRAMS', { short: 12, long: 64 }),
];
const EMBEDDED_PROGRAMS = scale('LIMIT_EMBEDDED_PROGRAMS', { short: 12, long: 24 });

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const liveKeys = async (owner: string) =>
  (await database.query('SELECT 1 FROM apikeys.keys WHERE owner_id = $1', [owner])).length;

function count(all: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of all) sums[one] = (sums[one] ?? 0) + 1;
  return sums;
}

test(`${PROCESSES} processes with ${CONNECTIONS} connections each never make an eleventh key`, {
  timeout: patience(ROUNDS, 5_000),
}, async () => {
  const script = await bundleFixture('create-many');
  const children = Array.from({ length: PROCESSES }, () =>
    startChild(script, [database.url, String(CONNECTIONS)]),
  );
  await Promise.all(children.map((child) => child.next('ready')));
  for (let round = 0; round < ROUNDS; round++) {
    const owner = `round ${round}`;
    for (const child of children) child.process.stdin?.write(`${owner}\n`);
    const lines = await Promise.all(children.map((child) => child.next('[')));
    const outcomes = lines.flatMap((line): string[] => JSON.parse(line));
    expect(count(outcomes)).toEqual({ done: LIMIT, LIMIT_REACHED: PROCESSES * CONNECTIONS - LIMIT });
    expect(await liveKeys(owner)).toBe(LIMIT);
  }
  for (const child of children) child.process.stdin?.end();
  expect(await Promise.all(children.map((child) => child.ended))).toEqual(
    children.map(() => ({ code: 0, stderr: '' })),
  );
  expect(await overUrl(database.url, faultsIn)).toEqual([]);
});

/** Exactly as many succeed as there is room for; the others are told why. */
function expectExactly(results: readonly ProgramResult[]): void {
  const codes = results.map(({ exitCode, stderr }) =>
    exitCode === 0 ? '0' : `${exitCode} ${JSON.parse(stderr).error.code}`,
  );
  expect(count(codes)).toEqual({ 0: LIMIT, '4 LIMIT_REACHED': results.length - LIMIT });
  const shown = results
    .filter(({ exitCode }) => exitCode === 0)
    .map(({ stdout }) => JSON.parse(stdout).api_key);
  expect(new Set(shown).size).toBe(LIMIT);
}

test.each([...new Set(PROGRAMS)])(
  'of %i programs that create for one owner at once ten succeed',
  async (programs) => {
    const owner = `programs ${programs}`;
    const results = await runTogether(programs, (index) => ({
      args: ['create', `key ${index}`, '--owner', owner, '--json'],
      options: { env: { APIKEYS_DATABASE_URL: database.url, APIKEYS_TIMEOUT: '30s' } },
    }));
    expectExactly(results);
    expect(await liveKeys(owner)).toBe(LIMIT);
  },
);

describe('on the embedded database', () => {
  test(`of ${EMBEDDED_PROGRAMS} programs that create for one owner at once ten succeed`, {
    timeout: patience(EMBEDDED_PROGRAMS, 5_000),
  }, async () => {
    // They queue for the only database there is: for longer than the usual wait, on a slow machine.
    const url = `embedded:${await embeddedDatabase()}`;
    const options = { env: { APIKEYS_DATABASE_URL: url, APIKEYS_TIMEOUT: '5m' }, timeout: 300_000 };
    const results = await runTogether(EMBEDDED_PROGRAMS, (index) => ({
      args: ['create', `key ${index}`, '--owner', 'o', '--json'],
      options,
    }));
    expectExactly(results);
    const list = await runApikeys(['list', '--owner', 'o', '--count', '-q'], options);
    expect(list.stdout).toBe(`${LIMIT}\n`);
  });
});
