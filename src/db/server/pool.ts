import pg from 'pg';
import { ApiKeysError } from '../../errors.js';
import { type ConnectionOptions, connectionOf } from '../connection.js';
import type { Engine, Timeouts } from '../engine.js';
import { ConnectionLost, databaseError, interrupted } from '../pg-errors.js';
import { pipelineOn, sequentialPipeline } from '../pipeline/pipeline.js';
import { cancelWork } from './cancel.js';
import { connectError } from './connect-errors.js';
import { isLeftInTransaction } from './transaction-status.js';

/** Where an engine on a server gets its connections from. */
export interface PoolSource {
  readonly location: string;
  readonly tls: boolean | null;
  readonly timeouts: Timeouts;
  /** Ends what is under way, except a COMMIT that was sent. */
  readonly signal?: AbortSignal | undefined;
  connect(): Promise<pg.PoolClient>;
  /** Every connection is lent out, so one that could not be had was not the server's fault. */
  exhausted(): boolean;
  /** Called once. */
  close(): Promise<void>;
}

/** An engine on a pool of connections to a server. */
export function engineOn({ location, tls, timeouts, signal, ...pool }: PoolSource): Engine {
  const common: ConnectionOptions = {
    fallback: pg.types,
    answerTimeout: timeouts.answer,
    preparing: { works: true },
  };
  let closing: Promise<void> | undefined;

  /**
   * A client outside of any transaction. Each that is in one is destroyed, and with it what was begun there. Takes no
   * longer than an answer may, even if every new client comes with a transaction.
   */
  async function take(): Promise<pg.PoolClient> {
    const deadline = performance.now() + timeouts.answer;
    for (;;) {
      const client = await pool.connect().catch((error: unknown) => {
        throw connectError(error, location, { exhausted: pool.exhausted() });
      });
      client.on('error', ignore);
      const isLeft = await isLeftInTransaction(client, deadline - performance.now()).catch(() => true);
      if (!isLeft) return client;
      destroy(client);
      if (performance.now() >= deadline) throw databaseError(new ConnectionLost(true));
    }
  }

  /** Leases a client, dressed for its use by `dress`, and destroys it if the work threw. */
  async function lease<Use extends { readonly committing: boolean }, T>(
    dress: (client: pg.PoolClient) => Use,
    work: (use: Use) => Promise<T>,
    ending: AbortSignal | undefined,
  ): Promise<T> {
    if (ending?.aborted) throw interrupted();
    if (closing !== undefined) {
      throw new ApiKeysError('DATABASE_UNREACHABLE', `the connection to ${location} has been closed`, {
        details: { reason: 'closed' },
      });
    }
    const client = await take();
    const use = dress(client);
    const abort = (): void => {
      // `end` in the middle of a query destroys the socket, and with it the server's transaction.
      if (use.committing) return;
      void cancelWork(client)
        .then(() => client.end())
        .catch(ignore);
    };
    ending?.addEventListener('abort', abort);
    let broken = true;
    let unanswered = false;
    try {
      const result = await work(use);
      broken = false;
      return result;
    } catch (error) {
      unanswered = error instanceof ConnectionLost && error.timedOut && !use.committing;
      throw ending?.aborted && !use.committing ? interrupted() : error;
    } finally {
      ending?.removeEventListener('abort', abort);
      if (!broken) {
        client.release();
        client.off('error', ignore);
      } else if (unanswered) void cancelWork(client).then(() => destroy(client));
      else destroy(client);
    }
  }

  const sequentialPipelineOn = (client: pg.PoolClient) => ({
    ...sequentialPipeline(connectionOf(client, { ...common, signal })),
    committing: false as const,
    end: ignore,
  });

  return {
    kind: 'server',
    location,
    tls,
    sizeBytes: () => null,
    timeouts,
    use(work, { evenIfInterrupted = false } = {}) {
      const ending = evenIfInterrupted ? undefined : signal;
      return lease((client) => connectionOf(client, { ...common, signal: ending }), work, ending);
    },
    pipeline(work) {
      return lease(
        (client) => (isPipelining(client) ? sequentialPipelineOn(client) : pipelineOn(client)),
        (pipeline) => work(pipeline).finally(() => pipeline.end()),
        signal,
      );
    },
    close() {
      closing ??= pool.close();
      return closing;
    },
  };
}

/** An application may let `pg` send queries before the answers to earlier ones have come: it takes no others than its own then. */
const isPipelining = (client: pg.ClientBase): boolean => 'pipeline' in client && client.pipeline === true;

function destroy(client: pg.PoolClient): void {
  client.release(true);
  letGo(client);
}

/** How long a server may take to hear that a connection is given up, in milliseconds. */
const GOODBYE = 250;

/**
 * A connection that is given up says goodbye to the server. Whoever closes the pool waits for that to be over, so it is
 * over soon, heard or not.
 */
function letGo(client: pg.ClientBase): void {
  if (!(client instanceof pg.Client)) return;
  const { stream } = client.connection;
  if (stream.closed) return;
  const timer = setTimeout(() => stream.destroy(), GOODBYE);
  stream.once('close', () => clearTimeout(timer));
}

export const ignore = (): void => undefined;
