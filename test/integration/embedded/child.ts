import { type ChildProcess, spawn } from 'node:child_process';
import { seededEnvironment } from '../../helpers/random.js';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has written so far, in whole lines. */
  lines(): string[];
  readonly ended: Promise<Ended>;
}

/** Runs a bundled fixture with `node`. */
export function run(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...seededEnvironment(), ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    process: child,
    lines: () => stdout.split('\n').slice(0, -1),
    ended: new Promise((resolve) =>
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
    ),
  };
}

/** Rounds of a test with random moments: a few, all of them in the long form, or the number that `ROUNDS` asks for. */
export const roundsOf = ({ short, long }: { readonly short: number; readonly long: number }): number =>
  Number(process.env.ROUNDS ?? (process.env.APIKEYS_TEST_LONG === '1' ? long : short));
