import type pg from 'pg';
import type { Engine, Timeouts } from './engine.js';
import { engineOn } from './pool.js';

/**
 * Works on a pool that belongs to somebody else, made by this or another copy of `pg` 8: it is never ended, its clients
 * come back without a listener or a setting of ours, and one whose work failed is destroyed, as `pg` advises.
 */
export function borrowPool(pool: pg.Pool, timeouts: Timeouts): Engine {
  return engineOn({
    place: "the application's database",
    tls: null,
    timeouts,
    connect: () => connectWithin(pool, timeouts.connect),
    exhausted: () => pool.totalCount >= pool.options.max,
    close: () => Promise.resolve(),
  });
}

/** A pool without a `connectionTimeoutMillis` of its own would let us wait for ever. */
function connectWithin(pool: pg.Pool, limit: number): Promise<pg.PoolClient> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error('timeout: no connection could be had'));
    }, limit);
    pool.connect().then(
      (client) => {
        clearTimeout(timer);
        if (isLate) client.release();
        else resolve(client);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error('the pool gave no connection'));
      },
    );
  });
}
