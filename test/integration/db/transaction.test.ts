import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import type { Engine, Session } from '../../../src/db/engine.js';
import { read, transaction } from '../../../src/db/transaction.js';
import { ApiKeysError } from '../../../src/errors.js';
import { type TestDatabase, testDatabase, testRole } from '../../helpers/database.js';
import { type EngineOptions, openEngine } from './opened.js';

let database: TestDatabase;
let engine: Engine;
const opened: Engine[] = [];

beforeAll(async () => {
  database = await testDatabase({ migrated: false });
  await database.query('CREATE TABLE notes (id integer PRIMARY KEY, body text)');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.query(`TRUNCATE notes; INSERT INTO notes VALUES (1, 'one'), (2, 'two')`);
  engine = open();
});
afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

function open(options?: EngineOptions, url = database.url): Engine {
  const one = openEngine(url, options);
  opened.push(one);
  return one;
}

const never = { wasCommitted: () => Promise.reject(new Error('there is nothing to settle')) };
const write = (body: string) => (session: Session) =>
  session.rows(sql`UPDATE public.notes SET body = ${body} WHERE id = 1`);
const body = async (id = 1) =>
  (await database.query<{ body: string }>('SELECT body FROM notes WHERE id = $1', [id]))[0]?.body;
const backend = async (session: Session) =>
  (await session.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`))[0]?.pid ?? 0;
const pidOf = (of: Engine) => of.use(backend);
const pause = (session: Session, seconds: number) => session.rows(sql`SELECT pg_sleep(${seconds})`);

async function failure(promise: Promise<unknown>): Promise<ApiKeysError> {
  const error = await promise.then(
    () => new Error('it was done'),
    (reason: unknown) => reason,
  );
  if (error instanceof ApiKeysError) return error;
  throw error;
}

describe('a transaction', () => {
  test('resolves to what its work gave, once that is stored', async () => {
    const result = await transaction(
      engine,
      async (session) => {
        await write('new')(session);
        return 7;
      },
      never,
    );
    expect(result).toBe(7);
    expect(await body()).toBe('new');
  });

  test('whose COMMIT the server answers with ROLLBACK has failed', async () => {
    const swallowing = transaction(
      engine,
      async (session) => {
        await write('new')(session);
        await session.rows(sql`SELECT 1 / 0`).catch(() => undefined);
      },
      never,
    );
    expect((await failure(swallowing)).message).toContain('nothing was changed');
    expect(await body()).toBe('one');
  });

  test('that a rule of ours refuses is rolled back, and its connection goes on', async () => {
    const before = await pidOf(engine);
    const refused = transaction(
      engine,
      async (session) => {
        await write('new')(session);
        throw new ApiKeysError('LIMIT_REACHED', 'no');
      },
      never,
    );
    expect((await failure(refused)).code).toBe('LIMIT_REACHED');
    expect(await body()).toBe('one');
    expect(await pidOf(engine)).toBe(before);
  });

  test('that fails in any other way takes its connection with it', async () => {
    const before = await pidOf(engine);
    const broken = transaction(
      engine,
      async (session) => {
        await write('new')(session);
        throw new TypeError('rv_secret');
      },
      never,
    );
    const error = await failure(broken);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(JSON.stringify([error.message, error.stack, hintOf(error)])).not.toContain('rv_secret');
    expect(await body()).toBe('one');
    expect(await pidOf(engine)).not.toBe(before);
  });

  test('hides what the server said, and keeps its SQLSTATE', async () => {
    const insert = (session: Session) => session.rows(sql`INSERT INTO public.notes VALUES (1, 'hash')`);
    const error = await failure(transaction(engine, insert, never));
    expect(error).toMatchObject({ code: 'INTERNAL', sqlState: '23505' });
    expect(JSON.stringify(error)).not.toContain('notes');
  });
});

describe('the interference of others', () => {
  /** Both work on the two rows, in the opposite order. */
  const crossing = (first: number, second: number, runs: string[]) => async (session: Session) => {
    runs.push(`${first}`);
    await session.rows(sql`UPDATE public.notes SET body = body || ${first} WHERE id = ${first}`);
    await sleep(150);
    await session.rows(sql`UPDATE public.notes SET body = body || ${first} WHERE id = ${second}`);
  };

  test('a deadlock is resolved by running the transaction again', async () => {
    const other = open();
    const runs: string[] = [];
    await Promise.all([
      transaction(engine, crossing(1, 2, runs), never),
      transaction(other, crossing(2, 1, runs), never),
    ]);
    expect(runs.length).toBeGreaterThan(2);
    expect((await body(1))?.length).toBe('one'.length + 2);
    expect((await body(2))?.length).toBe('two'.length + 2);
  });

  test.each(['40001', '40P01'])('SQLSTATE %s is reported as busy after five tries', async (state) => {
    let runs = 0;
    const colliding = async (session: Session) => {
      runs++;
      await write(`run ${runs}`)(session);
      const raise = `DO $$ BEGIN RAISE EXCEPTION 'row' USING ERRCODE = '${state}'; END $$`;
      await session.rows(sql.raw(raise));
    };
    expect(await failure(transaction(engine, colliding, never))).toMatchObject({
      code: 'DATABASE_BUSY',
      sqlState: state,
    });
    expect(runs).toBe(5);
    expect(await body()).toBe('one');
  });

  test('a race that the work names is run again', async () => {
    let runs = 0;
    const racing = async (session: Session) => {
      if (runs++ === 0) await session.rows(sql`INSERT INTO public.notes VALUES (1, 'twice')`);
      return write('won')(session);
    };
    await transaction(engine, racing, { ...never, isRace: () => true });
    expect(runs).toBe(2);
    expect(await body()).toBe('won');
  });
});

describe('the limits of time', () => {
  const limited = (timeouts: EngineOptions['timeouts']) => open({ ...(timeouts && { timeouts }) });

  test('a statement that takes too long', async () => {
    const slow = limited({ statement: 200 });
    const error = await failure(transaction(slow, (session) => pause(session, 5), never));
    expect(error).toMatchObject({ code: 'DATABASE_TIMEOUT', sqlState: '57014' });
  });

  test('a row that somebody else holds', async () => {
    const waiting = limited({ lock: 200 });
    await transaction(
      engine,
      async (session) => {
        await write('held')(session);
        const error = await failure(transaction(waiting, write('mine'), never));
        expect(error).toMatchObject({ code: 'DATABASE_BUSY', sqlState: '55P03' });
      },
      never,
    );
    expect(await body()).toBe('held');
  });

  test('a transaction that stands idle', async () => {
    const work = async (session: Session) => {
      await write('idle')(session);
      await sleep(600);
      await write('late')(session);
    };
    const idle = transaction(engine, work, { ...never, idle: 200 });
    expect(['DATABASE_TIMEOUT', 'DATABASE_UNREACHABLE']).toContain((await failure(idle)).code);
    expect(await body()).toBe('one');
  });

  test('a transaction that stands idle until its COMMIT was not stored', async () => {
    const work = async (session: Session) => {
      await write('idle')(session);
      await sleep(600);
    };
    let asked = 0;
    const idle = transaction(engine, work, {
      idle: 200,
      wasCommitted: async () => {
        asked++;
        return false;
      },
    });
    const error = await failure(idle);
    // The server says itself that it has ended it, so there is nothing to find out; or its word is lost with the connection.
    expect(asked).toBe(error.code === 'DATABASE_TIMEOUT' ? 0 : 1);
    expect(['DATABASE_TIMEOUT', 'DATABASE_UNREACHABLE']).toContain(error.code);
    expect(await body()).toBe('one');
  });

  test('an answer that does not come', async () => {
    const impatient = limited({ answer: 300, statement: 10_000 });
    const before = await pidOf(impatient);
    const error = await failure(transaction(impatient, (session) => pause(session, 5), never));
    expect(error).toMatchObject({ code: 'DATABASE_TIMEOUT' });
    expect(await pidOf(impatient)).not.toBe(before);
  });

  test('hold for the transaction alone', async () => {
    const one = open({ max: 1, timeouts: { statement: 250 } });
    await transaction(one, (session) => session.rows(sql`SELECT 1`), never);
    await one.use((session) => pause(session, 0.5));
  });

  test('a pool whose connections are all in use', async () => {
    const single = limited({ connect: 300 });
    await single.use(async () => {
      const error = await failure(transaction(single, write('more'), never));
      expect(error.code).toBe('DATABASE_BUSY');
    });
  });
});

describe('a connection that ends while it lies idle', () => {
  const end = async (pid: number) => {
    await database.query('SELECT pg_terminate_backend($1)', [pid]);
  };

  test('is replaced for the next transaction', async () => {
    await end(await pidOf(engine));
    await sleep(100);
    await transaction(engine, write('after'), never);
    expect(await body()).toBe('after');
  });

  test('is replaced even if nobody has noticed its end yet', async () => {
    const before = await pidOf(engine);
    // In the same turn of the event loop as the server's word about it arrives, at the earliest.
    const lent = engine.use(async (session) => {
      const pid = await backend(session);
      await end(pid);
      return pid;
    });
    expect(await lent).toBe(before);
    await transaction(engine, write('after'), never);
    expect(await read(engine, backend)).not.toBe(before);
    expect(await body()).toBe('after');
  });

  test('ends a transaction that has begun, which is not run again', async () => {
    let runs = 0;
    const dying = async (session: Session) => {
      runs++;
      await write('lost')(session);
      await end(await backend(session));
      await write('again')(session);
    };
    expect((await failure(transaction(engine, dying, never))).code).toBe('DATABASE_UNREACHABLE');
    expect(runs).toBe(1);
    expect(await body()).toBe('one');
  });
});

describe('read', () => {
  test('sees one moment', async () => {
    const [first, second] = await read(engine, async (session) => {
      const before = await session.rows(sql<{ body: string }>`SELECT body FROM public.notes WHERE id = 1`);
      await database.query(`UPDATE notes SET body = 'changed' WHERE id = 1`);
      const after = await session.rows(sql<{ body: string }>`SELECT body FROM public.notes WHERE id = 1`);
      return [before, after];
    });
    expect(second).toEqual(first);
  });

  test('refuses to write', async () => {
    expect((await failure(read(engine, write('no')))).code).toBe('DATABASE_READ_ONLY');
    expect(await body()).toBe('one');
  });

  test('keeps its connection after a refusal by a rule of ours', async () => {
    const before = await pidOf(engine);
    const refused = read(engine, () => Promise.reject(new ApiKeysError('KEY_NOT_FOUND', 'no')));
    expect((await failure(refused)).code).toBe('KEY_NOT_FOUND');
    expect(await pidOf(engine)).toBe(before);
  });
});

describe('what the server or the role is set to', () => {
  test.each([
    `datestyle = 'German, DMY'`,
    `timezone = 'America/St_Johns'`,
    `default_transaction_isolation = 'serializable'`,
    'default_transaction_deferrable = on',
    'statement_timeout = 60000',
    'standard_conforming_strings = off',
    `bytea_output = 'escape'`,
    `intervalstyle = 'sql_standard'`,
    'extra_float_digits = -15',
    'search_path = public',
    'array_nulls = off',
    'gin_fuzzy_search_limit = 1',
    'row_security = on',
    `client_encoding = 'LATIN1'`,
    `xmloption = 'document'`,
    'idle_in_transaction_session_timeout = 1',
    'lock_timeout = 1',
  ])('%s changes nothing', async (setting) => {
    const role = await testRole(database, { grants: ['ALL ON notes'] });
    await database.query(`ALTER ROLE ${role.name} SET ${setting}`);
    const set = open({}, role.url);
    try {
      const at = new Date('2026-03-04T05:06:07.089Z');
      const bytes = Buffer.from([0, 39, 92, 255]);
      const row = await transaction(
        set,
        async (session) => {
          await sleep(20);
          const [isolation] = await session.rows(
            sql<{ level: string }>`SELECT current_setting('transaction_isolation') AS level`,
          );
          const rows = await session.rows(sql<{ at: Date; bytes: Buffer; text: string }>`
            UPDATE public.notes SET body = 'set' WHERE id = 1
            RETURNING ${at}::timestamptz AS at, ${bytes}::bytea AS bytes, ${"it's \\ 1"} AS text`);
          return { level: isolation?.level, ...rows[0] };
        },
        never,
      );
      expect(row).toEqual({ level: 'read committed', at, bytes, text: "it's \\ 1" });
      const seen = await read(set, (session) =>
        session.rows(sql<{ at: Date }>`SELECT ${at}::timestamptz AS at`),
      );
      expect(seen).toEqual([{ at }]);
      expect(await body()).toBe('set');
    } finally {
      await set.close();
      await role.drop();
    }
  });
});

test('a default of read-only is heeded: a brake that an administrator uses', async () => {
  const role = await testRole(database, { grants: ['ALL ON notes'] });
  await database.query(`ALTER ROLE ${role.name} SET default_transaction_read_only = on`);
  const braked = open({}, role.url);
  try {
    const error = await failure(transaction(braked, write('new'), never));
    expect(error).toMatchObject({ code: 'DATABASE_READ_ONLY', sqlState: '25006' });
    expect(hintOf(error)).toContain('default_transaction_read_only');
    expect(await read(braked, (session) => session.rows(sql`SELECT FROM public.notes`))).toHaveLength(2);
    expect(await body()).toBe('one');
  } finally {
    await braked.close();
    await role.drop();
  }
});

describe('a commit waits for the disk', () => {
  test.each([
    ['off', 'on'],
    ['local', 'on'],
    ['on', 'on'],
    ['remote_write', 'remote_write'],
    ['remote_apply', 'remote_apply'],
  ])('where the default of the role is %s: %s', async (set, expected) => {
    const role = await testRole(database);
    await database.query(`ALTER ROLE ${role.name} SET synchronous_commit = ${set}`);
    const engineOfRole = open({}, role.url);
    const inForce = sql<{ is: string }>`SELECT current_setting('synchronous_commit') AS is`;
    try {
      const work = (session: Session) => session.rows(inForce);
      expect(await transaction(engineOfRole, work, never)).toEqual([{ is: expected }]);
      // Cleanup's batches do not wait, and say so.
      const prelude = 'SET LOCAL synchronous_commit = off';
      expect(await transaction(engineOfRole, work, { ...never, prelude })).toEqual([{ is: 'off' }]);
      // For the transaction alone.
      expect(await engineOfRole.use(work)).toEqual([{ is: set }]);
    } finally {
      await engineOfRole.close();
      await role.drop();
    }
  });
});

test('a policy that hides rows is an error, and not a table without them', async () => {
  const role = await testRole(database, { grants: ['SELECT ON notes'] });
  await database.query('ALTER TABLE notes ENABLE ROW LEVEL SECURITY');
  const filtered = open({}, role.url);
  try {
    const look = read(filtered, (session) => session.rows(sql`SELECT FROM public.notes`));
    expect((await failure(look)).code).toBe('PERMISSION_DENIED');
  } finally {
    await filtered.close();
    await database.query('ALTER TABLE notes DISABLE ROW LEVEL SECURITY');
    await role.drop();
  }
});

test('transactions of many callers take turns on few connections', async () => {
  const two = open({ max: 2 });
  await Promise.all(
    Array.from({ length: 40 }, () =>
      transaction(
        two,
        (session) => session.rows(sql`UPDATE public.notes SET body = body || '+' WHERE id = 1`),
        never,
      ),
    ),
  );
  expect(await body()).toBe(`one${'+'.repeat(40)}`);
});
