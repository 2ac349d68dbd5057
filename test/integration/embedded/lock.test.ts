import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { takeLock } from '../../../src/db/embedded/lock.js';
import { type LockOwner, newLockOwner } from '../../../src/db/embedded/lock-owner.js';
import { bundle } from '../../helpers/bundle.js';
import { random, randomFraction } from '../../helpers/random.js';
import { withHint } from '../../helpers/with-hint.js';
import { type Child, roundsOf, run } from './child.js';
import { newFolder } from './folders.js';

const linux = process.platform === 'linux';

afterEach(() => vi.restoreAllMocks());

const OTHER_BOOT = '5f0c2f0e-0000-4000-8000-000000000000';

const lockFile = (): string => path.join(newFolder(), 'lock');

function leave(file: string, change: Partial<LockOwner>): LockOwner {
  const holder = { ...newLockOwner(), ...change };
  fs.writeFileSync(file, JSON.stringify(holder));
  return holder;
}

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

test('keeps out a second engine of this process, and names the holder after the wait', async () => {
  const file = lockFile();
  const first = await takeLock(file, 0);
  const asked = performance.now();
  const error = await takeLock(file, 300).catch((reason: unknown) => reason);
  expect(performance.now() - asked).toBeGreaterThanOrEqual(295);
  expect(error).toMatchObject({
    code: 'EMBEDDED_LOCKED',
    message: expect.stringMatching(
      new RegExp(`this same process \\(${process.pid}\\) since \\d{4}-\\d\\d-\\d\\dT.* \\(waited 0.3 s`),
    ),
  });
  first.release();
  (await takeLock(file, 0)).release();
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
});

test('takes over from a holder that is gone, and clears what it left', async () => {
  const file = lockFile();
  const dead = leave(file, { pid: deadPid() });
  leave(`${file}.${dead.token}.new`, { pid: dead.pid });
  const lock = await takeLock(file, 0);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['lock']);
  lock.release();
});

test('takes over from holders that died while they were taking over', async () => {
  const file = lockFile();
  const pid = deadPid();
  const first = leave(file, { pid });
  const second = leave(`${file}.${first.token}`, { pid });
  leave(`${file}.${second.token}`, { pid });
  const lock = await takeLock(file, 0);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['lock']);
  lock.release();
});

test.runIf(linux)('recognises a pid in new hands, and a machine that was restarted', async () => {
  const file = lockFile();
  leave(file, { process_start: '1' });
  (await takeLock(file, 0)).release();
  leave(file, { boot_id: OTHER_BOOT });
  (await takeLock(file, 0, { silence: 200 })).release();
});

test.runIf(linux)('counts a killed process that its parent has not yet noticed as gone', async () => {
  const file = lockFile();
  // The shell's child ends at once and stays a zombie while its parent, become `sleep`, does not wait for it.
  const parent = (await import('node:child_process')).spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30']);
  const pid = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (d) => resolve(`${d}`))),
  );
  await pause(300);
  expect(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(' Z ');
  leave(file, { pid, process_start: fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21] ?? '' });
  (await takeLock(file, 0)).release();
  parent.kill('SIGKILL');
});

test('never takes over from another host or container', async () => {
  const file = lockFile();
  leave(file, { pid: deadPid(), host: 'elsewhere.example', machine_id: 'f'.repeat(32), boot_id: OTHER_BOOT });
  await expect(withHint(takeLock(file, 50))).rejects.toMatchObject({
    code: 'EMBEDDED_LOCKED',
    message: expect.stringContaining('on host elsewhere.example'),
    hint: expect.stringContaining('--break-lock'),
  });
  if (linux) {
    leave(file, { pid: deadPid(), pid_namespace: 'pid:[1]' });
    await expect(takeLock(file, 50)).rejects.toMatchObject({ code: 'EMBEDDED_LOCKED' });
  }
});

/** What may lie in the place of a lock. */
const STRANGE: Readonly<Record<string, (file: string) => void>> = {
  'an empty file': (file) => fs.writeFileSync(file, ''),
  'a file of something else': (file) => fs.writeFileSync(file, '{"pid":1}'),
  'a large file': (file) => {
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 2 ** 33);
  },
  'a dangling symbolic link': (file) => fs.symlinkSync('/nowhere/at/all', file),
  'a symbolic link to itself': (file) => fs.symlinkSync(file, file),
  'a symbolic link to a device': (file) => fs.symlinkSync('/dev/zero', file),
  'a named pipe': (file) => execFileSync('mkfifo', [file]),
  'a folder': (file) => fs.mkdirSync(file),
};

