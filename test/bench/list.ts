import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import { encodeCursor } from '../../src/domain/cursor.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { type ListRequest, type TestCalls, testKeysOn } from '../helpers/named-caller.js';
import { overUrl, type RunSql } from '../helpers/run-sql.js';
import { BIG_OWNER, BIG_TENANT, MIDDLE_TENANT, SMALL_OWNER, seedKeys } from '../helpers/seed.js';
import { makeTemplate } from '../helpers/template.js';
import { type Bench, type BenchOptions, type Result, sideBySide } from './bench.js';

const FEW = 10_000;
/** What the service takes for a page when it is not told. */
const PAGE = 50;
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

type SortedBy = 'created' | 'expires';

/** As the service sorts when it is not told how. */
const sortOf = ({ status }: ListRequest): SortedBy => (status === 'expired' ? 'expires' : 'created');

/** A database with its service, and what the calls need to know of its keys. */
interface Seeded {
  readonly service: TestCalls;
  /** A cursor behind half of all keys, by what a list is sorted by. */
  readonly halfWay: Readonly<Record<SortedBy, string>>;
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
    await add(`${name}, first page`, ({ service }) => service.list(request));
    if (request.owner === SMALL_OWNER) continue;
    const sort = sortOf(request);
    await add(`${name}, half-way`, ({ service, halfWay }) =>
      service.list({ ...request, cursor: halfWay[sort] }),
    );
    const last = new Map([
      [few, await beforeLastPage(few, request)],
      [many, await beforeLastPage(many, request)],
    ]);
    await add(`${name}, last page`, (database) =>
      database.service.list({ ...request, cursor: last.get(database) }),
    );
  }
  for (const by of ['id', 'prefix', 'name'] as const) {
    await add(`show by ${by}`, ({ service, references }, turn) =>
      service.show(references[turn % references.length]?.[by] ?? ''),
    );
  }
  return results;
}

/** The cursor of the last page that is full: in the opposite order, it is the first. */
async function beforeLastPage({ service }: Seeded, request: ListRequest): Promise<string> {
  const sort = sortOf(request);
  const { keys } = await service.list({ ...request, sort, limit: PAGE + 1 });
  const key = keys[PAGE];
  const time = sort === 'expires' ? key?.expiresAt : key?.createdAt;
  if (key === undefined || !time) throw new Error('there are too few keys for a full page');
  return encodeCursor({ sort: `${sort}:desc`, values: [time.toISOString()], id: key.id });
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
    const known = { halfWay: await halfWayCursors(run), references: await someKeys(run) };
    const engine = openServer({ settings: serverSettings(url, {}), timeouts: TIMEOUTS });
    return { ...known, service: testKeysOn(engine, DEFAULT_SETTINGS) };
  });
}

async function halfWayCursors(run: RunSql): Promise<Seeded['halfWay']> {
  const cursor = async (sort: SortedBy, time: string, from: string): Promise<string> => {
    const [row] = await run(
      `SELECT ${time} AS time, id FROM ${from} ORDER BY ${time} DESC, id DESC
       OFFSET (SELECT count(*) / 2 FROM ${from}) LIMIT 1`,
    );
    if (!(row?.time instanceof Date)) throw new Error('there are no keys');
    return encodeCursor({ sort: `${sort}:desc`, values: [row.time.toISOString()], id: String(row.id) });
  };
  const expired = 'apikeys.keys WHERE expires_at <= now() AND revoked_at IS NULL';
  return {
    created: await cursor('created', 'created_at', 'apikeys.keys'),
    expires: await cursor('expires', 'expires_at', expired),
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
