import type pg from 'pg';
import type { Engine, Timeouts } from '../engine.js';
import { engineOn, ignore } from './pool.js';

/**
 * Works on a pool that belongs to somebody else, made by this or another copy of `pg` 8: it is never ended, its clients
 * come back without a listener or a setting of ours, and one whose work failed is destroyed, as `pg` advises.
 */
export function engineOnPool(pool: pg.Pool, timeouts: Timeouts): Engine {
  return engineOn({
    location: "the application's database",
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
    // By callback, so that the client is in our hands at once: a promise would leave a gap in which nobody listens to it.
    pool.connect((error, client, release) => {
      clearTimeout(timer);
      if (client === undefined) reject(error ?? new Error('the pool gave no connection'));
      else if (isLate) release();
      else {
        client.once('error', ignore);
        // After `lease` has its own listener, which it adds before anything else is heard.
        resolve(client);
        setImmediate(() => client.off('error', ignore));
      }
    });
  });
}
