import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { startCluster } from '../helpers/cluster.js';
import { PROGRAM } from '../helpers/program.js';
import { overUrl } from '../helpers/run-sql.js';
import type { Bench, Result } from './bench.js';
import { seededDatabase } from './seeded.js';

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * A quarter of a small server's memory, as PostgreSQL's manual has it: the keys are what that server is for. Every wait for
 * a lock that takes a millisecond is logged, so that a wait for another session is told from one for a busy machine.
 */
const SETTINGS = { shared_buffers: '6GB', log_lock_waits: 'on', deadlock_timeout: '1ms' };
const LOCK_WAIT = /acquired ShareLock on transaction \d+ after ([\d.]+) ms/g;
/** For how long a disk is busy with files that were removed, in milliseconds. */
const SETTLING = 10_000;
/** Of what the seed has dead, half died before that. */
const OLDER_THAN = '15d';
const DUE = `LEAST(revoked_at, expires_at) <= now() - interval '15 days'
  AND (revoked_at IS NOT NULL OR frozen_at IS NULL)`;
/** What verify has to look up, in one named statement. */
const LOOKUP = {
  name: 'lookup',
  text: `SELECT key.id, key.expires_at, key.revoked_at, key.frozen_at, secret.valid_until
           FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
          WHERE secret.hash = $1`,
};

/**
 * Runs the built program's `cleanup` on a seeded database, a tenth of whose keys is due, while one session looks keys up
 * and another writes to keys that are about to go. The yardstick of its speed is the bare deletion of as many keys in
 * one statement, without events and with nobody to be kept waiting; that of a look-up is one while as much is deleted
 * in another database, so that what is compared is not how busy the machine is.
 */
export const cleanup: Bench = {
  name: 'cleanup',
  async run(options) {
    const cluster = await startCluster({ version: 18, durable: true, settings: SETTINGS });
    try {
      const url = await seededDatabase(cluster, 'seeded', options);
      const copied = (name: string) =>
        overUrl(cluster.adminUrl, async (run) => {
          await run(`CREATE DATABASE ${name} TEMPLATE seeded`);
          await run('CHECKPOINT');
        });
      const dropped = async (name: string) => {
        await overUrl(cluster.adminUrl, (run) => run(`DROP DATABASE ${name} WITH (FORCE)`));
        await pause(SETTLING);
      };
      // One after the other: what is left behind in a database is vacuumed, which is work for all.
      await copied('bare');
      options.progress('cleanup: the bare deletion');
      const bare = await deleteBare(cluster.url('bare'));
      await dropped('bare');
      await copied('other');
      options.progress('cleanup: at work elsewhere, and here');
      const measured = await measure(url, cluster.url('other'), () => dropped('other'));
      const waits = [...(await cluster.log()).matchAll(LOCK_WAIT)].map(([, ms]) => Number(ms));
      return figures(measured, bare, Math.max(0, ...waits));
    } finally {
      await cluster.stop();
    }
  },
};

interface Measured {
  /** Milliseconds a key, from the start of the program to its end. */
  readonly perKey: number;
  readonly rival: Latencies;
  /** Of look-ups with nobody else at work, beside a cleanup of another database, and beside one of this. */
  readonly lookup: Readonly<Record<'alone' | 'besideOther' | 'beside', Latencies>>;
}

/** How long a writer may have to wait, in milliseconds. */
const LONGEST_WAIT = 25;

