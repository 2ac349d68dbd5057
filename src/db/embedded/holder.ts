import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/** Who holds a lock, as written into the lock file. */
export interface Holder {
  /** Unique to one taking of the lock: two engines of one process differ in it. */
  readonly token: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot (Linux), so that a pid in new hands is recognised; else null. */
  readonly process_start: string | null;
  /** Changes with each boot of the machine (Linux); else null. */
  readonly boot_id: string | null;
  /** In which container, so to speak, the pid counts (Linux); else null. */
  readonly pid_namespace: string | null;
  readonly host: string;
  /** When the lock was taken, RFC 3339. */
  readonly since: string;
}

/**
 * `alive`: it may still be at work. `gone`: it certainly is not. `elsewhere`: it runs, or ran, where this process
 * cannot see it (another host, another container), so nobody can tell from here.
 */
export type HolderState = 'alive' | 'gone' | 'elsewhere';

/** This process, as the holder of a new lock. */
export function newHolder(): Holder {
  return {
    token: randomUUID(),
    pid: process.pid,
    process_start: statOf(process.pid)?.start ?? null,
    ...machine(),
    since: new Date().toISOString(),
  };
}

export function stateOf(holder: Holder): HolderState {
  const here = machine();
  const sameBoot = holder.boot_id !== null && holder.boot_id === here.boot_id;
  if (!sameBoot) {
    // A host that took another name since is still recognised by its boot; a rebooted one only by its name.
    if (holder.host !== here.host) return 'elsewhere';
    if (holder.boot_id !== null && here.boot_id !== null) return 'gone';
    if (holder.boot_id !== here.boot_id) return 'elsewhere';
    // No boot ids on this system: a lock that is older than the machine's start (with a minute's doubt) is over.
    if (Date.parse(holder.since) < Date.now() - uptime() * 1000 - 60_000) return 'gone';
  }
  if (holder.pid_namespace !== here.pid_namespace) return 'elsewhere';
  return isRunning(holder) ? 'alive' : 'gone';
}

export function parseHolder(text: string): Holder | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isHolder(value) ? value : null;
}

function isHolder(value: unknown): value is Holder {
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
    ['process_start', 'boot_id', 'pid_namespace'].every(isTextOrNull)
  );
}

function isRunning({ pid, process_start }: Holder): boolean {
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
  const line = readOrNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields?.[0], fields?.[19]];
  return state === undefined || start === undefined ? null : { state, start };
}

function machine(): Pick<Holder, 'boot_id' | 'pid_namespace' | 'host'> {
  return {
    boot_id: readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    pid_namespace: readOrNull(() => readlinkSync('/proc/self/ns/pid')),
    host: hostname(),
  };
}

function readOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
