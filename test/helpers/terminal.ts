import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { PROGRAM } from './program.js';

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
  /** Typed in turn, each once the screen has shown its text; a function is run first and gives what is typed. */
  readonly answers?: readonly { readonly when: string; readonly type: string | (() => Promise<string>) }[];
  /** Milliseconds until SIGKILL; 30 seconds unless told otherwise. */
  readonly timeout?: number;
}

export interface TerminalResult {
  readonly exitCode: number;
  /** All that the terminal received, stdout and stderr together. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** Runs the built program on a pseudo-terminal, as a person does. */
export async function runInTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<TerminalResult> {
  const home = await mkdtemp(join(tmpdir(), 'apikeys-terminal-'));
  const { env = {}, columns = 80, rows = 24, timeout = 30_000 } = options;
  const terminal = spawn(process.execPath, [PROGRAM, ...args], {
    name: 'xterm-256color',
    cols: columns,
    rows,
    cwd: home,
    // A pager would wait for somebody to leave it.
    env: { PATH: process.env.PATH ?? '', HOME: home, TERM: 'xterm-256color', PAGER: 'cat', ...env },
  });
  let output = '';
  let seen = 0;
  let timedOut = false;
  const pending = [...(options.answers ?? [])];
  terminal.onData((data) => {
    output += data;
    const next = pending[0];
    const at = next === undefined ? -1 : output.indexOf(next.when, seen);
    if (next === undefined || at === -1) return;
    pending.shift();
    seen = at + next.when.length;
    if (typeof next.type === 'string') terminal.write(next.type);
    else void next.type().then((text) => terminal.write(text));
  });
  const timer = setTimeout(() => {
    timedOut = true;
    terminal.kill('SIGKILL');
  }, timeout);
  const exitCode = await new Promise<number>((resolve) => {
    terminal.onExit((exit) => resolve(exit.exitCode));
  });
  clearTimeout(timer);
  await rm(home, { recursive: true, force: true });
  return { exitCode, output, timedOut };
}
