import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { describeMessage, startProxy, type WireProxy } from '../../helpers/wire-proxy.js';

let database: TestDatabase;
let proxy: WireProxy;
const clients: pg.Client[] = [];

beforeAll(async () => {
  database = await testDatabase({ migrated: false });
  await database.query('CREATE TABLE notes (body text)');
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(async () => {
  await proxy.reset();
  await database.query('TRUNCATE notes');
});
afterEach(async () => {
  proxy.cutAll();
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
});

async function connect(settings: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.url(database.url), ...settings });
  client.on('error', () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

async function notes(): Promise<string[]> {
  const rows = await database.query<{ body: string }>('SELECT body FROM notes ORDER BY body');
  return rows.map(({ body }) => body);
}

/** Waits until no server process is left that came through the proxy. */
async function serverIdle(): Promise<void> {
  for (;;) {
    const busy = await database.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'proxied'`,
    );
    if (busy.length === 0) return;
    await sleep(10);
  }
}

/** Begins, inserts one row with a parameter and commits. */
async function insert(body: string): Promise<void> {
  const client = await connect({ application_name: 'proxied' });
  await client.query('BEGIN');
  await client.query('INSERT INTO notes VALUES ($1)', [body]);
  await client.query('COMMIT');
}

/** `done`, or that the promise has not been settled after a moment. */
async function soon(promise: Promise<unknown>): Promise<'done' | 'failed' | 'pending'> {
  const outcome = promise.then(
    () => 'done' as const,
    () => 'failed' as const,
  );
  return Promise.race([outcome, sleep(300, 'pending' as const)]);
}

test('records what passes', async () => {
  await insert('a');
  const lines = proxy.transcript.map((message) => describeMessage(message).slice(2));
  const login = lines.indexOf('B Z I');
  expect(lines[0]).toBe('F startup');
  expect(lines.slice(login + 1)).toEqual([
    'F Q BEGIN',
    'B C BEGIN',
    'B Z T',
    'F P INSERT INTO notes VALUES ($1)',
    'F B',
    'F D',
    'F E',
    'F S',
    'B 1',
    'B 2',
    'B n',
    'B C INSERT 0 1',
    'B Z T',
    'F Q COMMIT',
    'B C COMMIT',
    'B Z I',
  ]);
});

test('forwards large values whole', async () => {
  const client = await connect();
  const value = 'x'.repeat(3_000_000);
  const { rows } = await client.query<{ back: string }>('SELECT $1::text AS back', [value]);
  expect(rows[0]?.back === value).toBe(true);
});

test('cut-before a COMMIT: nothing is stored', async () => {
  const rule = proxy.arm({
    direction: 'frontend',
    match: { type: 'Q', text: 'COMMIT' },
    action: 'cut-before',
  });
  await expect(insert('a')).rejects.toThrow();
  expect((await rule.fired).text).toBe('COMMIT');
  await rule.settled;
  await serverIdle();
  expect(await notes()).toEqual([]);
});

test.each(['drain', 'destroy'] as const)(
  'cut-after a COMMIT (%s): stored, and the client does not know',
  async (server) => {
    const rule = proxy.arm({
      direction: 'frontend',
      match: { text: /^COMMIT$/ },
      action: 'cut-after',
      server,
    });
    await expect(insert('a')).rejects.toThrow();
    await rule.settled;
    await serverIdle();
    expect(await notes()).toEqual(['a']);
    const answered = proxy.transcript.some(({ type, text }) => type === 'C' && text === 'COMMIT');
    expect(answered).toBe(server === 'drain');
  },
);

test('cut-after cuts the client while the server is still at work', async () => {
  const rule = proxy.arm({ direction: 'frontend', match: { text: 'pg_sleep' }, action: 'cut-after' });
  const client = await connect();
  let settled = false;
  void rule.settled.then(() => {
    settled = true;
  });
  await expect(client.query(`INSERT INTO notes SELECT 'late' FROM pg_sleep(0.5)`)).rejects.toThrow();
  expect(settled).toBe(false);
  expect(await notes()).toEqual([]);
  await rule.settled;
  expect(await notes()).toEqual(['late']);
});

test('cut-before the answer to COMMIT: stored, and the client does not know', async () => {
  proxy.arm({ direction: 'backend', match: { type: 'C', text: 'COMMIT' }, action: 'cut-before' });
  await expect(insert('a')).rejects.toThrow();
  expect(await notes()).toEqual(['a']);
});

test('cut-after an answer: the client gets it and loses the connection then', async () => {
  const client = await connect();
  const lost = new Promise<void>((resolve) => client.once('end', () => resolve()));
  proxy.arm({ direction: 'backend', match: { type: 'Z' }, action: 'cut-after' });
  const { rows } = await client.query<{ one: number }>('SELECT 1 AS one');
  expect(rows).toEqual([{ one: 1 }]);
  await lost;
});

test('cuts with a reset', async () => {
  proxy.arm({ direction: 'frontend', match: { text: 'SELECT 1' }, action: 'cut-before', reset: true });
  const client = await connect();
  await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('hold-before keeps the message back until it is released', async () => {
  const rule = proxy.arm({ direction: 'frontend', match: { text: 'INSERT' }, action: 'hold-before' });
  const client = await connect();
  const query = client.query(`INSERT INTO notes VALUES ('a')`);
  await rule.fired;
  expect(await soon(query)).toBe('pending');
  expect(await notes()).toEqual([]);
  rule.release();
  await query;
  expect(await notes()).toEqual(['a']);
});

test('hold-after delivers the message and keeps its answer back', async () => {
  const rule = proxy.arm({ direction: 'frontend', match: { text: 'INSERT' }, action: 'hold-after' });
  const client = await connect();
  const query = client.query(`INSERT INTO notes VALUES ('a')`);
  await rule.fired;
  expect(await soon(query)).toBe('pending');
  expect(await notes()).toEqual(['a']);
  rule.release();
  expect((await query).rowCount).toBe(1);
});

test('a held connection hides from the server that the client has gone', async () => {
  const rule = proxy.arm({ direction: 'frontend', match: { text: 'INSERT' }, action: 'hold-after' });
  const client = await connect({ application_name: 'proxied' });
  await client.query('BEGIN');
  client.query(`INSERT INTO notes VALUES ('a')`).catch(() => undefined);
  await rule.fired;
  client.connection.stream.destroy();
  expect(await soon(serverIdle())).toBe('pending');
  rule.release();
  await serverIdle();
});

test('reset cuts what was held and leaves the rest', async () => {
  const rule = proxy.arm({ direction: 'frontend', match: { text: 'held' }, action: 'hold-before' });
  const [first, second] = await Promise.all([connect(), connect()]);
  const query = first.query(`SELECT 'held'`);
  await Promise.all([
    expect(query).rejects.toThrow(),
    rule.fired.then(async () => {
      await proxy.reset();
    }),
  ]);
  expect((await second.query('SELECT 1')).rowCount).toBe(1);
});

test('counts messages over all connections, or over one', async () => {
  const [first, second] = [await connect(), await connect()];
  const connection = proxy.transcript.at(-1)?.connection;
  if (connection === undefined) throw new Error('nothing was recorded');

  const third = proxy.arm({ direction: 'frontend', match: { type: 'Q' }, index: 2, action: 'cut-before' });
  await first.query('SELECT 1');
  await second.query('SELECT 2');
  await expect(first.query('SELECT 3')).rejects.toThrow();
  expect((await third.fired).text).toBe('SELECT 3');

  const own = proxy.arm({ direction: 'frontend', connection, index: 1, action: 'cut-before' });
  const other = await connect();
  await other.query('SELECT 4');
  await second.query('SELECT 5');
  expect(own.hasFired()).toBe(false);
  await expect(second.query('SELECT 6')).rejects.toThrow();
});

test('a rule fires once, or for every message from its index on', async () => {
  proxy.arm({ direction: 'frontend', match: { type: 'startup' }, action: 'cut-before' });
  await expect(connect()).rejects.toThrow();
  await connect();

  const rule = proxy.arm({
    direction: 'frontend',
    match: ({ type }) => type === 'startup',
    action: 'cut-before',
    once: false,
  });
  await expect(connect()).rejects.toThrow();
  await expect(connect()).rejects.toThrow();
  rule.disarm();
  await connect();
});

test('every cut point of a transaction ends in stored or not stored, never in half', async () => {
  await insert('clean');
  const points = proxy.transcript.map(({ direction }) => direction);
  const executed = proxy.transcript.findIndex(
    ({ direction, text }) => direction === 'backend' && text === 'COMMIT',
  );
  proxy.cutAll();

  const seen = { frontend: 0, backend: 0 };
  for (const [position, direction] of points.entries()) {
    const index = seen[direction]++;
    for (const action of ['cut-before', 'cut-after'] as const) {
      await proxy.reset();
      await database.query('TRUNCATE notes');
      const rule = proxy.arm({ direction, index, action });
      const outcome = await soon(insert('a'));
      await rule.settled;
      await serverIdle();
      const commitArrived = position >= executed || (position === executed - 1 && action === 'cut-after');
      expect({ position, action, stored: await notes() }).toEqual({
        position,
        action,
        stored: commitArrived ? ['a'] : [],
      });
      if (outcome === 'done') expect(position).toBe(points.length - 1);
    }
  }
});

test('a black hole accepts connections and answers nothing', async () => {
  const existing = await connect();
  proxy.blackhole();
  const socket = createConnection(proxy.port, proxy.host);
  await once(socket, 'connect');
  socket.destroy();
  await expect(connect({ connectionTimeoutMillis: 300 })).rejects.toThrow('timeout');
  const query = existing.query('SELECT 1');
  query.catch(() => undefined);
  expect(await soon(query)).toBe('pending');
  await proxy.reset();
  await expect(query).rejects.toThrow();
  await connect();
});

test('refuses new connections and lets the others go on', async () => {
  const existing = await connect();
  proxy.refuse();
  await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await existing.query('SELECT 1')).rowCount).toBe(1);
  await proxy.reset();
  await connect();
});

test('passes a server that is gone on to the client', async () => {
  const nowhere = await startProxy({ target: { host: '127.0.0.1', port: 1 } });
  const client = new pg.Client({ connectionString: nowhere.url(database.url) });
  await expect(client.connect()).rejects.toThrow();
  await nowhere.close();
});
