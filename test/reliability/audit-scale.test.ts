import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { PROGRAM } from '../helpers/program.js';
import { seedChains } from '../integration/audit/seed-chains.js';
import { isLong, patience, scale } from './scale.js';

const EVENTS = scale('AUDIT_EVENTS', { short: 4_000, long: 500_000 });
/** Events of a key: half of the keys end frozen. */
const LENGTH = 5;
const PAIRS = scale('AUDIT_PAIRS', { short: 1, long: 3 });
const MIB = 2 ** 20;

let database: TestDatabase;
beforeAll(
  async () => {
    database = await testDatabase();
    await seedChains(database.query, { keys: EVENTS / LENGTH, owners: 400, length: LENGTH });
  },
  patience(EVENTS, 1),
);
afterAll(() => database.drop());

interface Verified {
  readonly seconds: number;
  /** The most memory that the program held. */
  readonly bytes: number;
}

/** Runs `audit verify`, which has to find everything in order. */
async function verified(...options: string[]): Promise<Verified> {
  const began = performance.now();
  const child = execa(
    process.execPath,
    ['--import', REPORTER, PROGRAM, 'audit', 'verify', '--json', ...options],
    {
      env: { APIKEYS_DATABASE_URL: database.url },
    },
  );
  const { stdout, stderr } = await child;
  const seconds = (performance.now() - began) / 1_000;
  expect(JSON.parse(stdout)).toMatchObject({ valid: true, events: EVENTS + 400 });
  return { seconds, bytes: Number(stderr) * 1_024 };
}

/** Says at the end, on stderr, how many kilobytes the program held at most: `maxRSS` begins with those of its parent. */
const REPORTER = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    process.stderr.write(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  });`)}`;

const medianOf = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

test.skipIf(process.platform !== 'linux')(
  `audit verify of ${EVENTS} events against the state takes little memory, and in their full number not twice the time of the chains alone`,
  async () => {
    const ratios: number[] = [];
    const memory: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const chains = await verified('--chain-only');
      const all = await verified();
      ratios.push(all.seconds / chains.seconds);
      memory.push(chains.bytes, all.bytes);
    }
    expect(Math.min(...memory) / MIB).toBeGreaterThan(20);
    expect(Math.max(...memory) / MIB).toBeLessThan(128);
    // So few events take less time than the start of the program.
    if (isLong()) expect(medianOf(ratios)).toBeLessThan(2);
  },
  patience(EVENTS, 2),
);
