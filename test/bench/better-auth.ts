import { randomBytes } from 'node:crypto';
import { apiKey } from '@better-auth/api-key';
import { betterAuth as openAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { serviceContext } from '../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { createUsageRecorder } from '../../src/service/usage/recorder.js';
import { createVerifier } from '../../src/service/verify/verify.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { overUrl, texts } from '../helpers/run-sql.js';
import type { Bench, BenchOptions, Result } from './bench.js';
import { openEngine, openPool, seededDatabase } from './seeded.js';
import { type Caller, contest } from './throughput.js';
import { rawKeys } from './verify.js';

/**
 * "Library `verify`" with durable counting, beside `verifyApiKey` of better-auth on the same server, which waits for a
 * SELECT and two UPDATEs: it keeps the time of the last request, with its rate limit or without. As many keys are in use
 * on either side. What is not equal is in its favour: it has no others.
 */
export const betterAuth: Bench = {
  name: 'better-auth',
  async run(options) {
    const cluster = await startCluster({ durable: true, settings: { shared_buffers: '512MB' } });
    try {
      const url = await seededDatabase(cluster, 'ours', options);
      const rival = await openRival(cluster);
      try {
        return await compare(url, rival.verify, options);
      } finally {
        await rival.close();
      }
    } finally {
      await cluster.stop();
    }
  },
};

/** Each is met again only after all others. */
const KEYS_IN_USE = 10_000;
/** In milliseconds: three times what usage may wait to be stored, so that it is stored as it is in a server that runs on. */
const STRETCH = 3_000;

/** The one that was made by its own means, as often as needed. It stores SHA-256 in base64url. */
const COPIES = `
  INSERT INTO apikey
  SELECT copy.*
    FROM apikey AS made, generate_series(0, ${KEYS_IN_USE - 1}) AS i,
         translate(rtrim(encode(sha256(convert_to('key ' || i, 'UTF8')), 'base64'), '='), '+/', '-_') AS hash,
         jsonb_populate_record(made, jsonb_build_object('id', 'key ' || i, 'key', hash)) AS copy`;

async function openRival(cluster: Cluster): Promise<{ verify: Caller; close: () => Promise<void> }> {
  await overUrl(cluster.adminUrl, (run) => run('CREATE DATABASE better_auth'));
  const database = openPool(cluster.url('better_auth'));
  const settings = {
    database,
    secret: randomBytes(32).toString('hex'),
    baseURL: 'http://localhost',
    plugins: [apiKey({ rateLimit: { enabled: false } })],
  };
  const { runMigrations } = await getMigrations(settings);
  await runMigrations();
  const auth = openAuth(settings);
  await auth.api.createApiKey({ body: { userId: 'owner' } });
  await database.query(COPIES);
  await database.query('VACUUM (ANALYZE) apikey');
  return {
    async verify(turn) {
      const { valid } = await auth.api.verifyApiKey({ body: { key: `key ${turn % KEYS_IN_USE}` } });
      if (!valid) throw new Error('better-auth refused a key');
    },
    close: () => database.end(),
  };
}

const USABLE = `revoked_at IS NULL AND frozen_at IS NULL AND COALESCE(expires_at, 'infinity') > now() + interval '1 day'
  AND (tenant_id, owner_id) NOT IN (SELECT tenant_id, owner_id FROM apikeys.owners WHERE frozen_at IS NOT NULL)`;

async function compare(url: string, yardstick: Caller, options: BenchOptions): Promise<Result[]> {
  const raws = await rawKeys(url, USABLE);
  const engine = openEngine(url);
  const context = serviceContext(engine, DEFAULT_SETTINGS);
  const usage = createUsageRecorder(context);
  const verifier = createVerifier(context, { usage });
  let verified = 0;
  const measured: Caller = async (turn) => {
    const { valid } = await verifier.verify(raws[turn % Math.min(KEYS_IN_USE, raws.length)] ?? '');
    if (!valid) throw new Error('a key was refused');
    verified++;
  };
  try {
    const before = await requests(url);
    const results: Result[] = [];
    for (const [callers, goal] of [
      [64, 1 / 40],
      [8, 1 / 10],
    ] as const) {
      options.progress(`verify with counting beside better-auth, ${callers} at once`);
      results.push(
        await contest(options, {
          what: `verify with durable counting, ${callers} at once`,
          goal,
          callers,
          measured,
          yardstick,
          finish: () => usage.flush(),
          stretch: STRETCH,
        }),
      );
    }
    const counted = (await requests(url)) - before;
    if (counted !== verified) throw new Error(`of ${verified} requests ${counted} were counted`);
    return results;
  } finally {
    await usage.close();
    await engine.close();
  }
}

async function requests(url: string): Promise<number> {
  const [sum] = await overUrl(url, (run) =>
    texts(run, 'SELECT sum(request_count)::text FROM apikeys.usage_daily'),
  );
  return Number(sum);
}
