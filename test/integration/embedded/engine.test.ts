import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import { POSTGRES_MAJOR } from '../../../src/db/embedded/folder.js';
import type { Connection, Engine } from '../../../src/db/engine.js';
import { databaseError } from '../../../src/db/pg-errors.js';
import { ApiKeysError } from '../../../src/errors.js';
import { bundle } from '../../helpers/bundle.js';
import { random } from '../../helpers/random.js';
import { run } from './child.js';
import { newFolder, template, timeouts } from './folders.js';

let copy: () => string;

beforeAll(async () => {
  copy = await template();
}, 60_000);

async function withEngine<T>(
  work: (engine: Engine, folder: string) => Promise<T>,
  options: { fsync?: (descriptor: number) => void; folder?: string } = {},
): Promise<T> {
  const { folder = copy(), ...rest } = options;
  const engine = await openEmbedded({ folder, timeouts, ...rest });
  try {
    return await work(engine, folder);
  } finally {
    await engine.close();
  }
}

const insert = (connection: Connection, id: number): Promise<unknown> =>
  connection.rows(sql`INSERT INTO public.item VALUES (${id})`);

async function ids(engine: Engine): Promise<number[]> {
  const rows = await engine.use((connection) =>
    connection.rows(sql<{ id: number }>`SELECT id FROM public.item ORDER BY id`),
  );
  return rows.map(({ id }) => id);
}

test('the folder is private, holds data of the expected version and, once closed, no lock', async () => {
  const folder = copy();
  await withEngine(
    async (engine) => {
      expect(engine).toMatchObject({ kind: 'embedded', location: folder });
      expect(fs.existsSync(path.join(folder, 'lock'))).toBe(true);
      await engine.use((connection) => insert(connection, 1));
    },
    { folder },
  );
  expect(fs.readdirSync(folder)).toEqual(['data']);
  expect(fs.readFileSync(path.join(folder, 'data/PG_VERSION'), 'utf8').trim()).toBe(POSTGRES_MAJOR);
  const open = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((name) => fs.statSync(name).mode & 0o077);
  expect(open).toEqual([]);
});

test('gives the types that a server gives', async () => {
  await withEngine(async (engine) => {
    const [row] = await engine.use((connection) =>
      connection.rows(
        sql`SELECT 7::int8 AS big, '2026-01-02 03:04:05.678+00'::timestamptz AS at, ARRAY['a'] AS list, '\\x00ff'::bytea AS bytes`,
      ),
    );
    expect(row).toEqual({
      big: 7,
      at: new Date('2026-01-02T03:04:05.678Z'),
      list: ['a'],
      bytes: Buffer.from([0, 255]),
    });
  });
});

test('64 callers at once are served in order, each in a transaction of its own', async () => {
  await withEngine(async (engine) => {
    const served: number[] = [];
    let inside = 0;
    const work = async (connection: Connection, id: number): Promise<void> => {
      inside++;
      expect(inside).toBe(1);
      served.push(id);
      await connection.script('BEGIN');
      const [{ open } = { open: -1 }] = await connection.rows(
        sql<{ open: number }>`SELECT count(*) AS open FROM public.item WHERE id % 4 = 3`,
      );
      expect(open).toBe(0);
      await insert(connection, id);
      await pause(random(3));
      inside--;
      // Every fourth leaves its transaction open, half of these by an error.
      if (id % 8 === 7) throw new Error('on purpose');
      if (id % 4 !== 3) await connection.commit();
    };
    const all = Array.from({ length: 64 }, (_, id) => engine.use((connection) => work(connection, id)));
    const results = await Promise.allSettled(all);
    expect(served).toEqual(Array.from({ length: 64 }, (_, id) => id));
    expect(results.flatMap(({ status }, id) => (status === 'rejected' ? [id] : []))).toEqual([
      7, 15, 23, 31, 39, 47, 55, 63,
    ]);
    expect(await ids(engine)).toEqual(served.filter((id) => id % 4 !== 3));
  });
});

