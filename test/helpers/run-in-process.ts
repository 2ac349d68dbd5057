import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { run } from '../../src/cli/run.js';
import type { ProgramResult, RunOptions } from './program.js';

/** Where the tests were started. */
const START = process.cwd();

export interface InProcessOptions extends Omit<RunOptions, 'program'> {
  /** Whether stdin, stdout and stderr are said to be a terminal, of 80 columns. */
  readonly terminal?: boolean;
}

/**
 * Runs one command line in this process, as {@link runApikeys} runs the built program: without a terminal, with a home
 * of its own, and with nothing of this process's environment. What a process alone shows (signals, terminals, closed
 * pipes, full disks, start-up) takes the built program.
 *
 * @example
 * const { exitCode, stdout } = await runInProcess(['list', '--json'], { env: { APIKEYS_DATABASE_URL: database.url } });
 */
export async function runInProcess(
  argv: readonly string[],
  { env = {}, input = '', home: given, timeout = 60_000, terminal = false }: InProcessOptions = {},
): Promise<ProgramResult> {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'apikeys-home-')));
  const stdout = new TextSink();
  const stderr = new TextSink();
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeout);
  const began = performance.now();
  process.chdir(home);
  try {
    const exitCode = await run({
      argv,
      env: { PATH: process.env.PATH, HOME: home, ...env },
      stdin: () => new PassThrough().end(input),
      streams: { stdout, stderr },
      stdoutWasClosed: false,
      isTTY: { stdin: terminal, stdout: terminal, stderr: terminal },
      width: () => Number.parseInt(env.COLUMNS ?? '', 10) || (terminal ? 80 : Number.POSITIVE_INFINITY),
      stderrWidth: () => (terminal ? 80 : Number.POSITIVE_INFINITY),
      now: () => new Date(),
      signal: ending.signal,
    });
    return {
      exitCode,
      signal: null,
      stdout: stdout.text,
      stderr: stderr.text,
      durationMs: performance.now() - began,
      timedOut: ending.signal.aborted,
    };
  } finally {
    clearTimeout(timer);
    // Whoever starts a program needs a folder that exists, and another run's home may be gone.
    process.chdir(START);
    if (given === undefined) await rm(home, { recursive: true, force: true });
  }
}

/** Keeps what is written to it. */
class TextSink extends Writable {
  readonly #chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}
