import fs from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import type { NodeFS } from '@electric-sql/pglite/nodefs';
import { hasData, type Layout, syncFolder } from './folder.js';
import type { Lock } from './lock.js';

/** What is touched of PGlite's runtime (emscripten), which has no usable types of its own. */
interface Runtime {
  readonly FS: { lookupPath(name: string): { node: { mount: { opts: { root: string } } } } };
  readonly NODEFS: {
    readonly stream_ops: {
      fsync?: (stream: { readonly nfd: number }) => void;
      write: (...args: readonly unknown[]) => number;
      read: (...args: readonly unknown[]) => number;
    };
    /** Mutex a Node error into the errno that PostgreSQL understands. */
    tryFSOperation(operation: () => void): void;
  };
  _PostgresMainLoopOnce(): void;
  stackRestore(pointer: number): void;
}

export interface DataFileSystem extends NodeFS {
  /** True once PostgreSQL has ended by itself (a PANIC), or its files are another process's: nothing more may be asked of it. */
  readonly stopped: boolean;
}

/** PostgreSQL's own way to leave a failed statement; every other exception out of its main loop is the end of it. */
const LONGJMP_STATUS = 100;

/** How many files are synced at once when new data is put in place. */
const SYNC_LANES = 8;

/**
 * PGlite's file system on the host, with what it lacks:
 *
 * - `fsync` reaches the disk. (`fdatasync` never arrives here, hence `wal_sync_method=fsync`.)
 * - New data is made in `data.new` and gets its name when it is complete and synced, so that no half-made database is
 *   ever found.
 * - When PostgreSQL ends by itself, PGlite would call its main loop for ever; here it gets an error.
 * - Nothing is written without the lock: a process that was suspended may wake up to find that another has taken over.
 *
 * `fsync` is for tests: to count the calls, or to let them fail.
 */
export function createFileSystem(
  base: typeof NodeFS,
  mountPoint: string,
  layout: Layout,
  lock: Pick<Lock, 'isHeld' | 'beat'>,
  fsync: (descriptor: number) => void = fs.fsyncSync,
): DataFileSystem {
  let incomplete = !hasData(layout);
  let stopped = false;
  let runtime: Runtime | undefined;

  /** To PostgreSQL it is a disk that fails: it ends, and acknowledges nothing. */
  function refuseWithoutLock(): void {
    lock.beat();
    if (!lock.isHeld()) throw Object.assign(new Error('the lock is lost'), { code: 'EIO', syscall: 'write' });
  }

  function amend(running: Runtime): void {
    runtime = running;
    const { NODEFS } = running;
    const { read, write } = NODEFS.stream_ops;
    NODEFS.stream_ops.fsync = (stream) =>
      NODEFS.tryFSOperation(() => {
        refuseWithoutLock();
        fsync(stream.nfd);
      });
    NODEFS.stream_ops.write = (...args) => {
      NODEFS.tryFSOperation(refuseWithoutLock);
      return write(...args);
    };
    // A long statement keeps the event loop, and with it the lock's own heartbeat, from running.
    NODEFS.stream_ops.read = (...args) => {
      lock.beat();
      return read(...args);
    };

    const [loopOnce, stackRestore] = [running._PostgresMainLoopOnce, running.stackRestore];
    running._PostgresMainLoopOnce = () => {
      try {
        loopOnce();
      } catch (error) {
        stopped ||= !isLongjmp(error);
        throw error;
      }
    };
    // The first thing that PGlite calls after catching the above, and the one place where it can be stopped.
    running.stackRestore = (pointer) => {
      if (stopped) throw new Error('the embedded PostgreSQL has stopped');
      stackRestore(pointer);
    };
  }

  class EmbeddedFileSystem extends base implements DataFileSystem {
    get stopped(): boolean {
      return stopped || !lock.isHeld();
    }

    override async init(pglite: PGlite, options: Parameters<NodeFS['init']>[1]): ReturnType<NodeFS['init']> {
      const { emscriptenOpts } = await super.init(pglite, options);
      const preRun = emscriptenOpts.preRun ?? [];
      return { emscriptenOpts: { ...emscriptenOpts, preRun: [...preRun, (mod) => amend(mod)] } };
    }

    /** PGlite calls this when new data is complete and PostgreSQL not yet started, then after every query. */
    override async syncToFs(): Promise<void> {
      if (!incomplete) return;
      incomplete = false;
      await makePrivateAndSync(layout.unfinished);
      refuseWithoutLock();
      fs.renameSync(layout.unfinished, layout.data);
      syncFolder(layout.folder);
      if (runtime !== undefined) runtime.FS.lookupPath(mountPoint).node.mount.opts.root = layout.data;
    }
  }

  if (incomplete) fs.rmSync(layout.unfinished, { recursive: true, force: true });
  return new EmbeddedFileSystem(incomplete ? layout.unfinished : layout.data);
}

function isLongjmp(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === LONGJMP_STATUS;
}

/** The files come with the modes of PGlite's archive: readable by all. PostgreSQL goes by the mode of the top folder from then on. */
async function makePrivateAndSync(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const queue = entries[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const entry of queue) {
      const handle = await open(path.join(entry.parentPath, entry.name));
      try {
        await handle.chmod(entry.isDirectory() ? 0o700 : 0o600);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  };
  await Promise.all(Array.from({ length: SYNC_LANES }, lane));
  fs.chmodSync(folder, 0o700);
  syncFolder(folder);
}
