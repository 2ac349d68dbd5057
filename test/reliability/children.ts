import { type ChildProcess, spawn } from 'node:child_process';
import { bundle } from '../helpers/bundle.js';
import { seededEnvironment } from '../helpers/random.js';

/** Bundles `fixtures/<name>.ts`. */
export const bundleFixture = (name: string): Promise<string> =>
  bundle(new URL(`./fixtures/${name}.ts`, import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  /** The whole lines that it has written so far. */
  lines(): string[];
  /** Resolves when it has ended and all it wrote is here. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  /** Resolves to its next line that begins with `word`; rejects when it ends without one. */
  next(word: string): Promise<string>;
}

/** Runs a bundled fixture with `node`; it ends when its standard input does, if it listens to that. */
export function startChild(script: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: seededEnvironment(),
  });
  child.stdin.on('error', () => undefined);
  let [stdout, stderr] = ['', ''];
  let read = 0;
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let hasEnded = false;
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on('close', (code) => {
      hasEnded = true;
      tell();
      resolve({ code, stderr });
    }),
  );
  const lines = () => stdout.split('\n').slice(0, -1);
  return {
    process: child,
    lines,
    ended,
    next(word) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const all = lines();
          while (read < all.length) {
            const line = all[read++] ?? '';
            if (!line.startsWith(word)) continue;
            waiting.delete(look);
            resolve(line);
            return;
          }
          if (!hasEnded) return;
          waiting.delete(look);
          reject(new Error(`ended without "${word}": ${stderr}`));
        };
        waiting.add(look);
        look();
      });
    },
  };
}
