import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../helpers/cluster.js';
import { isRunning } from '../../helpers/processes.js';
import { overUrl, texts } from '../../helpers/run-sql.js';

const started: Cluster[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((cluster) => cluster.stop()));
});

async function start(options: Parameters<typeof startCluster>[0] = {}): Promise<Cluster> {
  const cluster = await startCluster(options);
  started.push(cluster);
  return cluster;
}

function ask(url: string, sql: string): Promise<string[]> {
  return overUrl(url, (run) => texts(run, sql));
}

describe.each([15, 18] as const)('PostgreSQL %i', (version) => {
  test('starts, answers over TCP and socket, leaves nothing behind', async () => {
    const cluster = await start({ version });
    const [number] = await ask(cluster.adminUrl, 'SHOW server_version_num');
    expect(Math.floor(Number(number) / 10_000)).toBe(version);
    const socket = new pg.Client({
      host: cluster.socketFolder,
      port: cluster.port,
      ...cluster.superuser,
      database: 'postgres',
    });
    await socket.connect();
    await socket.end();

    await cluster.stop();
    expect(existsSync(cluster.socketFolder)).toBe(false);
    await expect(ask(cluster.adminUrl, 'SHOW port')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('one server, test after test', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ logStatements: true, settings: { application_name: "it's set" } });
  });
  afterAll(() => cluster.stop());

  test('asks for the password, on the socket too', async () => {
    await expect(ask(cluster.url('postgres', { password: 'wrong' }), 'SHOW port')).rejects.toMatchObject({
      code: '28P01',
    });
  });

  test('takes settings and logs statements with their parameters', async () => {
    const client = new pg.Client({ connectionString: cluster.adminUrl });
    await client.connect();
    const { rows } = await client.query(`SELECT current_setting('application_name') AS name, $1::text`, [
      'canary-1',
    ]);
    await expect(client.query('SELECT $1::text::int', ['canary-2'])).rejects.toThrow();
    await client.end();
    expect(rows[0]).toMatchObject({ name: "it's set" });
    const log = await cluster.log();
    expect(log).toContain('canary-1');
    expect(log).toContain('canary-2');
  });

  test('what was committed is there after a kill and after a restart', async () => {
    await ask(cluster.adminUrl, 'CREATE TABLE kept (id int)');
    const client = new pg.Client({ connectionString: cluster.adminUrl });
    await client.connect();
    const lost = new Promise((resolve) => client.on('error', resolve));
    await cluster.kill9();
    await lost;
    await expect(ask(cluster.adminUrl, 'SHOW port')).rejects.toThrow();
    await cluster.restart();
    expect(await ask(cluster.adminUrl, `SELECT count(*)::text FROM kept`)).toEqual(['0']);
    await cluster.restart();
    expect(await ask(cluster.adminUrl, `SELECT count(*)::text FROM kept`)).toEqual(['0']);
  });

  test('paused, it accepts connections and answers nobody; resumed, it goes on', async () => {
    const client = new pg.Client({ connectionString: cluster.adminUrl });
    await client.connect();
    await cluster.pause();
    const query = client.query('SELECT 1');
    const late = new pg.Client({ connectionString: cluster.adminUrl, connectionTimeoutMillis: 300 });
    await expect(late.connect()).rejects.toThrow('timeout');
    expect(await Promise.race([query, sleep(200, 'pending')])).toBe('pending');
    cluster.resume();
    expect((await query).rowCount).toBe(1);
    await client.end();
  });

  test('stops while paused', async () => {
    await cluster.pause();
    await cluster.stop();
    expect(existsSync(cluster.socketFolder)).toBe(false);
  });
});

test.each(['running', 'paused'])('nothing is left of a %s server when its owner is killed', async (state) => {
  const helpers = fileURLToPath(new URL('../../helpers/', import.meta.url));
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { readFile } from 'node:fs/promises';
        import { startCluster } from './cluster.js';
        const cluster = await startCluster();
        const [pid] = (await readFile(cluster.socketFolder + '/data/postmaster.pid', 'utf8')).split('\\n');
        if (${state === 'paused'}) await cluster.pause();
        process.stdout.write(JSON.stringify({ pid: Number(pid), folder: cluster.socketFolder }) + '\\n');
        setInterval(() => {}, 1000);`,
      resolveDir: helpers,
      loader: 'ts',
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
  });
  // From its standard input a module resolves what it needs against the working folder.
  const owner = spawn(process.execPath, ['--input-type=module', '-'], {
    cwd: helpers,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  owner.stdin.end(outputFiles[0]?.text);
  const [line]: unknown[] = await once(owner.stdout, 'data');
  const { pid, folder }: { pid: number; folder: string } = JSON.parse(String(line));
  expect(isRunning(pid)).toBe(true);
  expect(await readFile(join(folder, 'data', 'PG_VERSION'), 'utf8')).toContain('18');

  owner.kill('SIGKILL');
  await once(owner, 'exit');
  for (let waited = 0; waited < 15_000 && existsSync(folder); waited += 50) await sleep(50);
  expect(existsSync(folder)).toBe(false);
  expect(isRunning(pid)).toBe(false);
});