test.each(Object.entries(STRANGE))('%s in its place: says so at once, and keeps out', async (what, make) => {
  const file = lockFile();
  make(file);
  await expect(withHint(takeLock(file, 50))).rejects.toMatchObject({
    code: 'EMBEDDED_LOCKED',
    message: expect.stringContaining('none that apikeys wrote'),
    hint: expect.stringContaining('--break-lock'),
  });
  expect(fs.readdirSync(path.dirname(file))).toEqual(['lock']);
  const told: string[] = [];
  const taken = takeLock(file, 50, { breakLock: (from) => told.push(from) });
  if (what === 'a folder') {
    await expect(taken).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    return;
  }
  expect((await taken).isHeld()).toBe(true);
  expect(told).toEqual(['a file that cannot be read']);
  (await taken).release();
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
});

test('leaves a lock alone that is no longer its own', async () => {
  const file = lockFile();
  const lock = await takeLock(file, 0);
  const other = leave(file, {});
  lock.release();
  expect(fs.readFileSync(file, 'utf8')).toBe(JSON.stringify(other));
});

// The race in which a contender has judged the old lock dead, and another is quicker.
test.each(['linkSync', 'renameSync'] as const)(
  'lets one in when another is quicker before %s',
  async (step) => {
    const file = lockFile();
    const dead = leave(file, { pid: deadPid() });
    const real = fs[step];
    let rival: ReturnType<typeof takeLock> | undefined;
    let met = false;
    vi.spyOn(fs, step).mockImplementation((from, to) => {
      if (!met && (step === 'renameSync' || String(to).endsWith(dead.token))) {
        met = true;
        rival = takeLock(file, 0);
        rival.catch(() => undefined);
      }
      real(from, to);
    });
    const mine = await Promise.allSettled([takeLock(file, 0)]);
    expect(met).toBe(true);
    const outcomes = [...mine, ...(await Promise.allSettled([rival]))];
    const winners = outcomes.flatMap((each) =>
      each.status === 'fulfilled' && each.value ? [each.value] : [],
    );
    expect(winners).toHaveLength(1);
    expect(outcomes).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({ code: 'EMBEDDED_LOCKED' }),
    });
    // The lock in place is the winner's own.
    winners[0]?.release();
    expect(fs.readdirSync(path.dirname(file))).toEqual([]);
  },
);

test('lets one in among eight processes that are killed at random moments', {
  timeout: 600_000,
}, async () => {
  const rounds = roundsOf({ short: 20, long: 20 });
  const folder = newFolder();
  const script = await bundle(new URL('./fixtures/hold-lock.ts', import.meta.url));
  const all: Child[] = [];
  const start = (): Child => {
    const child = run(script, [folder]);
    all.push(child);
    return child;
  };
  const kill = async (child: Child): Promise<void> => {
    fs.writeFileSync(path.join(folder, `killed-${child.process.pid}`), '');
    child.process.kill('SIGKILL');
    await child.ended;
  };
  const living = Array.from({ length: 8 }, start);
  await pause(500);
  for (let round = 0; round < rounds; round++) {
    await pause(random(150));
    // Most of the time the one that holds the lock, so that there is something to take over.
    const holder = living.findIndex(({ process: { pid } }) => pid === pidIn(path.join(folder, 'witness')));
    const victim = holder >= 0 && randomFraction() < 0.8 ? holder : random(living.length);
    const [child] = living.splice(victim, 1, start());
    if (child !== undefined) await kill(child);
  }
  await pause(500);
  await Promise.all(living.map(kill));
  const lines = all.flatMap((child) => child.lines());
  expect(lines.filter((line) => line.startsWith('violation'))).toEqual([]);
  expect(lines.length).toBeGreaterThan(rounds);
  for (const { ended } of all) expect((await ended).stderr).toBe('');
  (await takeLock(path.join(folder, 'lock'), 1_000)).release();
  // A draft that a kill left half-written names nobody; it is swept once it is old.
  const left = fs.readdirSync(folder).filter((name) => name.startsWith('lock'));
  expect(left.filter((name) => fs.statSync(path.join(folder, name)).size > 0)).toEqual([]);
});

function pidIn(file: string): number {
  try {
    return Number(fs.readlinkSync(file));
  } catch {
    return -1;
  }
}
