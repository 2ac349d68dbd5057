import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../bin/apikeys.js', import.meta.url));

export interface RunOptions {
  /** Added to an environment that holds PATH, HOME and nothing else. */
  readonly env?: Readonly<Record<string, string>>;
  /** For stdin; left out, stdin is at its end. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until SIGKILL; a minute unless told otherwise. */
  readonly timeout?: number;
  /** A script in place of the built program. */
  readonly program?: string;
  /** A home and working folder that outlives the run; left out, a new one that does not. */
  readonly home?: string;
}

export interface ProgramResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

/** A program under way. */
export interface RunningProgram {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves, and never rejects, when it has ended. */
  readonly result: Promise<ProgramResult>;
}

/**
 * Runs the built program to its end, without a terminal, and with nothing of this process's environment that it
 * might listen to.
 *
 * @example
 * const { exitCode, stdout } = await runApikeys(['list', '--json'], { env: { APIKEYS_DATABASE_URL: database.url } });
 */
export async function runApikeys(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  const program = await startApikeys(args, options);
  return program.result;
}

/** Runs the program `count` times at once; `make` gets the number of the run, from 0. */
export function runTogether(
  count: number,
  make: (index: number) => { readonly args: readonly string[]; readonly options?: RunOptions },
): Promise<ProgramResult[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const { args, options } = make(index);
      return runApikeys(args, options);
    }),
  );
}

/** Starts the built program, for tests that interrupt it. */
export async function startApikeys(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunningProgram> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'apikeys-home-')));
  const child = execa(process.execPath, [options.program ?? PROGRAM, ...args], {
    cwd: home,
    env: { ...environment(home), ...options.env },
    extendEnv: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
    reject: false,
    stripFinalNewline: false,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the program could not be started');
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return {
    pid,
    kill: (signal) => void child.kill(signal),
    stdout: () => Buffer.concat(stdout).toString(),
    stderr: () => Buffer.concat(stderr).toString(),
    result: child.then(async (ended) => {
      if (options.home === undefined) await rm(home, { recursive: true, force: true });
      return {
        exitCode: ended.exitCode ?? null,
        signal: ended.signal ?? null,
        stdout: ended.stdout,
        stderr: ended.stderr,
        durationMs: ended.durationMs,
        timedOut: ended.timedOut,
      };
    }),
  };
}

function environment(home: string): Record<string, string> {
  const coverage = process.env.NODE_V8_COVERAGE;
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    ...(coverage === undefined ? {} : { NODE_V8_COVERAGE: coverage }),
  };
}
