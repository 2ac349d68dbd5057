import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries, type PostgresVersion } from './binaries.js';
import { initialise, makeClusterFolder } from './cluster-folder.js';
import { freePort } from './ports.js';
import { type Postmaster, type PostmasterOptions, startPostmaster, TakenError } from './postmaster.js';
import { childrenOf, signal } from './processes.js';
import { serverUser } from './server-user.js';
import { startWatchdog } from './watchdog.js';

export interface ClusterOptions {
  /** 18 unless told otherwise. */
  readonly version?: PostgresVersion;
  /** Logs every statement with its parameters, errors included. */
  readonly logStatements?: boolean;
  /** Really writes to the disk. Without it, what was committed survives a killed server but not a crashed machine. */
  readonly durable?: boolean;
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of a test's own. */
export interface Cluster {
  readonly host: string;
  readonly port: number;
  /** Where the Unix socket is, for `host=` in a connection string. */
  readonly socketFolder: string;
  readonly superuser: { readonly user: string; readonly password: string };
  /** The superuser on the database `postgres`. */
  readonly adminUrl: string;
  /** A connection string for `database`, as the superuser unless told otherwise. */
  url(database: string, login?: { readonly user?: string; readonly password?: string }): string;
  /** Everything the server has logged so far. */
  log(): Promise<string>;
  /** Stops it, unless it is dead, and starts it again on the same port. */
  restart(): Promise<void>;
  /** SIGKILL to the server and all its backends, as the kernel does when memory runs out. */
  kill9(): Promise<void>;
  /** Stops every process of the server where it stands: connections are accepted by the kernel, nothing is answered. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the server and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

const FAST_STOP = 10_000;

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '200',
  shared_buffers: '64MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  // Far from UTC and not by whole hours, on purpose: nothing of ours may depend on the server's zone.
  timezone: 'Asia/Kathmandu',
  log_timezone: 'UTC',
};

const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' };

const LOG_STATEMENTS = {
  log_statement: 'all',
  log_parameter_max_length: '-1',
  log_parameter_max_length_on_error: '-1',
  log_min_error_statement: 'debug1',
  log_error_verbosity: 'verbose',
  log_connections: 'on',
  log_disconnections: 'on',
};

/**
 * Makes and starts a throw-away server that ends with this process, however this process ends.
 *
 * @example
 * const cluster = await startCluster({ version: 15, logStatements: true });
 * try { … cluster.url('postgres') … } finally { await cluster.stop(); }
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const user = await serverUser();
  const folder = await makeClusterFolder(user);
  const watchdog = startWatchdog(folder);
  try {
    const binaries = await findBinaries(options.version ?? 18, user, folder);
    const password = randomBytes(16).toString('hex');
    const data = await initialise({
      initdb: binaries.initdb,
      folder,
      user,
      password,
      settings: {
        ...SETTINGS,
        ...(options.durable === true ? {} : NOT_DURABLE),
        ...(options.logStatements === true ? LOG_STATEMENTS : {}),
        ...options.settings,
      },
      started: watchdog.watch,
    });
    const start = (port: number) =>
      startUntilFree({
        postgres: binaries.postgres,
        data,
        folder,
        logFile: join(folder, 'server.log'),
        port,
        user,
        adminUrl: connectionString(port, 'postgres', 'postgres', password),
        started: watchdog.watch,
      });
    const { port, postmaster } = await startAnywhere(start);
    return runningCluster({ folder, password, port, postmaster, start, watchdog });
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

type Start = (port: number) => Promise<Postmaster>;

/** A server that was killed frees its memory and its port within moments. */
async function startUntilFree(options: PostmasterOptions): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostmaster(options);
    } catch (error) {
      if (!(error instanceof TakenError) || attempt === 5) throw error;
      await sleep(100 * attempt);
    }
  }
}

async function startAnywhere(start: Start): Promise<{ port: number; postmaster: Postmaster }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, postmaster: await start(port) };
    } catch (error) {
      if (!(error instanceof TakenError) || attempt === 5) throw error;
    }
  }
}

function connectionString(port: number, database: string, user: string, password: string): string {
  const [name, login, word] = [database, user, password].map(encodeURIComponent);
  return `postgres://${login}:${word}@127.0.0.1:${port}/${name}`;
}

interface Running {
  readonly folder: string;
  readonly password: string;
  readonly port: number;
  readonly postmaster: Postmaster;
  readonly start: Start;
  readonly watchdog: ReturnType<typeof startWatchdog>;
}

function runningCluster(running: Running): Cluster {
  const { folder, password, port, start, watchdog } = running;
  let { postmaster } = running;
  let paused: number[] = [];

  const resume = () => {
    for (const pid of paused) signal(pid, 'SIGCONT');
    if (paused.length > 0) watchdog.watch(postmaster.pid);
    paused = [];
  };
  const end = async () => {
    resume();
    if (!postmaster.running()) return;
    signal(postmaster.pid, 'SIGINT');
    const impatient = setTimeout(() => signal(postmaster.pid, 'SIGKILL'), FAST_STOP);
    await postmaster.ended;
    clearTimeout(impatient);
    watchdog.watch();
  };

  return {
    host: '127.0.0.1',
    port,
    socketFolder: folder,
    superuser: { user: 'postgres', password },
    adminUrl: connectionString(port, 'postgres', 'postgres', password),
    url: (database, login = {}) =>
      connectionString(port, database, login.user ?? 'postgres', login.password ?? password),
    log: () => readFile(join(folder, 'server.log'), 'utf8'),
    async restart() {
      await end();
      postmaster = await start(port);
    },
    async kill9() {
      const backends = await childrenOf(postmaster.pid);
      if (postmaster.running()) for (const pid of [postmaster.pid, ...backends]) signal(pid, 'SIGKILL');
      await postmaster.ended;
      paused = [];
      watchdog.watch();
    },
    async pause() {
      // The parent first: from then on no backend is added to those listed.
      signal(postmaster.pid, 'SIGSTOP');
      paused = [postmaster.pid, ...(await childrenOf(postmaster.pid))];
      watchdog.watch(...paused);
      for (const pid of paused) signal(pid, 'SIGSTOP');
    },
    resume,
    async stop() {
      await end();
      await watchdog.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
