import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import { takeLock } from '../../../src/db/embedded/lock.js';
import { type LockOwner, lockOwnerState, newLockOwner } from '../../../src/db/embedded/lock-owner.js';
import { type Machine, thisMachine } from '../../../src/db/embedded/machine.js';
import { bundle } from '../../helpers/bundle.js';
import { withHint } from '../../helpers/with-hint.js';
import { type Child, run } from './child.js';
import { newFolder, template, timeouts } from './folders.js';

/** Short enough for a test, and longer than the pause between two heartbeats. */
const SILENCE = 2_500;

let copy: () => string;
let script: string;
beforeAll(async () => {
  copy = await template();
  script = await bundle(new URL('./fixtures/write-elsewhere.ts', import.meta.url));
}, 60_000);

const A: Machine = { machine_id: 'a'.repeat(32), boot_id: 'boot 1', pid_namespace: 'pid:[1]', host: 'a' };

/** Where the system tells nothing. */
const UNKNOWN: Partial<Machine> = { machine_id: null, boot_id: null, pid_namespace: null };

test.each<[what: string, holder: Partial<Machine>, here: Partial<Machine>, state: string]>([
  ['another machine', {}, { machine_id: 'b'.repeat(32) }, 'elsewhere'],
  ['another machine of the same name and boot', {}, { machine_id: 'b'.repeat(32), host: 'a' }, 'elsewhere'],
  ['an earlier boot, or a clone', {}, { boot_id: 'boot 2' }, 'unsure'],
  ['an earlier boot under another name', {}, { boot_id: 'boot 2', host: 'b' }, 'unsure'],
  ['another container of this machine', {}, { pid_namespace: 'pid:[2]' }, 'elsewhere'],
  ['no machine id, another boot, the same name', { machine_id: null }, { boot_id: 'boot 2' }, 'unsure'],
  [
    'no machine id, another boot, another name',
    { machine_id: null },
    { boot_id: 'boot 2', host: 'b' },
    'elsewhere',
  ],
  ['no machine id, the same boot', { machine_id: null }, { machine_id: null, host: 'b' }, 'gone'],
  ['nothing but a name', UNKNOWN, UNKNOWN, 'unsure'],
  ['nothing but another name', UNKNOWN, { ...UNKNOWN, host: 'b' }, 'elsewhere'],
  ['a dead process of this machine', {}, {}, 'gone'],
])('%s', (_what, holder, here, state) => {
  // A pid that no system gives.
  const dead: LockOwner = { ...newLockOwner({ ...A, ...holder }), pid: 2 ** 31 - 1 };
  expect(lockOwnerState(dead, { ...A, ...here })).toBe(state);
});

test('a living process of this machine', () => {
  expect(lockOwnerState(newLockOwner(), thisMachine())).toBe('alive');
});

test('a reboot needs no hand: whoever held the lock before is silent', async () => {
  const file = path.join(newFolder(), 'lock');
  const asked = performance.now();
  fs.writeFileSync(file, JSON.stringify({ ...newLockOwner(), boot_id: 'an earlier one' }));
  (await takeLock(file, 0, { silence: SILENCE })).release();
  // A timer may come a millisecond early.
  expect(performance.now() - asked).toBeGreaterThan(SILENCE - 10);
});

test('whoever cannot be seen keeps the lock until it is broken, which is told', async () => {
  const file = path.join(newFolder(), 'lock');
  const holder = { ...newLockOwner(), pid_namespace: 'pid:[1]' };
  fs.writeFileSync(file, JSON.stringify(holder));
  await expect(withHint(takeLock(file, 0))).rejects.toMatchObject({
    code: 'EMBEDDED_LOCKED',
    message: expect.stringContaining('cannot be seen from here'),
    hint: expect.stringContaining('--break-lock'),
  });
  const told: string[] = [];
  (await takeLock(file, 0, { breakLock: (from) => told.push(from) })).release();
  expect(told).toEqual([`process ${holder.pid} on host ${holder.host} since ${holder.since}`]);
});

