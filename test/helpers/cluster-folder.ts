import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mayEnter, type ServerUser } from './server-user.js';

/** The longest folder whose socket's path the kernel still takes (104 bytes on macOS, with the socket's name). */
const LONGEST = 80;

/** Makes a private folder with a short path, owned by the server's user. */
export async function makeClusterFolder(user: ServerUser | undefined): Promise<string> {
  const folder = await mkdtemp(join(await temporaryFolder(user), 'apikeys-pg-'));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

async function temporaryFolder(user: ServerUser | undefined): Promise<string> {
  const usual = await realpath(tmpdir());
  if (usual.length + '/apikeys-pg-XXXXXX'.length > LONGEST) return '/tmp';
  return user === undefined || (await mayEnter(usual, user)) ? usual : '/tmp';
}

/** What the servers and their tools see of the environment: nothing of PG*, no locale. */
export const SERVER_ENVIRONMENT = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' };

export interface InitOptions {
  readonly initdb: string;
  readonly folder: string;
  readonly user: ServerUser | undefined;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Told the process id of initdb while it runs. */
  readonly started: (pid: number) => void;
}

/** Runs initdb for the superuser `postgres` into `folder/data`, and gives that folder. */
export async function initialise(options: InitOptions): Promise<string> {
  const { folder, user } = options;
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);

  const args = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256'];
  const initdb = spawn(
    options.initdb,
    [...args, `--pwfile=${passwordFile}`, '--no-sync', '--no-instructions'],
    {
      ...user,
      cwd: folder,
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [initdb.stdout, initdb.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  if (initdb.pid !== undefined) options.started(initdb.pid);
  const [code]: unknown[] = await once(initdb, 'close');
  if (code !== 0) throw new Error(`initdb failed:\n${output}`);

  // Into the file, not onto the command line, so that a test can use ALTER SYSTEM.
  const lines = Object.entries(options.settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
  );
  await appendFile(join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  return data;
}
