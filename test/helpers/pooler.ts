import { execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './ports.js';
import { serverUser } from './server-user.js';

/** A PgBouncer in front of a server, which lends its few connections for a transaction each. */
export interface Pooler {
  readonly port: number;
  /** The connection string that leads through it. */
  url(databaseUrl: string): string;
  stop(): Promise<void>;
}

/** Whether this machine has a PgBouncer: the tests bring none along. */
export async function hasPooler(): Promise<boolean> {
  return promisify(execFile)('pgbouncer', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Starts one with as many connections to the server as `size`. */
export async function startPooler(databaseUrl: string, size: number): Promise<Pooler> {
  const { hostname, port: serverPort, username, password } = new URL(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), 'apikeys-pooler-'));
  const port = await freePort();
  const files = {
    config: join(folder, 'pgbouncer.ini'),
    users: join(folder, 'users.txt'),
    log: join(folder, 'pgbouncer.log'),
  };
  await writeFile(files.users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
  await writeFile(
    files.config,
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${files.users}
pool_mode = transaction
default_pool_size = ${size}
max_client_conn = 200
logfile = ${files.log}
`,
  );
  const user = await serverUser();
  if (user !== undefined) {
    for (const path of [folder, files.config, files.users]) await chown(path, user.uid, user.gid);
  }
  const child = spawn('pgbouncer', ['-q', files.config], { stdio: 'ignore', ...user });
  await Promise.race([
    isListening(port),
    new Promise((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`PgBouncer ended with ${code}`)));
    }),
  ]);
  return {
    port,
    url(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isListening(port: number): Promise<void> {
  for (;;) {
    const answers = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (answers) return;
    await delay(50);
  }
}
