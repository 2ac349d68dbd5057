import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { pipelineOn } from '../../../src/db/pipeline/pipeline.js';
import { hashSecret } from '../../../src/domain/secret.js';
import { findSecretsByHash } from '../../../src/repository/verify.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { openEngine, openKeys } from '../db/opened.js';
import { type MadeKey, makeKey, verifierOn } from './verifiers.js';

const ANSWER = { direction: 'backend', match: { type: 'D' } } as const;

let database: TestDatabase;
let proxy: WireProxy;
let keys: MadeKey[];
let engine: Engine;

beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
  const service = openKeys(database.url);
  keys = [];
  for (let n = 0; n < 64; n++) keys.push(await makeKey({ service }));
  await service.close();
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(async () => {
  await proxy.reset();
  engine = openEngine(proxy.url(database.url), { max: 8 });
});
afterEach(() => engine.close());

const one = (): MadeKey => {
  const [key] = keys;
  if (key === undefined) throw new Error('there are no keys yet');
  return key;
};
const executions = () =>
  proxy.transcript.filter(({ direction, type }) => direction === 'frontend' && type === 'E');
const verifies = () =>
  proxy.transcript.filter(
    ({ direction, type, text }) => direction === 'frontend' && type === 'P' && text?.includes('apikeys.keys'),
  );

describe('64 callers at once', () => {
  test('each get their own answer', async () => {
    const verifier = verifierOn(engine);
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(keys.map(({ raw }) => verifier.verify(raw)));
      expect(answers.map(({ key }) => key?.id)).toEqual(keys.map(({ id }) => id));
    }
  });

  test('share a few round trips', async () => {
    const verifier = verifierOn(engine);
    await verifier.verify(one().raw);
    const before = executions().length;
    await Promise.all(keys.map(({ raw }) => verifier.verify(raw)));
    const sent = executions().length - before;
    // Each new connection is asked for its process once.
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(8);
  });

  test('get theirs from a pool of one connection too', async () => {
    const narrow = openEngine(proxy.url(database.url), { max: 1 });
    try {
      const verifier = verifierOn(narrow);
      const answers = await Promise.all([...keys, ...keys, ...keys].map(({ raw }) => verifier.verify(raw)));
      expect(answers.every(({ valid }) => valid)).toBe(true);
    } finally {
      await narrow.close();
    }
  });
});

test('a call that comes while an answer is under way is asked for by itself', async () => {
  const verifier = verifierOn(engine);
  await verifier.verify(one().raw);
  const held = proxy.arm({ ...ANSWER, action: 'hold-before' });
  const early = verifier.verify(one().raw);
  await held.fired;
  await database.query('UPDATE apikeys.keys SET revoked_at = now() WHERE id = $1', [one().id]);
  const late = verifier.verify(one().raw);
  expect(await late).toMatchObject({ code: 'REVOKED' });
  held.release();
  expect(await early).toMatchObject({ code: 'VALID' });
  await database.query('UPDATE apikeys.keys SET revoked_at = NULL WHERE id = $1', [one().id]);
});

