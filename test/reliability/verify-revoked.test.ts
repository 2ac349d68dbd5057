import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer } from '../../src/db/server.js';
import { serverSettings } from '../../src/db/server-settings.js';
import { type ApiKeys, apiKeysOn } from '../../src/service/api-keys.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { bundleFixture, type Child, startChild } from './children.js';
import { patience, scale } from './scale.js';

const PROCESSES = 2;
const KEYS = 25;
const VERIFIES = scale('VERIFY_REVOKED', { short: 3_000, long: 100_000 });
const ROUNDS = Math.ceil(VERIFIES / (PROCESSES * KEYS));
const TIMEOUTS = { connect: 20_000, lock: 20_000, statement: 20_000, answer: 30_000 };

let database: TestDatabase;
let keys: ApiKeys;
let verifiers: Child[];

beforeAll(async () => {
  database = await testDatabase();
  const engine = openServer({ settings: serverSettings(database.url, {}), timeouts: TIMEOUTS, max: 4 });
  keys = apiKeysOn(engine, { ...DEFAULT_SETTINGS, maxKeysPerOwner: 0 });
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
const ENDINGS: readonly { readonly code: string; end(made: readonly Made[]): Promise<unknown> }[] = [
  { code: 'REVOKED', end: (made) => keys.revoke({ keys: made.map(({ id }) => id), actor: 'test' }) },
  { code: 'FROZEN', end: (made) => keys.freeze({ keys: made.map(({ id }) => id), actor: 'test' }) },
  {
    code: 'FROZEN',
    end: ([first]) => keys.freezeOwner({ owner: first?.owner ?? '', actor: 'test' }),
  },
  {
    code: 'RETIRED',
    end: (made) => Promise.all(made.map(({ id }) => keys.endGrace({ key: id, actor: 'test' }))),
  },
];

async function makeKeys(round: number): Promise<Made[]> {
  const owner = `owner ${round}`;
  return Promise.all(
    Array.from({ length: KEYS }, async (_, n) => {
      const { key, apiKey } = await keys.create({ name: `key ${n}`, owner, actor: 'test' });
      // The secret that is asked for is an old one, within its grace period, so that it can be retired.
      await keys.rotate({ key: key.id, actor: 'test' });
      return { id: key.id, owner, raw: apiKey ?? '' };
    }),
  );
}

async function verifyAll(made: readonly Made[]): Promise<string[]> {
  const line = `${JSON.stringify(made.map(({ raw }) => raw))}\n`;
  for (const child of verifiers) child.process.stdin?.write(line);
  const lines = await Promise.all(verifiers.map((child) => child.next('[')));
  return lines.flatMap((codes): string[] => JSON.parse(codes));
}

test(`of ${VERIFIES} verifies that start after an acknowledged end, in ${PROCESSES} other processes, none is accepted`, {
  timeout: patience(ROUNDS, 5_000),
}, async () => {
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const made = await makeKeys(round);
    const all = PROCESSES * KEYS;
    expect(await verifyAll(made)).toEqual(Array.from({ length: all }, () => 'VALID'));
    const ending = ENDINGS[round % ENDINGS.length];
    await ending?.end(made);
    const codes = await verifyAll(made);
    expect(codes).toEqual(Array.from({ length: all }, () => ending?.code));
    refused += codes.length;
  }
  expect(refused).toBeGreaterThanOrEqual(VERIFIES);
});