test('no flag takes the lock from a process that runs here', async () => {
  const file = path.join(newFolder(), 'lock');
  const lock = await takeLock(file, 0);
  await expect(withHint(takeLock(file, 0, { breakLock: () => undefined }))).rejects.toMatchObject({
    code: 'EMBEDDED_LOCKED',
    message: expect.stringContaining(`process (${process.pid})`),
    hint: expect.stringContaining('--break-lock does not'),
  });
  expect(lock.isHeld()).toBe(true);
  lock.release();
});

/** The numbers that were acknowledged. */
const stored = (child: Child): number[] =>
  child.lines().flatMap((line) => (line.startsWith('stored ') ? [Number(line.slice(7))] : []));

async function until(what: () => boolean): Promise<void> {
  while (!what()) await pause(10);
}

/** The rows that are in the database, as this machine sees them. */
async function rowsIn(folder: string): Promise<number[]> {
  const engine = await openEmbedded({ folder, timeouts });
  try {
    const rows = await engine.use((connection) =>
      connection.rows(sql<{ id: number }>`SELECT id FROM item ORDER BY id`),
    );
    return rows.map(({ id }) => id);
  } finally {
    await engine.close();
  }
}

// Clones of one machine: the same id, the same name, another boot.
const CLONE = JSON.stringify({ boot_id: 'of the clone' });

test('a clone of this machine does not take the lock of the living one, and nothing is lost', {
  timeout: 120_000,
}, async () => {
  const folder = copy();
  const other = run(script, [folder, CLONE]);
  await until(() => stored(other).length > 0);
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(
      openEmbedded({ folder, timeouts, lockWait: SILENCE + 500, lock: { silence: SILENCE } }),
    ).rejects.toMatchObject({
      code: 'EMBEDDED_LOCKED',
      message: expect.stringContaining('shows that it lives'),
    });
  }
  other.process.kill('SIGKILL');
  await other.ended;
  const engine = await openEmbedded({ folder, timeouts, lockWait: 0, lock: { silence: SILENCE } });
  await engine.close();
  const rows = await rowsIn(folder);
  expect(stored(other).filter((id) => !rows.includes(id))).toEqual([]);
});

test.each(['silence', 'break'])(
  'one that was stopped and wakes up writes nothing more (%s)',
  {
    timeout: 120_000,
  },
  async (way) => {
    const folder = copy();
    const machine = way === 'break' ? JSON.stringify({ machine_id: 'b'.repeat(32) }) : CLONE;
    const sleeper = run(script, [folder, machine]);
    await until(() => stored(sleeper).length > 3);
    sleeper.process.kill('SIGSTOP');
    const before = stored(sleeper);
    const told: string[] = [];
    const engine = await openEmbedded({
      folder,
      timeouts,
      lockWait: 0,
      lock: { silence: SILENCE },
      ...(way === 'break' && { breakLock: (from: string) => told.push(from) }),
    });
    expect(told).toHaveLength(way === 'break' ? 1 : 0);
    const mine: number[] = [];
    const add = async (): Promise<void> => {
      const id = 1_000_000 + mine.length;
      await engine.use((connection) => connection.rows(sql`INSERT INTO item VALUES (${id})`));
      mine.push(id);
    };
    for (let i = 0; i < 20; i++) await add();
    sleeper.process.kill('SIGCONT');
    for (let i = 0; i < 20; i++) await add();
    await sleeper.ended;
    for (let i = 0; i < 20; i++) await add();
    await engine.close();
    expect(sleeper.lines().slice(-2)).toEqual([expect.stringMatching(/^stopped [A-Z_]+$/), 'closed']);
    // At most the row whose acknowledgement was on its way when it was stopped.
    expect(stored(sleeper).length - before.length).toBeLessThanOrEqual(1);
    const rows = await rowsIn(folder);
    expect([...before, ...mine].filter((id) => !rows.includes(id))).toEqual([]);
    expect(fs.readdirSync(folder)).toEqual(['data']);
  },
);
