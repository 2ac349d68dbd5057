import pg from 'pg';
import type { Engine } from '../../src/db/engine.js';
import { openServer } from '../../src/db/server/server.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import type { Cluster } from '../helpers/cluster.js';
import { overUrl } from '../helpers/run-sql.js';
import { seedKeys } from '../helpers/seed.js';
import { makeTemplate } from '../helpers/template.js';
import type { BenchOptions } from './bench.js';

/** Connections that either side of a contest may have. */
const POOL = 8;
const TIMEOUTS = { connect: 10_000, lock: 10_000, statement: 10_000, answer: 10_000 };

/** Makes the database `name` with all the keys, and tells where it is. */
export async function seededDatabase(
  cluster: Cluster,
  name: string,
  { keys, progress }: BenchOptions,
): Promise<string> {
  await makeTemplate(cluster.adminUrl, name);
  await overUrl(cluster.adminUrl, (run) =>
    run(`ALTER DATABASE ${pg.escapeIdentifier(name)} ALLOW_CONNECTIONS true`),
  );
  const url = cluster.url(name);
  progress(`seeding ${keys} keys`);
  await overUrl(url, async (run) => {
    await seedKeys(run, { keys });
    await run('VACUUM (ANALYZE)');
    await run('CHECKPOINT');
  });
  return url;
}

/** What the product's own engine does not run. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: POOL });
  // It says goodbye without waiting, and the server may be stopped before it has heard.
  pool.on('error', () => undefined);
  return pool;
}

export const openEngine = (url: string): Engine =>
  openServer({ settings: serverSettings(url, {}), timeouts: TIMEOUTS, max: POOL });