describe('a connection that is lost', () => {
  test('before its answer is replaced once, and nobody notices', async () => {
    const verifier = verifierOn(engine);
    await verifier.verify(one().raw);
    const rule = proxy.arm({ ...ANSWER, action: 'cut-before' });
    const answers = await Promise.all(keys.map(({ raw }) => verifier.verify(raw)));
    expect(rule.hasFired()).toBe(true);
    expect(answers.map(({ key }) => key?.id)).toEqual(keys.map(({ id }) => id));
  });

  test('each time is told', async () => {
    const verifier = verifierOn(engine);
    await verifier.verify(one().raw);
    proxy.arm({ ...ANSWER, action: 'cut-before', once: false });
    const error = await verifier.verify(one().raw).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ApiKeysError', code: 'DATABASE_UNREACHABLE' });
    expect(JSON.stringify(error)).not.toContain(one().raw.slice(3, 20));
    await proxy.reset();
    expect(await verifier.verify(one().raw)).toMatchObject({ code: 'VALID' });
  });

  test('by the server under load changes no answer', async () => {
    const verifier = verifierOn(engine);
    let over = false;
    let asked = 0;
    const callers = keys.map(async ({ id, raw }) => {
      for (; !over; asked++) {
        // Two losses in a row of one call are allowed to be told.
        const answer = await verifier.verify(raw).catch((error: { code?: string }) => error.code);
        if (typeof answer === 'string') expect(answer).toBe('DATABASE_UNREACHABLE');
        else expect([answer?.code, answer?.key?.id]).toEqual(['VALID', id]);
      }
    });
    for (let round = 0; round < 10; round++) {
      await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'apikeys'`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    over = true;
    await Promise.all(callers);
    expect(asked).toBeGreaterThan(64);
  });
});

describe('a database that is silent', () => {
  test('is waited for no longer than for an answer', async () => {
    const impatient = openEngine(proxy.url(database.url), {
      timeouts: { answer: 600, connect: 600 },
      max: 2,
    });
    try {
      const verifier = verifierOn(impatient);
      await verifier.verify(one().raw);
      proxy.blackhole();
      const start = performance.now();
      const waiting = Array.from({ length: 100 }, () =>
        verifier.verify(one().raw).catch((error) => error.code),
      );
      const codes = new Set(await Promise.all(waiting));
      // Those for whom there was no connection hear one or the other: which time is over first is a matter of moments.
      expect(codes.delete('DATABASE_TIMEOUT')).toBe(true);
      expect([...codes].filter((code) => code !== 'DATABASE_BUSY')).toEqual([]);
      expect(performance.now() - start).toBeLessThan(1_800);
      await proxy.reset();
      expect(await verifier.verify(one().raw)).toMatchObject({ code: 'VALID' });
    } finally {
      await impatient.close();
    }
  });

  test('fails those who waited for a connection, and not who came when it was as good as lost', async () => {
    const fresh = openEngine(proxy.url(database.url), { max: 1 });
    try {
      const verifier = verifierOn(fresh);
      await verifier.verify(one().raw);
      proxy.cutAll();
      proxy.blackhole();
      const early = verifier.verify(one().raw).catch((error) => error.code);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const late = verifier.verify(one().raw);
      await proxy.reset();
      expect(await early).toBe('DATABASE_UNREACHABLE');
      expect(await late).toMatchObject({ code: 'VALID' });
    } finally {
      await fresh.close();
    }
  });

  test('that refuses connections is told at once', async () => {
    proxy.refuse();
    await expect(verifierOn(engine).verify(one().raw)).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
  });
});

describe('prepared statements', () => {
  async function withClient(work: (client: pg.Client) => Promise<void>) {
    const client = new pg.Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  }
  async function ask(client: pg.Client, count: number) {
    const pipeline = pipelineOn(client);
    try {
      const hashes = keys.slice(0, count).map(({ raw }) => hashSecret(raw));
      return await findSecretsByHash(pipeline, hashes, 5_000);
    } finally {
      pipeline.end();
    }
  }
  const prepared = async (client: pg.Client) =>
    (await client.query('SELECT name FROM pg_prepared_statements ORDER BY name')).rows.map(
      ({ name }) => name,
    );
  const ids = (count: number) => keys.slice(0, count).map(({ id }) => id);
  const expectAll = async (client: pg.Client) => {
    for (const count of [1, 3, 4, 64]) {
      expect((await ask(client, count)).map((found) => found?.key.id)).toEqual(ids(count));
    }
  };

  test('are kept on a direct connection, and sent once', async () => {
    await withClient(async (client) => {
      await expectAll(client);
      await expectAll(client);
      expect(await prepared(client)).toEqual(['apikeys_newest_many_4', 'apikeys_newest_one_4']);
    });
    const verifier = verifierOn(engine);
    for (let n = 0; n < 10; n++) await verifier.verify(one().raw);
    expect(verifies()).toHaveLength(1);
  });

  test('are not kept where the login named another process, as a pooler does', async () => {
    await withClient(async (client) => {
      Object.assign(client, { processID: 1 });
      await expectAll(client);
      await expectAll(client);
      expect(await prepared(client)).toEqual([]);
    });
  });

  test('that someone dropped, or took the name of, cost nobody an answer', async () => {
    await withClient(async (client) => {
      await expectAll(client);
      await client.query('DEALLOCATE ALL');
      await expectAll(client);
    });
    await withClient(async (client) => {
      await client.query(`PREPARE apikeys_newest_one_4 AS SELECT 'someone else''s'`);
      await expectAll(client);
    });
  });

  test('that a change of the schema made unfit cost nobody an answer', async () => {
    await withClient(async (client) => {
      await expectAll(client);
      await database.query('ALTER TABLE apikeys.keys ALTER COLUMN name TYPE varchar(200)');
      try {
        await expectAll(client);
      } finally {
        await database.query('ALTER TABLE apikeys.keys ALTER COLUMN name TYPE text');
      }
    });
  });
});
