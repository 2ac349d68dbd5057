import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/db/engine.js';
import { engineOnPool } from '../../src/db/server/application-pool.js';
import { ApiKeysError } from '../../src/errors.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { type TestCalls, testKeysOn } from '../helpers/named-caller.js';
import { hasPooler, type Pooler, startPooler } from '../helpers/pooler.js';
import { random, randomFraction } from '../helpers/random.js';
import { type RoughWire, startRoughWire } from '../helpers/rough-wire.js';
import { startProxy, type WireProxy } from '../helpers/wire-proxy.js';
import { openEngine } from '../integration/db/opened.js';
import { makeKey, verifierOn } from '../integration/verify/verifiers.js';
import { patience, scale } from './scale.js';

const VERIFIES = scale('VERIFY_TRUTH', { short: 2_000, long: 500_000 });
const CALLERS = 24;
const TIMEOUTS = { connect: 2_000, lock: 2_000, statement: 2_000, answer: 1_000 };

interface Truth {
  readonly raw: string;
  readonly code: string;
  readonly id: string | undefined;
}

let database: TestDatabase;
let keys: TestCalls;
let proxy: WireProxy;
let rough: RoughWire;
let pooler: Pooler | undefined;
let truths: Truth[];

beforeAll(async () => {
  database = await testDatabase();
  keys = testKeysOn(openEngine(database.url));
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) }, recording: false });
  if (await hasPooler()) pooler = await startPooler(database.url, 3);
  const target = { host: '127.0.0.1', port: pooler?.port ?? Number(port) };
  rough = await startRoughWire({ target, random: randomFraction, bytesPerCut: 30_000 });
  truths = [];
  const actor = 'test';
  for (let n = 0; n < 8; n++) {
    const [valid, revoked, frozen, rotated] = [await make(), await make(), await make(), await make()];
    await keys.revoke({ keys: [revoked.id], actor });
    await keys.freeze({ keys: [frozen.id], actor });
    const { apiKey } = await keys.rotate({ key: rotated.id, grace: '0', actor });
    truths.push({ ...valid, code: 'VALID' }, { ...revoked, code: 'REVOKED' }, { ...frozen, code: 'FROZEN' });
    truths.push({ ...rotated, code: 'RETIRED' }, { raw: apiKey ?? '', id: rotated.id, code: 'VALID' });
    const unknown = await make();
    await database.query('DELETE FROM apikeys.secrets WHERE key_id = $1', [unknown.id]);
    await database.query('UPDATE apikeys.keys SET secret_hash = sha256($2) WHERE id = $1', [
      unknown.id,
      unknown.id,
    ]);
    truths.push({ raw: unknown.raw, id: undefined, code: 'NOT_FOUND' });
  }
});
afterAll(async () => {
  await rough.close();
  await pooler?.stop();
  await proxy.close();
  await keys.close();
  await database.drop();
});

const make = () => makeKey({ service: keys });

/** What may happen to a connection, over and over. */
const troubles: readonly (() => unknown)[] = [
  () => proxy.cutAll(),
  () => proxy.arm({ direction: 'backend', index: random(40), action: 'cut-before', reset: true }),
  () => proxy.arm({ direction: 'backend', match: { type: 'D' }, index: random(40), action: 'cut-after' }),
  () => proxy.arm({ direction: 'frontend', index: random(40), action: 'cut-after', server: 'drain' }),
  () => {
    const held = proxy.arm({ direction: 'backend', index: random(40), action: 'hold-after' });
    void held.fired.then(() => setTimeout(() => held.release(), 20 + random(60)));
  },
  () =>
    database.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = $2',
      [database.name, 'truth'],
    ),
];

/** The ways to the server, and what becomes of a connection on each. */
const ways: readonly (readonly [string, () => string, 'own' | 'borrowed'])[] = [
  ['an own pool, cut at messages', () => proxy.url(database.url), 'own'],
  ["an application's pool, cut at messages", () => proxy.url(database.url), 'borrowed'],
  [
    'an own pool, split and cut at bytes, through a pooler where there is one',
    () => rough.url(database.url),
    'own',
  ],
  [
    "an application's pool, split and cut at bytes, through a pooler where there is one",
    () => rough.url(database.url),
    'borrowed',
  ],
];

test.each(ways)(
  'no answer is wrong on %s',
  async (_way, urlOf, whose) => {
    const url = `${urlOf()}?application_name=truth`;
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    pool.on('error', () => undefined);
    const engine: Engine =
      whose === 'own' ? openEngine(url, { timeouts: TIMEOUTS, max: 4 }) : engineOnPool(pool, TIMEOUTS);
    const verifier = verifierOn(engine);
    const wrong: unknown[] = [];
    const seen: Record<string, number> = {};
    let begun = 0;

    async function ask(): Promise<void> {
      while (begun++ < VERIFIES / ways.length) {
        const truth = truths[random(truths.length)];
        if (truth === undefined) throw new Error('there are no keys');
        try {
          const { code, key } = await verifier.verify(truth.raw);
          seen[code] = (seen[code] ?? 0) + 1;
          if (code !== truth.code || key?.id !== truth.id) wrong.push({ truth, code, id: key?.id });
        } catch (error) {
          if (!(error instanceof ApiKeysError) || error.code === 'INTERNAL') wrong.push(error);
          seen.none = (seen.none ?? 0) + 1;
        }
      }
    }
    const trouble = setInterval(() => void troubles[random(troubles.length)]?.(), 100);
    await Promise.all(Array.from({ length: CALLERS }, ask));
    clearInterval(trouble);
    await proxy.reset();
    await engine.close();
    await pool.end();

    expect(wrong).toEqual([]);
    for (const code of ['VALID', 'REVOKED', 'FROZEN', 'RETIRED', 'NOT_FOUND'])
      expect(seen[code]).toBeGreaterThan(VERIFIES / 100);
  },
  patience(VERIFIES, 20),
);
