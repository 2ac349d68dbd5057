import type { Duplex } from 'node:stream';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pipelineOn } from '../../../src/db/pipeline/pipeline.js';
import { engineOnPool } from '../../../src/db/server/application-pool.js';
import { ApiKeysError } from '../../../src/errors.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { openKeys, TIMEOUTS } from '../db/opened.js';
import { type MadeKey, makeKey, verifierOn } from './verifiers.js';

let database: TestDatabase;
let key: MadeKey;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  const service = openKeys(database.url);
  key = await makeKey({ service });
  await service.close();
});
afterAll(() => database.drop());
beforeEach(() => {
  pool = new pg.Pool({ connectionString: database.url, max: 1 });
  pool.on('error', () => undefined);
});
afterEach(() => pool.end());

const LENGTH = {
  name: 'length',
  text: 'SELECT length($1::bytea)',
  columns: ['integer'],
} as const;
const TEXT = 'é'.repeat(1_500);

type Arrive = (chunk: Buffer) => void;

/** Changes what arrives on a stream; `arrive` lets bytes come. */
function intercept(stream: Duplex, change: (chunk: Buffer, arrive: Arrive) => void): Arrive {
  const { emit } = stream;
  const arrive: Arrive = (chunk) => void emit.call(stream, 'data', chunk);
  Object.assign(stream, {
    emit(event: string, ...args: unknown[]) {
      const [chunk] = args;
      if (event !== 'data' || !Buffer.isBuffer(chunk)) return emit.call(stream, event, ...args);
      change(chunk, arrive);
      return true;
    },
  });
  return arrive;
}

function message(type: string, body: Buffer, length = body.length + 4): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(length, 1);
  return Buffer.concat([head, body]);
}
const notification = message('A', Buffer.from(`\0\0\0\x07news\0${TEXT}\0`));

describe('half of a notification', () => {
  let client: pg.Client;
  let texts: (string | undefined)[];
  beforeEach(async () => {
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    texts = [];
    client.on('notification', ({ payload }) => texts.push(payload));
  });
  afterEach(() => client.end());

  // Odd, so that a character is cut in two.
  test.each([1, 3, 5, 21, 1_000, 1_001])(
    'is the client’s: it has %i bytes when the socket is taken over',
    async (at) => {
      const { stream } = client.connection;
      let rest: Buffer | undefined = notification.subarray(at);
      const arrive = intercept(stream, (chunk, pass) => {
        // The server's next bytes come behind the rest.
        pass(rest === undefined ? chunk : Buffer.concat([rest, chunk]));
        rest = undefined;
      });
      arrive(notification.subarray(0, at));
      const pipeline = pipelineOn(client);
      expect(await pipeline.run(LENGTH, [Buffer.alloc(7)], 5_000)).toEqual([[[7]]]);
      pipeline.end();
      expect(texts).toEqual([TEXT]);
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    },
  );

  test.each([1, 3, 5, 21, 1_000, 1_001])(
    'is handed on: %i bytes have come when it is given back',
    async (at) => {
      let half = false;
      const arrive = intercept(client.connection.stream, (chunk, pass) => {
        pass(half ? Buffer.concat([chunk, notification.subarray(0, at)]) : chunk);
        half = false;
      });
      const pipeline = pipelineOn(client);
      await pipeline.run(LENGTH, [Buffer.alloc(7)], 5_000);
      half = true;
      expect(await pipeline.run(LENGTH, [Buffer.alloc(8)], 5_000)).toEqual([[[8]]]);
      pipeline.end();
      expect(texts).toEqual([]);
      arrive(notification.subarray(at));
      expect(texts).toEqual([TEXT]);
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    },
  );

  test('a batch that waits for the client’s ReadyForQuery takes the socket over after the parser’s event', async () => {
    // The server's last bytes, ReadyForQuery, come by themselves, when the next batch is queued already.
    intercept(client.connection.stream, (chunk, pass) => {
      if (chunk[0] !== 0x45) return pass(chunk);
      pass(chunk.subarray(0, -6));
      setImmediate(() => pass(chunk.subarray(-6)));
    });
    const pipeline = pipelineOn(client);
    const divide = { ...LENGTH, name: 'divide', text: 'SELECT 8 / length($1::bytea)' };
    for (let n = 0; n < 3; n++) {
      await expect(pipeline.run(divide, [Buffer.alloc(0)], 5_000)).rejects.toMatchObject({ code: '22012' });
      expect(await pipeline.run(divide, [Buffer.alloc(4)], 5_000)).toEqual([[[2]]]);
    }
    pipeline.end();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('an error in pieces costs neither the next batch nor the client', async () => {
    intercept(client.connection.stream, (chunk, pass) => {
      for (let at = 0; at < chunk.length; at++) pass(chunk.subarray(at, at + 1));
    });
    const pipeline = pipelineOn(client);
    const divide = { ...LENGTH, name: 'divide', text: 'SELECT 8 / length($1::bytea)' };
    for (let n = 0; n < 3; n++) {
      await expect(pipeline.run(divide, [Buffer.alloc(0)], 5_000)).rejects.toMatchObject({ code: '22012' });
      expect(await pipeline.run(divide, [Buffer.alloc(4)], 5_000)).toEqual([[[2]]]);
    }
    pipeline.end();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

const row = (count: number, ...body: number[]): Buffer => message('D', Buffer.from([0, count, ...body]));
const COMPLETE = message('C', Buffer.from('SELECT 1\0'));
const READY = message('Z', Buffer.from('I'));

describe('what is no answer of PostgreSQL’s ends the connection, and not the process:', () => {
  test.each<[string, Buffer]>([
    ['a length below 4', message('D', Buffer.alloc(8), 3)],
    ['a length of 0', message('E', Buffer.alloc(8), 0)],
    ['a negative length', message('D', Buffer.alloc(8), -5)],
    ['the least length', message('A', Buffer.alloc(8), -(2 ** 31))],
    ['an absurd length', message('D', Buffer.alloc(8), 2 ** 31 - 1)],
    ['a column beyond the row', Buffer.concat([row(15, 0, 0, 1, 0, 1, 2), COMPLETE, READY])],
    [
      'a row with a column too many',
      Buffer.concat([row(16, ...Array(16).fill([255, 255, 255, 255]).flat()), COMPLETE, READY]),
    ],
    ['a row without columns', Buffer.concat([row(0), COMPLETE, READY])],
    ['a ReadyForQuery without an answer', READY],
    ['two answers to one question', Buffer.concat([COMPLETE, COMPLETE, READY])],
  ])('%s', async (_what, garbage) => {
    const engine = engineOnPool(pool, { ...TIMEOUTS, answer: 3_000 });
    const verifier = verifierOn(engine);
    expect(await verifier.verify(key.raw)).toMatchObject({ code: 'VALID' });
    const closed: Promise<unknown>[] = [];
    const spoil = (client: pg.PoolClient): void => {
      const { stream } = (client as unknown as pg.Client).connection;
      closed.push(new Promise((resolve) => stream.once('close', resolve)));
      intercept(stream, (_chunk, pass) => pass(garbage));
    };
    // The look-up is asked once more, on another connection, and that one is spoilt too.
    pool.on('acquire', spoil);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await expect(verifier.verify(key.raw)).rejects.toBeInstanceOf(ApiKeysError);
    expect(closed.length).toBeGreaterThan(0);
    await Promise.all(closed);
    pool.removeAllListeners('acquire');
    expect(await verifier.verify(key.raw)).toMatchObject({ code: 'VALID' });
    await engine.close();
  });
});
