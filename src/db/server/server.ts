import pg from 'pg';
import { ApiKeysError, type ErrorCode } from '../../errors.js';
import type { Engine, Timeouts } from '../engine.js';
import { engineOn, ignore } from './pool.js';
import { clientClass, HostTurn } from './server-client.js';
import { locationOf, type ServerSettings, tlsOf } from './server-settings.js';

export interface ServerOptions {
  readonly settings: ServerSettings;
  readonly timeouts: Timeouts;
  /** Connections at most; 1 by default. */
  readonly max?: number;
  /** Ends what is under way, except a COMMIT that was sent. */
  readonly signal?: AbortSignal;
}

/** Opens a PostgreSQL server. It connects on first use, so opening cannot fail for want of a server. */
export function openServer({ settings, timeouts, max = 1, signal }: ServerOptions): Engine {
  const count = settings.hosts.length;
  const limit = Math.min(timeouts.connect, settings.connectTimeout || timeouts.connect);
  const turn = new HostTurn(settings);
  const pool = new pg.Pool({
    Client: clientClass({ settings, turn, limit: Math.min(limit, timeouts.connect / count) }),
    max,
    connectionTimeoutMillis: limit,
    allowExitOnIdle: true,
  });
  // Without a listener, an idle connection that the server ends would end this process.
  pool.on('error', ignore);
  return engineOn({
    location: locationOf(settings),
    tls: tlsOf(settings),
    timeouts,
    signal,
    connect: () => (count === 1 ? pool.connect() : connectInTurn(pool, count)),
    exhausted: () => pool.totalCount >= max,
    close: () => pool.end(),
  });
}

/** Why another host may do. What refuses a login here would refuse it there. */
const MAY_DO_ELSEWHERE: readonly ErrorCode[] = [
  'DATABASE_UNREACHABLE',
  'DATABASE_TIMEOUT',
  'DATABASE_READ_ONLY',
];

/** Every host once, beginning with the one that served last. */
async function connectInTurn(pool: pg.Pool, count: number): Promise<pg.PoolClient> {
  const refusals: ApiKeysError[] = [];
  for (;;) {
    try {
      return await pool.connect();
    } catch (error) {
      if (!(error instanceof ApiKeysError) || !MAY_DO_ELSEWHERE.includes(error.code)) throw error;
      refusals.push(error);
      if (refusals.length === count) throw noHost(refusals);
    }
  }
}

/** One that is there and takes no changes says more than those that are away. */
function noHost(refusals: readonly ApiKeysError[]): ApiKeysError {
  const code = MAY_DO_ELSEWHERE.toReversed().find((each) =>
    refusals.some((refusal) => refusal.code === each),
  );
  const why = [...new Set(refusals.map(({ message }) => message))].join('; ');
  return new ApiKeysError(code ?? 'DATABASE_UNREACHABLE', `no host of the database serves: ${why}`, {
    details: { reason: 'no_host' },
  });
}
