import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiKeysError } from '../../errors.js';
import { folderError, isFileError } from './file-errors.js';
import { type Holder, newHolder, parseHolder, stateOf } from './holder.js';

export interface Lock {
  /** Gives the lock up. Idempotent; a lock that is no longer ours is left alone. */
  release(): void;
}

/** How long a half-written file of another process is left alone, in milliseconds. */
const LEFTOVER_AGE = 60_000;

/**
 * Takes the lock at `file`, the right of one engine in one process to work on the data beside it.
 *
 * The lock is a file that names its holder; it is written whole under another name and then linked, so it
 * is there with its content or not at all. The lock of a holder that is gone is taken over. Waits up to
 * `wait` milliseconds, then throws `EMBEDDED_LOCKED`, which names the holder.
 */
export async function takeLock(file: string, wait: number, signal?: AbortSignal): Promise<Lock> {
  const mine = newHolder();
  const draft = `${file}.${mine.token}.new`;
  const deadline = performance.now() + wait;
  try {
    for (;;) {
      if (signal?.aborted) throw new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
      const holder = tryToTake(file, draft, mine);
      if (holder === 'me') break;
      const left = deadline - performance.now();
      if (left <= 0) throw lockedError(file, holder, wait);
      await pause(Math.min(left, 20 + Math.random() * 60));
    }
  } catch (error) {
    throw isFileError(error) ? folderError(error, path.dirname(file)) : error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
  sweep(file);
  return {
    release() {
      if (read(file)?.token !== mine.token) return;
      try {
        fs.rmSync(file, { force: true });
      } catch {
        // It stays, and is taken over once this process has ended.
      }
    },
  };
}

/** One attempt: `me`, or who was seen holding it (null: the file cannot be read as a holder). */
function tryToTake(file: string, draft: string, mine: Holder): 'me' | Holder | null {
  for (;;) {
    if (!fs.existsSync(draft)) writeWhole(draft, mine);
    if (place(draft, file)) return 'me';
    const holder = read(file);
    if (holder !== null) {
      if (stateOf(holder) !== 'gone') return holder;
      return replace(file, file, holder, draft, mine) ? 'me' : (read(file) ?? holder);
    }
    if (fs.existsSync(file)) return null;
  }
}

/**
 * Puts our draft in the place of `target`, whose holder `gone` is gone; false if another was quicker.
 *
 * A bare rename could move away the fresh lock of someone who was quicker. So whoever wants to replace a holder first
 * claims that right: a file named after that holder's token, linked and thus won by one alone. While the claim is
 * held nobody else may replace that holder, who does nothing itself any more: what was just read stays true until
 * the rename. A claimant who is gone is replaced in its claim in the same manner.
 */
function replace(file: string, target: string, gone: Holder, draft: string, mine: Holder): boolean {
  const claim = `${file}.${gone.token}`;
  if (!place(draft, claim)) {
    const claimant = read(claim);
    if (claimant === null || stateOf(claimant) !== 'gone') return false;
    if (!replace(file, claim, claimant, draft, mine)) return false;
  }
  if (read(target)?.token !== gone.token) {
    fs.rmSync(claim, { force: true });
    return false;
  }
  fs.renameSync(claim, target);
  return true;
}

/** Links `draft` as `name`, in one step; false if that name is taken, or the draft was swept away. */
function place(draft: string, name: string): boolean {
  try {
    fs.linkSync(draft, name);
    return true;
  } catch (error) {
    if (isFileError(error) && (error.code === 'EEXIST' || error.code === 'ENOENT')) return false;
    throw error;
  }
}

/** Synced, so that a lock which outlives a power cut can still be read. */
function writeWhole(name: string, holder: Holder): void {
  const descriptor = fs.openSync(name, 'wx', 0o600);
  try {
    fs.writeFileSync(descriptor, `${JSON.stringify(holder)}\n`);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function read(name: string): Holder | null {
  try {
    return parseHolder(fs.readFileSync(name, 'utf8'));
  } catch {
    return null;
  }
}

/** Removes what killed processes left beside the lock. Only the lock's holder may: a claim on it would be in use. */
function sweep(file: string): void {
  const [folder, prefix] = [path.dirname(file), `${path.basename(file)}.`];
  for (const name of fs.readdirSync(folder).filter((entry) => entry.startsWith(prefix))) {
    const leftover = path.join(folder, name);
    try {
      const holder = read(leftover);
      const old = Date.now() - fs.statSync(leftover).mtimeMs > LEFTOVER_AGE;
      if (holder === null ? old : stateOf(holder) === 'gone') fs.rmSync(leftover, { force: true });
    } catch {
      // Its owner was quicker to remove it.
    }
  }
}

function lockedError(file: string, holder: Holder | null, wait: number): ApiKeysError {
  const waited = `waited ${Number((wait / 1000).toFixed(1))} s; nothing was changed`;
  if (holder === null) {
    return new ApiKeysError(
      'EMBEDDED_LOCKED',
      `the lock file ${file} cannot be read, so nobody knows who uses the database (${waited})`,
      { hint: 'Make sure that no apikeys process uses this folder, remove the lock file, then try again.' },
    );
  }
  if (stateOf(holder) === 'elsewhere') {
    return new ApiKeysError(
      'EMBEDDED_LOCKED',
      `the embedded database is locked by process ${holder.pid} on host ${printable(holder.host)} since ${printable(holder.since)}, ` +
        `which cannot be seen from here (${waited})`,
      { hint: `If that process has ended, remove ${file}, then try again.` },
    );
  }
  const who =
    holder.pid === process.pid
      ? `this same process (${holder.pid})`
      : `process ${holder.pid} on this host (${printable(holder.host)})`;
  return new ApiKeysError(
    'EMBEDDED_LOCKED',
    `the embedded database is in use by ${who} since ${printable(holder.since)} (${waited})`,
    { hint: 'Try again when that process has ended.' },
  );
}

/** What another process wrote may end up on a terminal. */
const printable = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 100);
