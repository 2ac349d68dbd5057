import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import pg from 'pg';
import { startCluster } from '../helpers/cluster.js';
import { overUrl } from '../helpers/run-sql.js';
import { seedKeys } from '../helpers/seed.js';
import { makeTemplate } from '../helpers/template.js';

export interface CleanupBenchOptions {
  /** In the database; about a tenth of them is dead for long enough. 1,000,000 unless named. */
  readonly keys?: number;
  /** Whether the server waits for its disk; true unless named. */
  readonly durable?: boolean;
}

/** All times in milliseconds. */
export interface CleanupFigures {
  readonly keys: number;
  readonly deleted: number;
  readonly keysPerSecond: number;
  /** Of a session that locks, one by one, keys that are about to be deleted. */
  readonly rival: Latencies;
  readonly lookupBefore: Latencies;
  readonly lookupDuring: Latencies;
  readonly lookupAfter: Latencies;
}

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const PROGRAM = fileURLToPath(new URL('../../bin/apikeys.js', import.meta.url));
/** Of what the seed has dead, half died before that. */
const OLDER_THAN = '15d';
/** What verify has to look up, in one named statement. */
const LOOKUP = {
  name: 'lookup',
  text: `SELECT key.id, key.expires_at, key.revoked_at, key.frozen_at, secret.valid_until
           FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
          WHERE secret.hash = $1`,
};

/**
 * Runs the built program's `cleanup` on a seeded database while one session looks keys up and another locks keys that
 * are about to go.
 */
export async function benchCleanup(options: CleanupBenchOptions = {}): Promise<CleanupFigures> {
  const { keys = 1_000_000, durable = true } = options;
  const cluster = await startCluster({ version: 18, durable, settings: { shared_buffers: '512MB' } });
  try {
    const url = cluster.url('bench');
    await makeTemplate(cluster.adminUrl, 'bench');
    await overUrl(cluster.adminUrl, async (run) => {
      await run('ALTER DATABASE bench ALLOW_CONNECTIONS true');
    });
    await overUrl(url, async (run) => {
      await seedKeys(run, { keys });
      await run('CHECKPOINT');
    });
    return await measure(url, keys);
  } finally {
    await cluster.stop();
  }
}

async function measure(url: string, keys: number): Promise<CleanupFigures> {
  const hashes = await column<Buffer>(url, 'SELECT hash FROM apikeys.secrets TABLESAMPLE SYSTEM (2)');
  const dying = await column<string>(
    url,
    `SELECT id FROM apikeys.keys
      WHERE LEAST(revoked_at, expires_at) <= now() - interval '${OLDER_THAN.replace('d', ' days')}'
      ORDER BY LEAST(revoked_at, expires_at), id`,
  );
  const lookupBefore = await during(url, lookups(hashes), pause(2_000));

  const start = performance.now();
  const cleanup = promisify(execFile)(
    process.execPath,
    [PROGRAM, 'cleanup', '--json', '--older-than', OLDER_THAN],
    {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', APIKEYS_DATABASE_URL: url },
    },
  );
  const ended = cleanup.then(() => performance.now());
  const [lookupDuring, rival] = await Promise.all([
    during(url, lookups(hashes), ended),
    during(url, locks(dying), ended),
  ]);
  const { stdout } = await cleanup;
  const seconds = ((await ended) - start) / 1_000;
  const { deleted_keys: deleted }: { deleted_keys: number } = JSON.parse(stdout);
  const lookupAfter = await during(url, lookups(hashes), pause(2_000));
  return {
    keys,
    deleted,
    keysPerSecond: Math.round(deleted / seconds),
    rival,
    lookupBefore,
    lookupDuring,
    lookupAfter,
  };
}

type Query = { text: string; name?: string; values: unknown[] };

const lookups = (hashes: readonly Buffer[]) => (): Query => ({
  ...LOOKUP,
  values: [pick(hashes, Math.random())],
});

/** Looks where the cleanup is by now, and locks a key a little ahead of it. */
const locks = (dying: readonly string[]) => (): Query => ({
  text: 'UPDATE apikeys.keys SET description = description WHERE id = $1',
  values: [pick(dying, Math.random())],
});

const pick = <T>(items: readonly T[], at: number): T | undefined => items[Math.floor(at * items.length)];

/** Sends one query after the other until `end`. */
async function during(url: string, query: () => Query, end: Promise<unknown>): Promise<Latencies> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let over = false;
  void end.finally(() => {
    over = true;
  });
  const times: number[] = [];
  while (!over) {
    const start = performance.now();
    await client.query(query());
    times.push(performance.now() - start);
    await pause(1);
  }
  await client.end();
  return latencies(times);
}

function latencies(times: number[]): Latencies {
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(2));
  return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function column<T>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<[T]>({ text, rowMode: 'array' });
    return rows.map(([value]) => value);
  } finally {
    await client.end();
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { keys: { type: 'string' }, fast: { type: 'boolean' } } });
  const figures = await benchCleanup({
    ...(values.keys !== undefined && { keys: Number(values.keys) }),
    durable: values.fast !== true,
  });
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
}