function figures({ perKey, rival, lookup }: Measured, bare: number, longestLock: number): Result[] {
  const once = (number: number) => ({ min: number, median: number, max: number });
  const result = (what: string, measured: number, yardstick: number, goal: number): Result => ({
    what,
    measured: once(measured),
    yardstick: once(yardstick),
    ratio: once(measured / yardstick),
    goal,
  });
  return [
    result(`a key cleaned up (${Math.round(1_000 / perKey)}/s)`, perKey, bare, 8),
    result('longest wait of a writer for a lock, of 25 ms', longestLock, LONGEST_WAIT, 1),
    result('longest write of a writer, of 25 ms', rival.max, LONGEST_WAIT, 1),
    result('longest lookup meanwhile, of 25 ms', lookup.beside.max, LONGEST_WAIT, 1),
    result(
      'p99 of a lookup, by that beside a cleanup elsewhere',
      lookup.beside.p99,
      lookup.besideOther.p99,
      1.2,
    ),
    result('p99 of a lookup, by that on an idle machine', lookup.beside.p99, lookup.alone.p99, 1.2),
  ];
}

async function deleteBare(url: string): Promise<number> {
  const start = performance.now();
  const [row] = await column<string>(
    url,
    `WITH dead AS MATERIALIZED (SELECT id FROM apikeys.keys WHERE ${DUE}),
          secret AS (DELETE FROM apikeys.secrets WHERE key_id IN (SELECT id FROM dead)),
          activity AS (DELETE FROM apikeys.key_activity WHERE key_id IN (SELECT id FROM dead)),
          gone AS (DELETE FROM apikeys.keys WHERE id IN (SELECT id FROM dead) RETURNING id)
     SELECT count(*) FROM gone`,
  );
  return (performance.now() - start) / Number(row);
}

async function measure(url: string, otherUrl: string, otherDone: () => Promise<void>): Promise<Measured> {
  const hashes = await column<Buffer>(url, 'SELECT hash FROM apikeys.secrets TABLESAMPLE SYSTEM (2)');
  const dying = await column<string>(url, `SELECT id FROM apikeys.keys WHERE ${DUE}`);
  const alone = await during(url, lookups(hashes), pause(5_000));
  const beside = async (cleaned: string) => {
    const ended = cleanUp(cleaned);
    const [lookup, rival, perKey] = await Promise.all([
      during(url, lookups(hashes), ended),
      during(url, locks(dying), ended),
      ended,
    ]);
    return { lookup, rival, perKey };
  };
  const other = await beside(otherUrl);
  await otherDone();
  const { lookup, rival, perKey } = await beside(url);
  return { perKey, rival, lookup: { alone, besideOther: other.lookup, beside: lookup } };
}

/** Milliseconds a key: one that was deleted, or that lost retired secrets alone; either has an event of its own. */
async function cleanUp(url: string): Promise<number> {
  const start = performance.now();
  await promisify(execFile)(process.execPath, [PROGRAM, 'cleanup', '-q', '--older-than', OLDER_THAN], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', APIKEYS_DATABASE_URL: url },
  });
  const took = performance.now() - start;
  const [events] = await column<string>(
    url,
    `SELECT count(*) FROM apikeys.audit_events WHERE action IN ('key.deleted', 'key.secrets_deleted')`,
  );
  return took / Number(events);
}

type Query = { text: string; name?: string; values: unknown[] };

const lookups = (hashes: readonly Buffer[]) => (): Query => ({
  ...LOOKUP,
  values: [pick(hashes, Math.random())],
});

/**
 * A write that changes nothing, to a key that goes sooner or later. It waits for no disk of its own, so that what it
 * waits for is the cleanup.
 */
const locks = (dying: readonly string[]) => (): Query => ({
  text: 'UPDATE apikeys.keys SET description = description WHERE id = $1',
  values: [pick(dying, Math.random())],
});

const pick = <T>(items: readonly T[], at: number): T | undefined => items[Math.floor(at * items.length)];

/** Sends one query after the other until `end`. */
async function during(url: string, query: () => Query, end: Promise<unknown>): Promise<Latencies> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SET synchronous_commit = off');
  let over = false;
  void end.finally(() => {
    over = true;
  });
  const times: number[] = [];
  while (!over) {
    const start = performance.now();
    await client.query(query());
    times.push(performance.now() - start);
    await pause(5);
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
