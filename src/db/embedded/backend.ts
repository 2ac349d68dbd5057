import fs from 'node:fs';
import v8 from 'node:v8';
import type { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { ApiKeysError } from '../../errors.js';
import { folderError, isFileError } from './file-errors.js';
import { createFileSystem } from './file-system.js';
import type { Layout } from './folder.js';
import type { Lock } from './lock.js';

/** One running PostgreSQL and the client that speaks to it. */
export interface Backend {
  readonly client: pg.Client;
  /** Makes sure that no transaction is open. False if that could not be done: close it and start another. */
  rollbackIfOpen(): Promise<boolean>;
  /** Ends PostgreSQL, in order (with a checkpoint) as far as it is still able to. Never throws. */
  close(): Promise<void>;
}

/**
 * PGlite's own parameters, but with fsync. 16 MB of buffers instead of 128: the host caches the files too, and a
 * command starts a third faster in half the memory.
 */
const START_PARAMETERS = ['-c', 'wal_sync_method=fsync', '-c', 'shared_buffers=16MB'];

/** Small WAL segments: 10 MB less on the disk, and to write, when a database is made. */
const INITDB_PARAMETERS = ['--wal-segsize=1', '-c', 'shared_buffers=16MB'];

/** Starts PostgreSQL on the folder's data, and makes that data first if there is none. The lock must be held. */
export async function startBackend(
  layout: Layout,
  lock: Lock,
  fsync?: (descriptor: number) => void,
): Promise<Backend> {
  const { PGlite, NodeFS, createPgConfig } = await load();
  let fileSystem: ReturnType<typeof createFileSystem>;
  try {
    fileSystem = createFileSystem(NodeFS, PGlite.paths.PGDATA, layout, lock, fsync);
  } catch (error) {
    throw folderError(error, layout.folder);
  }
  const pglite = new PGlite({
    fs: fileSystem,
    startParams: [...PGlite.defaultStartParams.filter((each) => each !== '-F'), ...START_PARAMETERS],
    initDbStartParams: INITDB_PARAMETERS,
  });
  try {
    await pglite.waitReady;
    const settings = createPgConfig(pglite);
    const { connection } = settings;
    const parse = connection.parse.bind(connection);
    // `types` of a query are the parsers of its answer for pg, but a list of oids for PGlite, which throws.
    connection.parse = ({ name, text }: { name?: string; text: string }) => parse({ name, text });
    const client = new pg.Client(settings);
    // Without a listener, PostgreSQL's end would end this process.
    client.on('error', ignore);
    await client.connect();
    return {
      client,
      async rollbackIfOpen() {
        try {
          if (!fileSystem.stopped && pglite.isInTransaction()) await client.query('ROLLBACK');
          return !fileSystem.stopped && !pglite.isInTransaction();
        } catch {
          return false;
        }
      },
      async close() {
        // After a PANIC, or in another's files, no checkpoint may be written: the next start recovers from the log.
        if (fileSystem.stopped) return closeFiles(pglite);
        await client.end().catch(ignore);
        await pglite.close().catch(() => closeFiles(pglite));
      },
    };
  } catch (error) {
    closeFiles(pglite);
    throw startError(error, layout);
  }
}

async function load(): Promise<
  Pick<typeof import('@electric-sql/pglite'), 'PGlite'> &
    Pick<typeof import('@electric-sql/pglite/nodefs'), 'NodeFS'> &
    Pick<typeof import('@electric-sql/pglite/node-postgres'), 'createPgConfig'>
> {
  // Compiles once and quickly instead of twice: a third less time to start, half the memory.
  v8.setFlagsFromString('--liftoff-only');
  try {
    const [{ PGlite }, { NodeFS }, { createPgConfig }] = await Promise.all([
      import('@electric-sql/pglite'),
      import('@electric-sql/pglite/nodefs'),
      import('@electric-sql/pglite/node-postgres'),
    ]);
    return { PGlite, NodeFS, createPgConfig };
  } catch {
    throw new ApiKeysError(
      'EMBEDDED_NOT_INSTALLED',
      'the embedded database is an optional part that is not installed',
    );
  }
}

/** What PostgreSQL or the runtime said is not repeated: it can hold anything, and a WebAssembly trace helps nobody. */
function startError(error: unknown, layout: Layout): ApiKeysError {
  if (isFileError(error)) return folderError(error, layout.folder);
  if (isDiskFull(layout.folder)) return folderError(diskFull, layout.folder);
  if (error instanceof RangeError) {
    return new ApiKeysError(
      'DATABASE_BUSY',
      'there is not enough memory to start the embedded database; nothing was changed',
      { details: { reason: 'host_memory' } },
    );
  }
  return new ApiKeysError(
    'DATABASE_UNREACHABLE',
    `the embedded database in ${layout.folder} cannot be started: its files are damaged or cannot be read; nothing was changed`,
    {
      details: { reason: 'files_damaged', path: layout.data },
    },
  );
}

const diskFull = Object.assign(new Error(), { code: 'ENOSPC', syscall: 'write' });

function isDiskFull(folder: string): boolean {
  try {
    return fs.statfsSync(folder).bavail === 0;
  } catch {
    return false;
  }
}

/** Closes the host's files that a PostgreSQL which cannot end in order has left open. */
function closeFiles(pglite: PGlite): void {
  try {
    pglite.Module.FS.quit();
  } catch {
    // It did not get as far as opening any.
  }
}

const ignore = (): void => undefined;
