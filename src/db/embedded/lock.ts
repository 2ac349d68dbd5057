import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiKeysError, invariant } from '../../errors.js';
import { folderError, isFileError } from './file-errors.js';
import { BEAT, SILENCE, SilenceWatch } from './heartbeat.js';
import { isSameFile, linkIfAbsent, look, writeWhole } from './lock-file.js';
import { type LockOwner, type LockOwnerState, lockOwnerState, newLockOwner } from './lock-owner.js';
import { lockedError, nameOf } from './locked-error.js';
import { type Machine, thisMachine } from './machine.js';

export interface Lock {
  /**
   * Whether this is still the lock that was taken. A process that was stopped or suspended may have lost it: ask before
   * every write.
   */
  isHeld(): boolean;
  /** Shows others that the holder lives. Happens by itself while the event loop runs; cheap enough for every write. */
  beat(): void;
  /** Gives the lock up. Idempotent; a lock that is no longer ours is left alone. */
  release(): void;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Takes the lock from whoever does not run on this machine, without waiting, and tells from whom. */
  readonly breakLock?: ((from: string) => void) | undefined;
  /** Told once, after a moment, for whom this waits. */
  readonly waiting?: ((holder: string) => void) | undefined;
  /** For tests: where this process runs. */
  readonly machine?: Machine | undefined;
  /** For tests: how long a holder that cannot be seen has to be silent, in milliseconds. */
  readonly silence?: number | undefined;
}

/** Whoever waits for less need not be told, in milliseconds. */
const MOMENT = 1_000;

/** How long a half-written file of another process is left alone, in milliseconds. */
const LEFTOVER_AGE = 60_000;

/**
 * Takes the lock at `file`, the right of one engine in one process to work on the data beside it.
 *
 * The lock is a file that names its holder; it is written whole under another name and then linked, so it
 * is there with its content or not at all. It is taken over from a process of this machine that has ended. Where that
 * cannot be told, after a reboot above all, its holder has to be silent for a while first. Waits up to `wait`
 * milliseconds, or to the end of that silence, then throws `EMBEDDED_LOCKED`, which names the holder.
 */
export async function takeLock(file: string, wait: number, options: LockOptions = {}): Promise<Lock> {
  const { signal, breakLock, machine = thisMachine(), silence = SILENCE } = options;
  let { waiting } = options;
  const attempt = new Attempt(file, machine, new SilenceWatch(silence), breakLock);
  const began = performance.now();
  const deadline = began + wait;
  try {
    for (;;) {
      if (signal?.aborted) throw new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
      const rival = attempt.make();
      if (rival === 'none') break;
      const left = Math.max(deadline - performance.now(), rival.left);
      if (left <= 0) {
        throw lockedError(file, rival.holder, rival.state, { wait, breakLock: breakLock !== undefined });
      }
      if (rival.holder !== null && performance.now() - began > MOMENT) {
        waiting?.(nameOf(rival.holder));
        waiting = undefined;
      }
      await pause(Math.min(left, 20 + Math.random() * 60));
    }
    removeLeftovers(file, machine);
    return held(file, attempt.token, attempt.keep());
  } catch (error) {
    attempt.giveUp();
    throw isFileError(error) ? folderError(error, path.dirname(file)) : error;
  } finally {
    fs.rmSync(attempt.draft, { force: true });
  }
}

function held(file: string, token: string, descriptor: number): Lock {
  let released = false;
  let lastBeat = performance.now();
  const isHeld = (): boolean => !released && isSameFile(file, descriptor);
  const beat = (): void => {
    const now = performance.now();
    if (released || now - lastBeat < BEAT / 2) return;
    lastBeat = now;
    try {
      // By its descriptor: the lock of whoever has taken over must not seem to live.
      fs.futimesSync(descriptor, new Date(), new Date());
    } catch {
      // The disk refuses for now; the next beat may come through.
    }
  };
  const heart = setInterval(beat, BEAT).unref();
  return {
    isHeld,
    beat,
    release() {
      if (released) return;
      const mine = isHeld() && look(file)?.holder?.token === token;
      released = true;
      clearInterval(heart);
      fs.closeSync(descriptor);
      try {
        if (mine) fs.rmSync(file, { force: true });
      } catch {
        // It stays, and is taken over once this process has ended.
      }
    },
  };
}

/** Who is in the way, and how many milliseconds until its silence may have lasted long enough. */
interface Rival {
  readonly holder: LockOwner | null;
  readonly state: LockOwnerState;
  readonly left: number;
}

