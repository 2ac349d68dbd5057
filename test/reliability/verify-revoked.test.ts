import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { type TestCalls, testKeysOn } from '../helpers/named-caller.js';
import { bundleFixture, type Child, startChild } from './children.js';
import { patience, scale } from './scale.js';

const PROCESSES = 2;
const KEYS = 25;
/** How often each process asks for each key at once. */
const TIMES = 40;
const VERIFIES = scale('VERIFY_REVOKED', { short: 2_000, long: 100_000 });
const ROUNDS = Math.ceil(VERIFIES / (PROCESSES * KEYS * TIMES));
const TIMEOUTS = { connect: 20_000, lock: 20_000, statement: 20_000, answer: 30_000 };

let database: TestDatabase;
let keys: TestCalls;
let verifiers: Child[];

beforeAll(async () => {
  database = await testDatabase();
  const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS, max: 4 });
  keys = testKeysOn(engine, { ...DEFAULT_SETTINGS, maxKeysPerOwner: 0 });
  const script = await bundleFixture('verify-raws');
  verifiers = Array.from({ length: PROCESSES }, () => startChild(script, [database.url]));
  await Promise.all(verifiers.map((child) => child.next('ready')));
});
afterAll(async () => {
  for (const child of verifiers) child.process.stdin?.end();
  const ends = await Promise.all(verifiers.map(({ ended }) => ended));
  await keys.close();
  await database.drop();
  expect(ends).toEqual(verifiers.map(() => ({ code: 0, stderr: '' })));
});

interface Made {
  readonly id: string;
  readonly owner: string;
  readonly raw: string;
}

/** Ways to end the use of keys, each acknowledged when it resolves, and what is to be answered from then on. */
const ENDINGS: readonly {
  readonly what: string;
  readonly code: string;
  /** True where only secrets that are not the newest end with it. */
  readonly oldOnly?: boolean;
  end(made: readonly Made[]): Promise<unknown>;
}[] = [
  {
    what: 'a revocation',
    code: 'REVOKED',
    end: (made) => keys.revoke({ keys: made.map(({ id }) => id), actor: 'test' }),
  },
  {
    what: 'a freeze',
    code: 'FROZEN',
    end: (made) => keys.freeze({ keys: made.map(({ id }) => id), actor: 'test' }),
  },
  {
    what: "a freeze of the keys' owner",
    code: 'FROZEN',
    end: ([first]) => keys.freezeOwner({ owner: first?.owner ?? '', actor: 'test' }),
  },
  {
    what: 'the end of a grace period',
    code: 'RETIRED',
    oldOnly: true,
    end: (made) => Promise.all(made.map(({ id }) => keys.endGrace({ key: id, actor: 'test' }))),
  },
];

/** Every other secret that is asked for is an old one, within its grace period, or all of them. */
async function makeKeys(owner: string, oldOnly: boolean): Promise<Made[]> {
  return Promise.all(
    Array.from({ length: KEYS }, async (_, n) => {
      const { key, apiKey } = await keys.create({ name: `key ${n}`, owner, actor: 'test' });
      if (oldOnly || n % 2 === 0) await keys.rotate({ key: key.id, actor: 'test' });
      return { id: key.id, owner, raw: apiKey ?? '' };
    }),
  );
}

/** What each of the processes is answered when it asks for all of these keys at once, and how many answers there were. */
async function verifyAll(made: readonly Made[], times: number): Promise<{ codes: string[]; count: number }> {
  const raws = Array.from({ length: times }, () => made.map(({ raw }) => raw)).flat();
  for (const child of verifiers) child.process.stdin?.write(`${JSON.stringify(raws)}\n`);
  const lines = await Promise.all(verifiers.map((child) => child.next('[')));
  const codes = lines.flatMap((line): string[] => JSON.parse(line));
  return { codes: [...new Set(codes)], count: codes.length };
}

test.each(ENDINGS)(
  `of ${VERIFIES} verifies that start after $what is acknowledged, in other processes, none is accepted`,
  { timeout: patience(ROUNDS, 5_000) },
  async ({ what, code, end, oldOnly = false }) => {
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const made = await makeKeys(`${what} ${round}`, oldOnly);
      expect((await verifyAll(made, 1)).codes).toEqual(['VALID']);
      await end(made);
      const { codes, count } = await verifyAll(made, TIMES);
      expect(codes).toEqual([code]);
      refused += count;
    }
    expect(refused).toBeGreaterThanOrEqual(VERIFIES);
  },
);
