import { randomUUID } from 'node:crypto';
import { type Machine, textOf, thisMachine } from './machine.js';

/** Who holds a lock, as written into the lock file. */
export interface LockOwner extends Machine {
  /** Unique to one taking of the lock: two engines of one process differ in it. */
  readonly token: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot (Linux), so that a pid in new hands is recognised; else null. */
  readonly process_start: string | null;
  /** When the lock was taken, RFC 3339. */
  readonly since: string;
}

/**
 * - `alive`: it runs on this machine.
 * - `gone`: it ran on this machine and has ended.
 * - `elsewhere`: it runs, or ran, on another machine or in another container; nobody can tell from here.
 * - `unsure`: if this is the machine that it ran on, it is gone, but a cloned machine looks the same. Its heartbeat tells.
 */
export type LockOwnerState = 'alive' | 'gone' | 'elsewhere' | 'unsure';

/** This process, as the holder of a new lock. */
export function newLockOwner(here: Machine = thisMachine()): LockOwner {
  return {
    token: randomUUID(),
    pid: process.pid,
    process_start: statOf(process.pid)?.start ?? null,
    ...here,
    since: new Date().toISOString(),
  };
}

/** What can be told of a holder without waiting, as seen from `here`. */
export function lockOwnerState(holder: LockOwner, here: Machine = thisMachine()): LockOwnerState {
  if (!mayBeSameMachine(holder, here)) return 'elsewhere';
  if (holder.boot_id !== here.boot_id) return 'unsure';
  if (holder.pid_namespace !== here.pid_namespace) return 'elsewhere';
  if (isRunning(holder)) return 'alive';
  return holder.boot_id === null ? 'unsure' : 'gone';
}

/** A machine keeps its id through a reboot, and its boot id through a change of name. */
function mayBeSameMachine(holder: LockOwner, here: Machine): boolean {
  if (holder.machine_id !== null && here.machine_id !== null) return holder.machine_id === here.machine_id;
  if (holder.boot_id !== null && holder.boot_id === here.boot_id) return true;
  return holder.host === here.host;
}

export function parseLockOwner(text: string): LockOwner | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isLockOwner(value) ? value : null;
}

function isLockOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isText = (name: string): boolean => typeof fields.get(name) === 'string';
  const isTextOrNull = (name: string): boolean => isText(name) || fields.get(name) === null;
  const pid = fields.get('pid');
  return (
    // It becomes part of a file's name.
    /^[0-9a-f-]{36}$/.test(String(fields.get('token'))) &&
    typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    ['host', 'since'].every(isText) &&
    ['process_start', 'machine_id', 'boot_id', 'pid_namespace'].every(isTextOrNull)
  );
}

function isRunning({ pid, process_start }: LockOwner): boolean {
  const stat = statOf(pid);
  if (stat !== null) {
    // A zombie keeps its pid until its parent looks, but its work has ended.
    if (stat.state === 'Z' || stat.state === 'X') return false;
    return process_start === null || stat.start === process_start;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** A line of /proc/<pid>/stat: the command may hold spaces and parentheses, the rest is counted after its last one. */
function statOf(pid: number): { state: string; start: string } | null {
  const line = textOf(`/proc/${pid}/stat`);
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields?.[0], fields?.[19]];
  return state === undefined || start === undefined ? null : { state, start };
}
