import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { OutputStream } from './streams.js';

/** The screen behind stdout, as a process alone can know it. */
export interface Screen {
  rows(): number;
  /** The pager of the system; empty where it has none. */
  readonly usualPager: string;
  /** While it is held, Ctrl-C is the pager's to heed: the terminal sends it to both. */
  holdInterrupts(held: boolean): void;
}

/** What shows a long text screen by screen. */
export interface Pager {
  readonly stream: OutputStream;
  /** Ends the text and resolves once whoever reads has left it; false if it could not be started after all. */
  close(): Promise<boolean>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** `APIKEYS_PAGER`, `PAGER`, or the usual one; null where there is none. `cat` is as good as none. */
export function pagerCommand(env: Env, usual: string): string | null {
  const command = (env.APIKEYS_PAGER || env.PAGER || usual).trim();
  return command === '' || command === 'cat' ? null : command;
}

/** What a shell would not take as it stands. */
const PLAIN = /^[\w\s@%+:,./-]+$/;

/** What a shell says where it finds no such command, or may not run it. */
const NOT_RUN = [126, 127];

/** Starts it on the terminal that this process has; undefined where that fails. */
export async function openPager(
  command: string,
  { env, screen, signal }: { env: Env; screen: Screen; signal: AbortSignal | undefined },
): Promise<Pager | undefined> {
  const [file = '', ...args] = PLAIN.test(command) ? command.split(/\s+/) : ['/bin/sh', '-c', command];
  const child = spawn(file, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    // Colour as it is, no pager for what fits, and the text stays on the screen: as git has it.
    env: { LESS: 'FRX', LV: '-c', ...env },
  });
  const ended = once(child, 'exit');
  // A pager that is left early closes its input, which the write that meets it reports.
  child.stdin.on('error', () => undefined);
  try {
    await Promise.race([once(child, 'spawn'), ended]);
  } catch {
    ended.catch(() => undefined);
    return undefined;
  }
  screen.holdInterrupts(true);
  const end = (): void => {
    child.kill('SIGTERM');
  };
  signal?.addEventListener('abort', end, { once: true });
  return {
    stream: child.stdin,
    async close() {
      child.stdin.end();
      const [code]: unknown[] = await ended;
      signal?.removeEventListener('abort', end);
      screen.holdInterrupts(false);
      return !NOT_RUN.some((one) => one === code);
    },
  };
}
