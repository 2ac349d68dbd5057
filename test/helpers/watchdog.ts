import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Ends processes and removes a folder once this process is gone, whichever way it went. */
export interface Watchdog {
  /** The processes to end, in place of those named before. */
  watch(...pids: number[]): void;
  /** Ends the watch: the processes are ended and the folder is removed now. Resolves when that is done. */
  release(): Promise<void>;
}

/**
 * Starts a process that waits for the end of its standard input. The kernel closes that pipe even when this
 * process is killed with SIGKILL, where no exit handler runs.
 */
export function startWatchdog(folder: string): Watchdog {
  const dog = spawn(process.execPath, [fileURLToPath(new URL('watchdog.mjs', import.meta.url)), folder], {
    // In a session of its own: Ctrl-C in a terminal must not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: {},
  });
  const ended = new Promise<void>((resolve) => {
    dog.once('exit', () => resolve());
    dog.once('error', () => resolve());
  });
  // It may have been killed by somebody; there is nothing to tell it then.
  dog.stdin.on('error', () => undefined);
  dog.unref();
  return {
    watch(...pids) {
      dog.stdin.write(`${pids.join(' ')}\n`);
    },
    async release() {
      dog.ref();
      dog.stdin.end();
      await ended;
    },
  };
}
