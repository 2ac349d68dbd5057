import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { engineOnPool } from '../../src/db/server/application-pool.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { testKeysOn } from '../helpers/named-caller.js';
import { makeKey, verifierOn } from '../integration/verify/verifiers.js';
import { scale } from './scale.js';

/** How long it goes on, in milliseconds. */
const DURATION = scale('NOTIFICATIONS', { short: 4_000, long: 600_000 });
const CLIENTS = 4;
const TIMEOUTS = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 10_000 };

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

/** Says which it is, and has the length and the letters that are cut in two most easily. */
const textOf = (serial: number): string =>
  `${serial}:${(serial % 2 === 0 ? 'é' : 'x').repeat(1_500 + ((serial * 37) % 2_400))}`;

test(
  'notifications of any text, on clients that verify meanwhile, come whole and once, as with `pg` alone',
  async () => {
    // Every client of the pool listens; another of `pg` alone tells what there was to hear.
    const pool = new pg.Pool({ connectionString: database.url, max: CLIENTS, idleTimeoutMillis: 0 });
    const errors: unknown[] = [];
    pool.on('error', (error) => errors.push(error));
    const heard: number[][] = [];
    const garbled: unknown[] = [];
    const listenOn = async (client: pg.ClientBase): Promise<void> => {
      const mine: number[] = [];
      heard.push(mine);
      client.on('notification', ({ payload = '' }) => {
        const serial = Number.parseInt(payload, 10);
        if (payload !== textOf(serial)) garbled.push(payload.slice(0, 40));
        mine.push(serial);
      });
      await client.query('LISTEN news');
    };
    const alone = new pg.Client({ connectionString: database.url });
    const sender = new pg.Client({ connectionString: database.url });
    await Promise.all([alone.connect(), sender.connect()]);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => pool.connect()));
    for (const client of [alone, ...clients]) await listenOn(client);
    for (const client of clients) client.release();

    const engine = engineOnPool(pool, TIMEOUTS);
    const keys = testKeysOn(engine);
    const key = await makeKey({ service: keys });
    const verifier = verifierOn(engine);
    const until = performance.now() + DURATION;
    let sent = 0;
    let verified = 0;
    const refused: unknown[] = [];

    async function send(): Promise<void> {
      while (performance.now() < until) {
        // A few with each commit, so that they come back to back and beyond the size of one read.
        const some = Array.from({ length: 1 + (sent % 40) }, () => textOf(sent++));
        await sender.query('SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text', ['news', some]);
      }
    }
    async function verify(): Promise<void> {
      while (performance.now() < until) {
        const answer = await verifier.verify(key.raw).catch((error: unknown) => error);
        if (!(answer instanceof Error) && (answer as { code: string }).code === 'VALID') verified++;
        else refused.push(answer);
        // Whoever gives up its turn gives the connection back.
        if (verified % 3 === 0) await new Promise(setImmediate);
      }
    }
    async function work(): Promise<void> {
      while (performance.now() < until) {
        const { rows } = await pool.query("SELECT repeat('é', 500) AS text");
        expect(rows).toEqual([{ text: 'é'.repeat(500) }]);
        await new Promise(setImmediate);
      }
    }
    await Promise.all([send(), work(), ...Array.from({ length: 8 }, verify)]);
    // What was sent before an answer comes before it.
    await Promise.all(
      [alone, ...Array.from({ length: CLIENTS }, () => pool)].map((each) =>
        each.query('SELECT pg_sleep(0.2)'),
      ),
    );

    const all = Array.from({ length: sent }, (_, serial) => serial);
    expect({ refused, garbled, errors }).toEqual({ refused: [], garbled: [], errors: [] });
    for (const mine of heard) {
      expect(mine.length).toBe(sent);
      expect(mine.every((serial, n) => serial === all[n])).toBe(true);
    }
    expect(verified).toBeGreaterThan(10);
    await keys.close();
    await Promise.all([alone.end(), sender.end(), pool.end()]);
  },
  DURATION + 60_000,
);
