import pg from 'pg';
import { ApiKeysError } from '../../errors.js';
import { connectionOf } from '../connection.js';
import type { Engine, Timeouts } from '../engine.js';
import { type Backend, startBackend } from './backend.js';
import { folderSize, hasData, layoutOf, prepareFolder } from './folder.js';
import { leaseConnection } from './lease.js';
import { type LockOptions, takeLock } from './lock.js';
import { lostLockError } from './locked-error.js';
import { Mutex } from './mutex.js';

export { defaultEmbeddedFolder } from './folder.js';

export interface EmbeddedOptions {
  /** Holds the data and its lock; made if it does not exist, private to this user. */
  readonly folder: string;
  /** `statement` never fires in the embedded PostgreSQL: a statement runs to its end, and blocks this process. */
  readonly timeouts: Timeouts;
  /** How long to wait for another process to finish, in milliseconds; 10,000 by default. */
  readonly lockWait?: number;
  /** Brings the schema up to date, before the engine is handed out. */
  readonly migrate?: (engine: Engine) => Promise<unknown>;
  /** Told before a database is made where there is none, which takes seconds. */
  readonly preparing?: ((folder: string) => void | Promise<void>) | undefined;
  /** Nothing more is sent after it, and the wait for the lock ends. */
  readonly signal?: AbortSignal;
  /** Takes the lock from a holder that does not run on this machine, and tells from whom. */
  readonly breakLock?: ((from: string) => void) | undefined;
  /** Told once, if it takes more than a moment, for whom this waits. */
  readonly waiting?: ((holder: string) => void) | undefined;
  /** For tests: where this process runs, and how long another's silence has to last. */
  readonly lock?: Pick<LockOptions, 'machine' | 'silence'>;
  /** For tests: stands in for the fsync of one file descriptor. */
  readonly fsync?: (descriptor: number) => void;
}

/**
 * Opens the built-in PostgreSQL on a folder, and makes it first if need be. One engine at a time works on a folder, in
 * this process and among all others; close it before anything that takes long, such as a prompt.
 *
 * Throws `EMBEDDED_NOT_INSTALLED`, `EMBEDDED_LOCKED` (names the holder), `INVALID_CONFIG` (the folder is not fit),
 * `DATABASE_UNREACHABLE` (the data is damaged) or what `migrate` throws; the lock is free then.
 *
 * @example
 * const engine = await openEmbedded({ folder: defaultEmbeddedFolder(process.env), timeouts });
 * try {
 *   await engine.use((connection) => connection.script('SELECT 1'));
 * } finally {
 *   await engine.close();
 * }
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Engine> {
  const { folder, timeouts, lockWait = 10_000, migrate, signal, fsync, breakLock, waiting } = options;
  const layout = layoutOf(folder);
  prepareFolder(layout);
  const lock = await takeLock(layout.lock, lockWait, { ...options.lock, signal, breakLock, waiting });
  const mutex = new Mutex();
  let backend: Backend | undefined;
  let closing: Promise<void> | undefined;

  async function stop(): Promise<void> {
    const ending = backend;
    backend = undefined;
    await ending?.close();
  }

  const engine: Engine = {
    kind: 'embedded',
    location: layout.folder,
    tls: null,
    sizeBytes: () => folderSize(layout.folder),
    timeouts,
    async use(work, { evenIfInterrupted = false } = {}) {
      const ending = evenIfInterrupted ? undefined : signal;
      refuseIf(closing !== undefined, ending);
      if (!(await mutex.acquire(timeouts.connect))) throw busyError(timeouts.connect);
      try {
        refuseIf(closing !== undefined && backend === undefined, ending);
        // It may have ended by itself. It starts again here: under the same lock, and its data recovers from the log.
        if (!lock.isHeld()) throw lostLockError(layout.folder);
        backend ??= await startBackend(layout, lock, fsync);
        const current = backend;
        const lease = leaseConnection(
          connectionOf(current.client, {
            fallback: pg.types,
            answerTimeout: timeouts.answer,
            signal: ending,
          }),
        );
        try {
          return await work(lease.connection);
        } finally {
          await lease.end();
          if (!(await current.rollbackIfOpen())) await stop();
        }
      } finally {
        mutex.release();
      }
    },
    close() {
      closing ??= (async () => {
        // What is under way may finish, unless it takes too long.
        await mutex.acquire(timeouts.answer);
        await stop();
        lock.release();
      })();
      return closing;
    },
  };

  try {
    if (!hasData(layout)) await options.preparing?.(layout.folder);
    backend = await startBackend(layout, lock, fsync);
    await migrate?.(engine);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function refuseIf(closed: boolean, signal: AbortSignal | undefined): void {
  if (closed) {
    throw new ApiKeysError('DATABASE_UNREACHABLE', 'the embedded database has been closed', {
      details: { reason: 'closed' },
    });
  }
  if (signal?.aborted) throw new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
}

function busyError(limit: number): ApiKeysError {
  return new ApiKeysError(
    'DATABASE_BUSY',
    `the embedded database was busy with other work of this process for ${limit / 1000} s; nothing was changed`,
    { details: { reason: 'embedded_busy' } },
  );
}
