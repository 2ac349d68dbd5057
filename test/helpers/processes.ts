import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Whether it still runs. A process that nobody has collected (a container's first process may not) does not. */
export function isRunning(pid: number): boolean {
  if (!signal(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The processes whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<number[]> {
  const table = process.platform === 'linux' ? await readProc() : await readPs();
  return table.filter((entry) => entry.parent === pid).map((entry) => entry.pid);
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
}

/** Slim container images have no `ps`. */
async function readProc(): Promise<Entry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(
    pids.map(async (pid) => {
      // It may have ended since the folder was read.
      const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // pid (command, which may hold spaces and parentheses) state parent …
      const [, parent] = line.slice(line.lastIndexOf(')') + 2).split(' ');
      return { pid: Number(pid), parent: Number(parent) };
    }),
  );
  return entries;
}

async function readPs(): Promise<Entry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent) };
    });
}
