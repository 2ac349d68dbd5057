import { openServer } from '../../src/db/server.js';
import { serverSettings } from '../../src/db/server-settings.js';
import { encodeCursor } from '../../src/domain/cursor.js';
import { type ApiKeys, apiKeysOn } from '../../src/service/api-keys.js';
import type { ListRequest } from '../../src/service/list-keys.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { overUrl, type RunSql } from '../helpers/run-sql.js';
import { BIG_OWNER, BIG_TENANT, MIDDLE_TENANT, SMALL_OWNER, seedKeys } from '../helpers/seed.js';
import { makeTemplate } from '../helpers/template.js';
import { type Bench, type BenchOptions, type Result, sideBySide } from './bench.js';

const FEW = 10_000;
/** "A page of list at any depth" and `show`: not much slower in a large database than in a small one. */
const GOAL = 1.3;

const FILTERS: Readonly<Record<string, ListRequest>> = {
  'all keys': {},
  'a tenant of half of them': { tenant: BIG_TENANT },
  'a tenant of a few': { tenant: MIDDLE_TENANT },
  'an owner of a twentieth': { owner: BIG_OWNER },
  'the same in its tenant': { owner: BIG_OWNER, tenant: BIG_TENANT },
  'an owner of ten': { owner: SMALL_OWNER },
  active: { status: 'active' },
  revoked: { status: 'revoked' },
  frozen: { status: 'frozen' },
  expired: { status: 'expired' },
};

/** A database with its service, and what the calls need to know of its keys. */
interface Seeded {
  readonly service: ApiKeys;
  /** Cursors behind half of all keys and behind nearly all, by the order of a list. */
  readonly deep: Readonly<Record<'created' | 'expired', readonly [string, string]>>;
  readonly references: readonly { readonly id: string; readonly prefix: string; readonly name: string }[];
}

export const list: Bench = {
  name: 'list',
  async run(options) {
    const cluster = await startCluster({ durable: true, settings: { shared_buffers: '256MB' } });
    const opened: Seeded[] = [];
    try {
      const few = await seeded(cluster, 'few', FEW, options);
      opened.push(few);
      const many = await seeded(cluster, 'many', options.keys, options);
      opened.push(many);
      return await compare(few, many, options);
    } finally {
      for (const { service } of opened) await service.close();
      await cluster.stop();
    }
  },
};

async function compare(few: Seeded, many: Seeded, options: BenchOptions): Promise<Result[]> {
  const results: Result[] = [];
  const add = async (what: string, call: (database: Seeded, turn: number) => Promise<unknown>) => {
    options.progress(what);
    const turns = { few: 0, many: 0 };
    results.push(
      await sideBySide(options, {
        what,
        goal: GOAL,
        measured: () => call(many, turns.many++),
        yardstick: () => call(few, turns.few++),
      }),
    );
  };
  for (const [name, request] of Object.entries(FILTERS)) {
    const order = request.status === 'expired' ? 'expired' : 'created';
    await add(`${name}, first page`, ({ service }) => service.list(request));
    if (request.owner === SMALL_OWNER) continue;
    await add(`${name}, half-way`, ({ service, deep }) =>
      service.list({ ...request, cursor: deep[order][0] }),
    );
    await add(`${name}, far down`, ({ service, deep }) =>
      service.list({ ...request, cursor: deep[order][1] }),
    );
  }
  for (const by of ['id', 'prefix', 'name'] as const) {
    await add(`show by ${by}`, ({ service, references }, turn) =>
      service.show(references[turn % references.length]?.[by] ?? ''),
    );
  }
  return results;
}

const TIMEOUTS = { connect: 10_000, lock: 10_000, statement: 60_000, answer: 70_000 };

async function seeded(cluster: Cluster, name: string, keys: number, options: BenchOptions): Promise<Seeded> {
  options.progress(`seeding ${keys} keys`);
  await makeTemplate(cluster.adminUrl, name);
  await overUrl(cluster.adminUrl, (run) => run(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`));
  const url = cluster.url(name);
  return overUrl(url, async (run) => {
    await seedKeys(run, { keys });
    // What autovacuum does within minutes, but now, and not while something is timed.
    await run('VACUUM ANALYZE');
    await run('CHECKPOINT');
    const known = { deep: await deepCursors(run), references: await someKeys(run) };
    const engine = openServer({ settings: serverSettings(url, {}), timeouts: TIMEOUTS });
    return { ...known, service: apiKeysOn(engine, DEFAULT_SETTINGS) };
  });
}

async function deepCursors(run: RunSql): Promise<Seeded['deep']> {
  const created = { sort: 'created:desc', time: 'created_at', from: 'apikeys.keys' };
  const expired = {
    sort: 'expires:desc',
    time: 'expires_at',
    from: 'apikeys.keys WHERE expires_at <= now() AND revoked_at IS NULL',
  };
  const cursor = async ({ sort, time, from }: typeof created, depth: number): Promise<string> => {
    const [row] = await run(
      `SELECT to_json(${time} AT TIME ZONE 'UTC') #>> '{}' AS time, id FROM ${from} ORDER BY ${time} DESC, id DESC
       OFFSET (SELECT floor(count(*) * ${depth}) FROM ${from}) LIMIT 1`,
    );
    if (row === undefined) throw new Error('there are too few keys for a page so far down');
    return encodeCursor({ sort, values: [new Date(`${row.time}Z`).toISOString()], id: String(row.id) });
  };
  return {
    created: [await cursor(created, 0.5), await cursor(created, 0.9)],
    expired: [await cursor(expired, 0.5), await cursor(expired, 0.9)],
  };
}

/** Keys from everywhere, each with a name that no other key has. */
async function someKeys(run: RunSql): Promise<Seeded['references']> {
  const rows = await run(
    `SELECT id, key_prefix AS prefix, name FROM apikeys.keys WHERE name LIKE 'ci-%' ORDER BY md5(name) LIMIT 100`,
  );
  return rows.map(({ id, prefix, name }) => ({
    id: String(id),
    prefix: String(prefix),
    name: String(name),
  }));
}
