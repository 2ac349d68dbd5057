import { hashSecret } from '../../src/domain/secret.js';
import { serviceContext } from '../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../src/service/settings.js';
import { createUsageRecorder } from '../../src/service/usage/recorder.js';
import { createVerifier } from '../../src/service/verify/verify.js';
import { startCluster } from '../helpers/cluster.js';
import { overUrl, texts } from '../helpers/run-sql.js';
import type { Bench, BenchOptions, Result } from './bench.js';
import { openEngine, openPool, seededDatabase } from './seeded.js';
import { contest } from './throughput.js';

/** "Library `verify`", beside one named prepared look-up in one table for each, through `pg` with a pool of 8. */
export const verify: Bench = {
  name: 'verify',
  async run(options) {
    const cluster = await startCluster({ settings: { shared_buffers: '512MB' } });
    try {
      const url = await seededDatabase(cluster, 'verify', options);
      const raws = await rawKeys(url, VALID);
      const refused = await rawKeys(url, `NOT (${VALID})`);
      return await compare(url, { raws, refused }, options);
    } finally {
      await cluster.stop();
    }
  },
};

/** What a key is that is valid, and will be for as long as a bench takes. */
export const VALID = `
  revoked_at IS NULL AND frozen_at IS NULL AND (expires_at IS NULL OR expires_at > now() + interval '1 day')
  AND NOT EXISTS (SELECT FROM apikeys.owners AS owner WHERE owner.frozen_at IS NOT NULL
                     AND (owner.tenant_id, owner.owner_id) = (keys.tenant_id, keys.owner_id))`;

/** Of each key `where` the raw text that its made-up hash is of, in an order that jumps about. */
export const rawKeys = (url: string, where = 'true'): Promise<string[]> =>
  overUrl(url, (run) =>
    texts(run, `SELECT 'secret ' || id FROM apikeys.keys WHERE ${where} ORDER BY md5(id::text) LIMIT 100000`),
  );

interface Raws {
  readonly raws: readonly string[];
  /** Revoked, frozen, expired. */
  readonly refused: readonly string[];
}

async function compare(url: string, { raws, refused }: Raws, options: BenchOptions): Promise<Result[]> {
  const pool = openPool(url);
  const engine = openEngine(url);
  const context = serviceContext(engine, DEFAULT_SETTINGS);
  const usage = createUsageRecorder(context);
  const plain = createVerifier(context);
  const counting = createVerifier(context, { usage });
  const raw = (turn: number): string => raws[turn % raws.length] ?? '';
  const yardstick = async (turn: number): Promise<void> => {
    const { rows } = await pool.query({
      name: 'look-up',
      text: 'SELECT key_id, version, key_prefix, valid_until FROM apikeys.secrets WHERE hash = $1',
      values: [hashSecret(raw(turn))],
    });
    if (rows.length !== 1) throw new Error('the yardstick did not find its key');
  };
  const measured = (verifier: typeof plain) => async (turn: number) => {
    const { key } = await verifier.verify(raw(turn));
    if (key === null) throw new Error('a key was not found');
  };
  try {
    const results: Result[] = [];
    for (const [callers, goal] of [
      [64, 1 / 4],
      [8, 1],
      [1, 1 / 0.95],
    ] as const) {
      options.progress(`verify, ${callers} at once`);
      results.push(
        await contest(options, {
          what: `verify, ${callers} at once`,
          goal,
          callers,
          measured: measured(plain),
          yardstick,
        }),
      );
    }
    options.progress('verify of what is refused');
    results.push(
      await contest(options, {
        // All of it takes two round trips, so that the time tells nobody why it is refused.
        what: 'verify of what is refused, 8 at once',
        goal: 2,
        callers: 8,
        measured: async (turn) => {
          const { key } = await plain.verify(refused[turn % refused.length] ?? '');
          if (key === null) throw new Error('a key was not found');
        },
        yardstick,
      }),
    );
    options.progress('verify with counting');
    results.push(
      await contest(options, {
        what: 'verify with durable counting, 64 at once',
        goal: 1 / 2.5,
        callers: 64,
        measured: measured(counting),
        yardstick,
        finish: () => usage.flush(),
      }),
    );
    return results;
  } finally {
    await usage.close();
    await engine.close();
    await pool.end();
  }
}
