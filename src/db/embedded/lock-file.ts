import fs from 'node:fs';
import { isFileError } from './file-errors.js';
import { type LockOwner, parseLockOwner } from './lock-owner.js';

/** Longer than any lock file that we write. */
const MOST_BYTES = 4_096;

/** What a lock file was like at one look. */
export interface Seen {
  /** Null: it is no lock file of ours, whatever it is. */
  readonly holder: LockOwner | null;
  /** Changes with every heartbeat; compared with itself alone, since the clock behind it may be another machine's. */
  readonly beat: bigint;
}

/** Looks at a lock file; undefined if nothing has that name. Waits for nothing, and follows no symbolic link. */
export function look(name: string): Seen | undefined {
  let descriptor: number;
  try {
    // Opened anew each time: that makes a network file system ask its server.
    descriptor = fs.openSync(name, READ_ONLY);
  } catch (error) {
    return isFileError(error) && error.code === 'ENOENT' ? undefined : { holder: null, beat: 0n };
  }
  try {
    const stat = fs.fstatSync(descriptor, { bigint: true });
    if (!stat.isFile() || stat.size > MOST_BYTES) return { holder: null, beat: 0n };
    return { holder: parseLockOwner(fs.readFileSync(descriptor, 'utf8')), beat: stat.mtimeNs };
  } catch {
    return { holder: null, beat: 0n };
  } finally {
    fs.closeSync(descriptor);
  }
}

const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
const READ_ONLY = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;

/**
 * Writes a holder into a new file, whole, and gives its descriptor, open. Synced, so that a lock which outlives a power
 * cut can still be read.
 */
export function writeWhole(name: string, holder: LockOwner): number {
  const descriptor = fs.openSync(name, 'wx', 0o600);
  try {
    fs.writeFileSync(descriptor, `${JSON.stringify(holder)}\n`);
    fs.fsyncSync(descriptor);
    return descriptor;
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

/** Links `draft` as `name`, in one step; false if that name is taken, or the draft was swept away. */
export function linkIfAbsent(draft: string, name: string): boolean {
  try {
    fs.linkSync(draft, name);
    return true;
  } catch (error) {
    if (isFileError(error) && (error.code === 'EEXIST' || error.code === 'ENOENT')) return false;
    throw error;
  }
}

/** Whether `name` is the very file that is open as `descriptor`. */
export function isSameFile(name: string, descriptor: number): boolean {
  try {
    const [there, mine] = [fs.lstatSync(name, { bigint: true }), fs.fstatSync(descriptor, { bigint: true })];
    return there.ino === mine.ino && there.dev === mine.dev;
  } catch {
    return false;
  }
}
