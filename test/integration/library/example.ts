import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { execa } from 'execa';
import { freePort } from '../../helpers/ports.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PACKAGES = ['express', 'fastify', 'hono', '@hono/node-server'];

export const exampleFile = (name: string): URL => new URL(`examples/${name}.ts`, import.meta.url);

/** An application's folder, in which the built package and the frameworks are installed. */
async function application(code: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'apikeys-application-'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await symlink(ROOT, join(modules, 'apikeys'));
  for (const name of PACKAGES) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  const { code: plain } = await transform(code, { loader: 'ts', format: 'esm', target: 'node20.19' });
  await writeFile(join(folder, 'main.mjs'), plain);
  return folder;
}

function start(folder: string, env: Readonly<Record<string, string>>) {
  return execa(process.execPath, ['main.mjs'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...env },
    extendEnv: false,
    stdin: 'ignore',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    reject: false,
  });
}

/** Runs TypeScript to its end as an application's own code, and gives what it printed. It has to end by itself with 0. */
export async function runCode(code: string, databaseUrl: string): Promise<string> {
  const folder = await application(code);
  try {
    const { exitCode, stdout, stderr } = await start(folder, { DATABASE_URL: databaseUrl });
    if (exitCode !== 0 || stderr !== '') throw new Error(`exit ${exitCode}: ${stderr}`);
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface ExampleServer {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Asks it to end; gives its exit code. */
  stop(): Promise<number | undefined>;
}

/** Starts an example that listens on `PORT`. */
export async function startServer(name: string, databaseUrl: string): Promise<ExampleServer> {
  const folder = await application(await readFile(exampleFile(name), 'utf8'));
  const port = await freePort();
  const child = start(folder, { DATABASE_URL: databaseUrl, PORT: String(port) });
  const get: ExampleServer['get'] = (path, headers = {}) =>
    // A connection that is kept alive would keep the server from ending.
    fetch(`http://localhost:${port}${path}`, { headers: { connection: 'close', ...headers } });
  const ended = child.then(({ exitCode, stderr }) => ({ exitCode, stderr }));
  for (;;) {
    const answered = get('/').then(
      () => 'up' as const,
      () => 'down' as const,
    );
    const state = await Promise.race([answered, ended]);
    if (state === 'up') break;
    if (state !== 'down') throw new Error(`${name} ended with ${state.exitCode}: ${state.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    get,
    async stop() {
      child.kill('SIGTERM');
      const { exitCode } = await ended;
      await rm(folder, { recursive: true, force: true });
      return exitCode;
    },
  };
}