/** What stands in the place of a holder's token where a lock cannot be read. */
const UNREADABLE = 'unreadable';

class Attempt {
  readonly draft: string;
  readonly #file: string;
  readonly #mine: LockOwner;
  readonly #machine: Machine;
  readonly #watch: SilenceWatch;
  readonly #breakLock: LockOptions['breakLock'];
  #descriptor: number | undefined;

  constructor(file: string, machine: Machine, watch: SilenceWatch, breakLock: LockOptions['breakLock']) {
    this.#file = file;
    this.#machine = machine;
    this.#watch = watch;
    this.#breakLock = breakLock;
    this.#mine = newLockOwner(machine);
    this.draft = `${file}.${this.#mine.token}.new`;
  }

  /** Tries once: `none` is in the way any more, or who is. */
  make(): 'none' | Rival {
    this.#writeDraft();
    if (linkIfAbsent(this.draft, this.#file)) return 'none';
    const seen = look(this.#file);
    // It was given up just now: the next attempt finds the place free.
    if (seen === undefined) return { holder: null, state: 'gone', left: 1 };
    const { holder } = seen;
    const state = holder === null ? 'unsure' : lockOwnerState(holder, this.#machine);
    const broken = this.#breakLock !== undefined && state !== 'alive' && state !== 'gone';
    if (broken || (holder !== null && this.#isGone(this.#file, holder, state))) {
      if (this.#replace(this.#file, holder?.token ?? UNREADABLE)) {
        if (broken) this.#breakLock?.(holder === null ? 'a file that cannot be read' : nameOf(holder));
        return 'none';
      }
    }
    return { holder, state, left: holder === null ? 0 : this.#watch.left(holder.token) };
  }

  /** Names this holder alone. */
  get token(): string {
    return this.#mine.token;
  }

  /** The open lock file, after success. */
  keep(): number {
    invariant(this.#descriptor !== undefined, 'there is no lock file');
    return this.#descriptor;
  }

  giveUp(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #isGone(file: string, holder: LockOwner, state = lockOwnerState(holder, this.#machine)): boolean {
    return state === 'gone' || (state === 'unsure' && this.#watch.hasFallenSilent(file, holder.token));
  }

  /** Another may have swept it away. */
  #writeDraft(): void {
    if (this.#descriptor !== undefined && isSameFile(this.draft, this.#descriptor)) return;
    this.giveUp();
    this.#descriptor = writeWhole(this.draft, this.#mine);
  }

  /**
   * Puts our draft in the place of `target`, whose holder `gone` is gone; false if another was quicker.
   *
   * A bare rename could move away the fresh lock of someone who was quicker. So whoever wants to replace a holder first
   * claims that right: a file named after that holder's token, linked and thus won by one alone. While the claim is
   * held nobody else may replace that holder, who does nothing itself any more: what was just read stays true until
   * the rename. A claimant who is gone is replaced in its claim in the same manner.
   */
  #replace(target: string, gone: string): boolean {
    const claim = `${this.#file}.${gone}`;
    if (!linkIfAbsent(this.draft, claim)) {
      const claimant = look(claim)?.holder;
      if (claimant == null || !this.#isGone(claim, claimant)) return false;
      if (!this.#replace(claim, claimant.token)) return false;
    }
    const seen = look(target);
    if (seen === undefined || (seen.holder?.token ?? UNREADABLE) !== gone) {
      fs.rmSync(claim, { force: true });
      return false;
    }
    fs.renameSync(claim, target);
    return target !== this.#file || isSameFile(target, this.keep());
  }
}

/** Removes what killed processes left beside the lock. Only the lock's holder may: a claim on it would be in use. */
function removeLeftovers(file: string, machine: Machine): void {
  const [folder, prefix] = [path.dirname(file), `${path.basename(file)}.`];
  for (const name of fs.readdirSync(folder).filter((entry) => entry.startsWith(prefix))) {
    const leftover = path.join(folder, name);
    try {
      const holder = look(leftover)?.holder ?? null;
      const state = holder === null ? 'unsure' : lockOwnerState(holder, machine);
      const old = Date.now() - fs.lstatSync(leftover).mtimeMs > LEFTOVER_AGE;
      if (state === 'gone' || (state === 'unsure' && old)) fs.rmSync(leftover, { force: true });
    } catch {
      // Its owner was quicker to remove it.
    }
  }
}
