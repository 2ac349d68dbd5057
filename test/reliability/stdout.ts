import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from '../helpers/program.js';

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface Kill {
  readonly signal: NodeJS.Signals;
  /** Milliseconds after the start. */
  readonly after: number;
}

type Stdout = number | 'pipe';

/** Runs the built program with its stdout on a file descriptor of the test's own, or on a pipe that nobody reads any more. */
export function runInto(
  stdout: Stdout,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  kill?: Kill,
): Promise<Ended> {
  const start = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), XDG_CONFIG_HOME: '/nowhere', ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = kill && setTimeout(() => child.kill(kill.signal), kill.after);
  return new Promise((resolve) => {
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, stderr, durationMs: performance.now() - start });
    });
  });
}

/** A pipe that is full and that nobody reads, until it is drained; gives a descriptor to write to. */
export function blockedPipe(folder: string): {
  readonly descriptor: number;
  /** Reads what is there, so that a writer goes on. */
  drain(): void;
  close(): void;
} {
  const path = join(folder, `pipe-${Math.random()}`);
  execFileSync('mkfifo', [path]);
  // Open in both directions, so that neither end waits for the other.
  const keeper = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  // A larger write than is left fails as a whole, so the last bytes go one by one.
  for (const size of [4_096, 1]) fill(keeper, Buffer.alloc(size, 'x'));
  const descriptor = openSync(path, constants.O_WRONLY);
  return {
    descriptor,
    drain() {
      readSync(keeper, Buffer.alloc(1 << 20));
    },
    close() {
      closeSync(descriptor);
      closeSync(keeper);
    },
  };
}

function fill(descriptor: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(descriptor, bytes);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
  }
}

/** How the database knows a raw key. */
export const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
