import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SERVER_ENVIRONMENT } from './cluster-folder.js';
import type { ServerUser } from './server-user.js';

/** The process that listens, of which every backend is a child. */
export interface Postmaster {
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly running: () => boolean;
}

export interface PostmasterOptions {
  readonly postgres: string;
  readonly data: string;
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly user: ServerUser | undefined;
  /** To try a connection with. */
  readonly adminUrl: string;
  readonly started: (pid: number) => void;
}

/** The port, or the shared memory of a server killed a moment ago, is still in somebody's hands. */
export class TakenError extends Error {}

const DEADLINE = 60_000;

/** Starts a server on an initialised data folder and waits until it answers. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const from = (await readFile(options.logFile).catch(() => Buffer.alloc(0))).length;
  const log = await open(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(
      options.postgres,
      ['-D', options.data, '-p', String(options.port), '-c', `unix_socket_directories=${options.folder}`],
      {
        ...options.user,
        cwd: options.folder,
        env: SERVER_ENVIRONMENT,
        // Ctrl-C in a terminal is the test runner's business, which then stops the server.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
  } finally {
    await log.close();
  }
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
  });
  const { pid } = child;
  if (pid === undefined) {
    await ended;
    throw new Error('postgres could not be started', { cause: failure });
  }
  options.started(pid);
  // A test that forgets to stop its server must not keep the process alive: the watchdog sees to the rest.
  child.unref();
  const running = () => child.exitCode === null && child.signalCode === null;

  const deadline = Date.now() + DEADLINE;
  while (running()) {
    if (await answers(options.adminUrl)) return { pid, ended, running };
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      await ended;
    }
    await sleep(20);
  }
  const said = (await readFile(options.logFile)).subarray(from).toString();
  if (/Address already in use|pre-existing shared memory|lock file .* already exists/i.test(said)) {
    throw new TakenError(said);
  }
  throw new Error(`postgres did not start:\n${said}`);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
