import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ranges from which Linux and macOS give ports to outgoing connections: a server that is stopped and
// started again must not find its port taken by somebody's client.
const FIRST = 15_000;
const COUNT = 17_000;

/** A port of 127.0.0.1 that nobody listens on at the moment. Another process may be quicker: be ready to ask again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