test('a query that was left running, or sent late, never reaches into the next work', async () => {
  await withEngine(async (engine) => {
    let kept: Connection | undefined;
    await expect(
      engine.use(async (connection) => {
        kept = connection;
        await connection.script('BEGIN');
        void insert(connection, 1);
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    await engine.use(async (connection) => {
      await connection.script('BEGIN');
      await expect(kept?.script('ROLLBACK')).rejects.toMatchObject({ code: 'INTERNAL' });
      await insert(connection, 2);
      await connection.commit();
    });
    expect(await ids(engine)).toEqual([2]);
  });
});

test('after a failed statement the next answers are the right ones', async () => {
  await withEngine(async (engine) => {
    await engine.use(async (connection) => {
      await insert(connection, 1);
      for (let i = 0; i < 20; i++) {
        await expect(insert(connection, 1)).rejects.toMatchObject({ code: '23505' });
        expect(await connection.rows(sql`SELECT ${i}::int AS i`)).toEqual([{ i }]);
        await expect(connection.script('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
        expect(await connection.rows(sql`SELECT ${i}::int + 1 AS i`)).toEqual([{ i: i + 1 }]);
      }
    });
  });
});

test('an error that is told on holds nothing of the statement or its parameters', async () => {
  const canary = 'canary4711';
  await withEngine(async (engine) => {
    const failing = [
      sql`INSERT INTO public.item VALUES (${canary}::integer)`,
      sql`SELECT ${canary} FROM canary4711`,
      sql`SELECT 1 / length(${canary}) - 1 / (length(${canary}) - 10)`,
    ];
    for (const query of failing) {
      const error = await engine.use((connection) => connection.rows(query)).catch(databaseError);
      expect(error).toBeInstanceOf(ApiKeysError);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
    }
  });
});

test('a caller that waits too long for its turn is told so', async () => {
  const engine = await openEmbedded({ folder: copy(), timeouts: { ...timeouts, connect: 100 } });
  const slow = engine.use(() => pause(300));
  await expect(engine.use(async () => undefined)).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
  await slow;
  expect(await engine.use(async () => 'served')).toBe('served');
  await engine.close();
});

test('every commit is synced to the disk before it is acknowledged', async () => {
  let calls = 0;
  await withEngine(
    async (engine) => {
      for (let id = 1; id <= 5; id++) {
        const before = calls;
        await engine.use((connection) => insert(connection, id));
        expect(calls).toBeGreaterThan(before);
      }
      const before = calls;
      await ids(engine);
      expect(calls).toBe(before);
    },
    {
      fsync(descriptor) {
        calls++;
        fs.fsyncSync(descriptor);
      },
    },
  );
});

test('a commit that cannot be synced is not acknowledged, and nothing hangs', {
  timeout: 20_000,
}, async () => {
  let broken = false;
  const fsync = (descriptor: number): void => {
    if (broken) throw Object.assign(new Error('disk'), { code: 'EIO' });
    fs.fsyncSync(descriptor);
  };
  await withEngine(
    async (engine) => {
      await engine.use((connection) => insert(connection, 1));
      broken = true;
      await expect(engine.use((connection) => insert(connection, 2))).rejects.toThrow();
      broken = false;
      // PostgreSQL has ended; it starts again and recovers, under the same lock.
      expect(await ids(engine)).toContain(1);
      await engine.use((connection) => insert(connection, 3));
      expect(await ids(engine)).toContain(3);
    },
    { fsync },
  );
});

test('close may be called twice, waits for what is under way, and ends all use', async () => {
  const folder = copy();
  const engine = await openEmbedded({ folder, timeouts });
  const work = engine.use(async (connection) => {
    await pause(50);
    await insert(connection, 1);
  });
  await Promise.all([engine.close(), engine.close(), work]);
  await expect(engine.use(async () => undefined)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(await withEngine(ids, { folder })).toEqual([1]);
});

test('a migration that fails gives the lock back and leaves no file open', async () => {
  const folder = copy();
  const failing = openEmbedded({ folder, timeouts, migrate: () => Promise.reject(new Error('on purpose')) });
  await expect(failing).rejects.toThrow('on purpose');
  expect(fs.existsSync(path.join(folder, 'lock'))).toBe(false);
  expect(openFiles(folder)).toEqual([]);
});

const DAMAGE: Readonly<Record<string, (data: string) => void>> = {
  'a control file of noise': (data) =>
    fs.writeFileSync(path.join(data, 'global/pg_control'), Buffer.alloc(8192, 7)),
  'an empty control file': (data) => fs.truncateSync(path.join(data, 'global/pg_control')),
  'no control file': (data) => fs.rmSync(path.join(data, 'global/pg_control')),
  'no log': (data) => fs.rmSync(path.join(data, 'pg_wal'), { recursive: true }),
  'no catalogue': (data) => fs.rmSync(path.join(data, 'base/5'), { recursive: true }),
  'a bad setting': (data) => fs.appendFileSync(path.join(data, 'postgresql.conf'), '\nbogus = 1 x\n'),
};

test.each(Object.keys(DAMAGE))(
  'damaged data (%s) is told in one sentence, and the lock is free',
  async (name) => {
    const folder = copy();
    DAMAGE[name]?.(path.join(folder, 'data'));
    await expect(openEmbedded({ folder, timeouts })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: `the embedded database in ${folder} cannot be started: its files are damaged or cannot be read; nothing was changed`,
    });
    expect(fs.existsSync(path.join(folder, 'lock'))).toBe(false);
    expect(openFiles(folder)).toEqual([]);
  },
);

test('a program that opens damaged data ends by itself and prints nothing more', {
  timeout: 30_000,
}, async () => {
  const script = await bundle(new URL('./fixtures/fail.ts', import.meta.url));
  const folder = copy();
  DAMAGE['no control file']?.(path.join(folder, 'data'));
  const ended = await run(script, [folder]).ended;
  expect(ended).toMatchObject({ code: 6, stderr: '' });
  expect(ended.stdout).toMatch(/^DATABASE_UNREACHABLE: .*\n$/);
});

test('without the package the error says what to install', { timeout: 30_000 }, async () => {
  const script = await bundle(new URL('./fixtures/fail.ts', import.meta.url));
  const modules = path.join(path.dirname(script), 'node_modules');
  const real = fs.realpathSync(modules);
  fs.rmSync(modules);
  fs.mkdirSync(modules);
  for (const name of fs.readdirSync(real).filter((each) => !each.startsWith('@electric-sql'))) {
    fs.symlinkSync(path.join(real, name), path.join(modules, name));
  }
  const folder = path.join(newFolder(), 'none');
  const ended = await run(script, [folder]).ended;
  expect(ended).toMatchObject({ code: 6, stderr: '' });
  expect(ended.stdout).toMatch(/^EMBEDDED_NOT_INSTALLED: /);
  expect(fs.readdirSync(folder)).toEqual([]);
});

/** Linux: which files below a folder this process has open. */
function openFiles(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const name = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return name.startsWith(folder) ? [name] : [];
    } catch {
      return [];
    }
  });
}
