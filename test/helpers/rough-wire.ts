import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Stands between a client and a server, and knows nothing of messages: it splits, delays and cuts at any byte. */
export interface RoughWire {
  /** The connection string that leads through it. */
  url(databaseUrl: string): string;
  /** How many connections were cut, and in how many pieces the bytes went. */
  readonly suffered: { readonly cuts: number; readonly pieces: number };
  close(): Promise<void>;
}

export interface RoughWireOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** From 0 to 1, as `Math.random`: of a seed, for a run that can be repeated. */
  readonly random: () => number;
  /** Bytes that pass in one direction before the connection is cut, on average. */
  readonly bytesPerCut: number;
}

/** The most that passes at once, in bytes. Most messages of a look-up are longer than some pieces, and shorter than others. */
const MOST_BYTES = 300;
const PAUSE_MS = 3;

export async function startRoughWire({ target, random, bytesPerCut }: RoughWireOptions): Promise<RoughWire> {
  const sockets = new Set<Socket>();
  const suffered = { cuts: 0, pieces: 0 };

  const pump = async (from: Socket, to: Socket, cut: () => void): Promise<void> => {
    let left = -Math.log(1 - random()) * bytesPerCut;
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; ) {
        const end = at + 1 + Math.floor(random() * MOST_BYTES);
        const piece = chunk.subarray(at, Math.min(end, at + Math.max(1, Math.ceil(left))));
        suffered.pieces++;
        at += piece.length;
        left -= piece.length;
        if (!to.write(piece)) await once(to, 'drain');
        if (left <= 0) {
          cut();
          return;
        }
        // A write of its own only arrives alone if the one before it has left.
        if (at < chunk.length) await delay(random() < 0.05 ? random() * PAUSE_MS : 0);
      }
    }
    to.end();
  };

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = new Socket().setNoDelay(true).connect(target);
    const ends = [client, upstream];
    const drop = (): void => {
      for (const socket of ends) socket.destroy();
    };
    const cut = (): void => {
      suffered.cuts++;
      if (random() < 0.5 && !client.destroyed) client.resetAndDestroy();
      drop();
    };
    for (const socket of ends) {
      sockets.add(socket);
      socket.on('error', drop);
      socket.on('close', () => sockets.delete(socket));
    }
    pump(client, upstream, cut).catch(drop);
    pump(upstream, client, cut).catch(drop);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');

  return {
    suffered,
    url(databaseUrl) {
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${address.port}`;
      return url.href;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
