import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/db/engine.js';
import { transaction } from '../../../src/db/transaction.js';
import { ApiKeysError } from '../../../src/errors.js';
import { eventIsStored, insertEvents } from '../../../src/repository/audit.js';
import { type TestDatabase, testDatabase, testRole } from '../../helpers/database.js';
import { type RuleOptions, startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { probeEvent } from './events.js';
import { type EngineOptions, openEngine, openKeys } from './opened.js';
import { CREATED, NOTHING, serverIdle, storedOf } from './stored.js';

const NAME = 'lost-commit';
const COMMIT = { direction: 'frontend', match: { type: 'Q', text: /^COMMIT$/ } } as const;
const ANSWER = { direction: 'backend', match: { type: 'C', text: 'COMMIT' } } as const;

let database: TestDatabase;
let proxy: WireProxy;

beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(() => proxy.reset());

interface Ended {
  readonly code: string;
  readonly message: string;
  readonly ms: number;
}

async function ended(work: () => Promise<unknown>): Promise<Ended> {
  const start = performance.now();
  const [code, message] = await work().then(
    () => ['done', ''] as const,
    (error: unknown) => {
      if (error instanceof ApiKeysError) return [error.code, error.message] as const;
      throw error;
    },
  );
  return { code, message, ms: performance.now() - start };
}

/** Creates a key for `owner` over the proxy. */
async function create(
  owner: string,
  { url = database.url, ...options }: EngineOptions & { url?: string } = {},
): Promise<Ended> {
  const keys = openKeys(proxy.url(url), { name: NAME, ...options });
  try {
    return await ended(() => keys.create({ name: owner, owner, actor: 'test' }));
  } finally {
    await keys.close();
  }
}

async function storedInTheEnd(owner: string) {
  await serverIdle(database, NAME);
  return storedOf(database, owner);
}

describe('while the database stays away', () => {
  const lost: [string, RuleOptions, typeof NOTHING][] = [
    ['a COMMIT that never arrived', { ...COMMIT, action: 'cut-before' }, NOTHING],
    ['a COMMIT whose answer was lost', { ...COMMIT, action: 'cut-after' }, CREATED],
  ];
  test.each(lost)('%s has an unknown outcome, told in time', async (what, rule, stored) => {
    void proxy.arm(rule).fired.then(() => proxy.refuse());
    const { code, message, ms } = await create(what, { timeouts: { answer: 2_000 } });
    expect(code).toBe('OUTCOME_UNKNOWN');
    expect(message).toContain('the key that was shown may or may not work');
    expect(ms).toBeLessThan(2_000);
    expect(await storedInTheEnd(what)).toEqual(stored);
  });

  test('the outcome of a COMMIT that nobody answers is told in time too', async () => {
    void proxy.arm({ ...COMMIT, action: 'hold-before' }).fired.then(() => proxy.blackhole());
    const { code, ms } = await create('swallowed', { timeouts: { connect: 1_000, answer: 2_000 } });
    expect(code).toBe('OUTCOME_UNKNOWN');
    expect(ms).toBeLessThan(3_500);
  });
});

test('a database that comes back in time gives the definite answer', async () => {
  const rule = proxy.arm({ ...ANSWER, action: 'cut-before' });
  void rule.fired.then(async () => {
    proxy.refuse();
    await sleep(700);
    await proxy.reset();
  });
  expect(await create('back again')).toMatchObject({ code: 'done' });
  expect(await storedInTheEnd('back again')).toEqual(CREATED);
});

test('an answer that is lost once more is asked for once more', async () => {
  let first = Number.POSITIVE_INFINITY;
  void proxy.arm({ ...ANSWER, action: 'cut-before' }).fired.then(({ connection }) => {
    first = connection;
  });
  // One while logging in again, one while asking.
  const later = [3, 25].map((index) =>
    proxy.arm({
      direction: 'backend',
      index,
      match: ({ connection }) => connection > first,
      action: 'cut-before',
    }),
  );
  expect(await create('twice')).toMatchObject({ code: 'done' });
  expect(later.map((rule) => rule.hasFired())).toEqual([true, true]);
  expect(await storedInTheEnd('twice')).toEqual(CREATED);
});

describe('while the transaction is still under way', () => {
  /** Stores one event in a transaction that may stand idle for `idle` milliseconds. */
  const store = (engine: Engine, id: string, idle: number) =>
    transaction(engine, (session) => insertEvents(session, [{ ...probeEvent(id), dbRole: role() }]), {
      wasCommitted: (session) => eventIsStored(session, id),
      idle,
    });
  /** Whom the server takes the session for: it writes that itself. */
  const role = () => new URL(database.url).username;
  const isStored = async (id: string) =>
    (await database.query('SELECT 1 FROM apikeys.audit_events WHERE id = $1', [id])).length === 1;

  /** Holds the COMMIT for longer than its answer is waited for, then lets `after` decide. */
  async function held(idle: number, after: (release: () => void) => void, hold = 1_200) {
    const engine = openEngine(proxy.url(database.url), {
      name: NAME,
      timeouts: { answer: 1_000, lock: 400, statement: 800 },
    });
    const id = randomUUID();
    const rule = proxy.arm({ ...COMMIT, action: 'hold-before' });
    void rule.fired.then(async () => {
      await sleep(hold);
      after(() => rule.release());
    });
    try {
      const outcome = await ended(() => store(engine, id, idle));
      await engine.close();
      await serverIdle(database, NAME);
      return { ...outcome, stored: await isStored(id) };
    } finally {
      await engine.close();
    }
  }

  test('its COMMIT that arrives late is waited for', async () => {
    const { code, stored, ms } = await held(5_000, (release) => release());
    expect({ code, stored }).toEqual({ code: 'done', stored: true });
    expect(ms).toBeGreaterThan(1_200);
  });

  test('the loss of its connection is waited for', async () => {
    const { code, stored, message } = await held(5_000, () => proxy.cutAll());
    expect({ code, stored }).toEqual({ code: 'DATABASE_UNREACHABLE', stored: false });
    expect(message).toContain('nothing was changed');
  });

  test('the server ends it for standing idle, and that is an answer', async () => {
    const { code, stored } = await held(1_500, (release) => release(), 10_000);
    expect({ code, stored }).toEqual({ code: 'DATABASE_UNREACHABLE', stored: false });
  }, 30_000);
});

test('an interruption does not keep the outcome from being found out', async () => {
  const interruption = new AbortController();
  void proxy.arm({ ...COMMIT, action: 'cut-after' }).fired.then(() => interruption.abort());
  expect(await create('interrupted', { signal: interruption.signal })).toMatchObject({ code: 'done' });
  expect(await storedInTheEnd('interrupted')).toEqual(CREATED);
});

test('an interruption before COMMIT is sent leaves nothing, and says that the shown key is dead', async () => {
  const interruption = new AbortController();
  const keys = openKeys(database.url, { name: NAME, signal: interruption.signal });
  const outcome = await ended(() =>
    keys.create({ name: 'n', owner: 'early', actor: 'test' }, async () => interruption.abort()),
  );
  await keys.close();
  expect(outcome).toMatchObject({ code: 'INTERRUPTED' });
  expect(outcome.message).toContain('the key that was shown is dead');
  expect(await storedInTheEnd('early')).toEqual(NOTHING);
});

test('a role that reads only since, unless told otherwise, can settle too', async () => {
  const role = await testRole(database, {
    grants: ['USAGE ON SCHEMA apikeys', 'ALL ON ALL TABLES IN SCHEMA apikeys'],
  });
  const keys = openKeys(proxy.url(role.url), { name: NAME });
  try {
    await keys.list({});
    // For the sessions after the one that is there.
    await database.query(`ALTER ROLE ${role.name} SET default_transaction_read_only = on`);
    proxy.arm({ ...ANSWER, action: 'cut-before' });
    const create = () => keys.create({ name: 'reader', owner: 'reader', actor: 'test' });
    expect(await ended(create)).toMatchObject({ code: 'done' });
    expect(await storedInTheEnd('reader')).toEqual(CREATED);
  } finally {
    await keys.close();
    await role.drop();
  }
});
