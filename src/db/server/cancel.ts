import net from 'node:net';
import tls from 'node:tls';
import type pg from 'pg';

/** How long the request may take, in milliseconds: whoever gives a connection up waits for it. */
const LIMIT = 250;

/** See "Message Formats" in PostgreSQL's documentation of its protocol. */
const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = encodeExtendedQuery(80_877_103);

/**
 * Asks the server to stop what it is doing for this client, as libpq's PQcancel does: on a connection of its own, to the
 * same address. A server notices that a client has gone only when it has something to write, so a statement that waits
 * for a lock would wait on. A pooler knows the client by its connection: close that afterwards.
 *
 * Resolves when the request has arrived, or cannot be made. Whether there was anything to stop is not told.
 */
export function cancelWork(client: pg.Client): Promise<void> {
  const target = targetOf(client);
  if (target === undefined) return Promise.resolve();
  const { address, secure, request } = target;
  return new Promise((resolve) => {
    const socket = net.connect(address);
    const timer = setTimeout(() => socket.destroy(), LIMIT);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    // The server closes the connection once it has read the request; a pooler drops it if this side closes first.
    const send = (stream: net.Socket): unknown => stream.resume().write(request);
    socket.on('error', () => socket.destroy());
    socket.once('connect', () => (secure === undefined ? send(socket) : socket.write(SSL_REQUEST)));
    if (secure === undefined) return;
    socket.once('data', (answer) => {
      if (answer.toString('latin1') !== 'S') {
        socket.destroy();
        return;
      }
      const encrypted = tls.connect({ ...secure, socket }, () => send(encrypted));
      encrypted.on('error', () => socket.destroy());
    });
  });
}

interface Target {
  readonly address: net.NetConnectOpts;
  /** Left out, the client's own connection is not encrypted either. */
  readonly secure: tls.ConnectionOptions | undefined;
  readonly request: Buffer;
}

/** Undefined for a client without a connection, and for one whose stream the application makes in its own way. */
function targetOf(client: pg.Client): Target | undefined {
  const { host, port, connection } = client;
  const { stream } = connection;
  if (!(stream instanceof net.Socket) || stream.destroyed) return undefined;
  if (!('processID' in client && 'secretKey' in client)) return undefined;
  const { processID, secretKey } = client;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return undefined;
  const ssl: unknown = client.ssl;
  if (stream instanceof tls.TLSSocket !== Boolean(ssl)) return undefined;
  const { remoteAddress, remotePort } = stream;
  return {
    address:
      remoteAddress === undefined || remotePort === undefined
        ? { path: `${host}/.s.PGSQL.${port}` }
        : { host: remoteAddress, port: remotePort },
    secure: ssl ? secureOptions(ssl, host) : undefined,
    request: encodeExtendedQuery(CANCEL_REQUEST, processID, secretKey),
  };
}

/** As `pg` has them: an address is no name to ask for, and the private key is hidden from whoever lists the options. */
function secureOptions(ssl: unknown, host: string): tls.ConnectionOptions {
  const named = { host, ...(net.isIP(host) === 0 && { servername: host }) };
  if (typeof ssl !== 'object' || ssl === null) return named;
  const key = 'key' in ssl && (typeof ssl.key === 'string' || Buffer.isBuffer(ssl.key)) ? ssl.key : undefined;
  return { ...named, ...ssl, ...(key !== undefined && { key }) };
}

/** A length and so many numbers, each in four bytes. */
function encodeExtendedQuery(...numbers: readonly number[]): Buffer {
  const packet = Buffer.alloc(4 + 4 * numbers.length);
  for (const [n, number] of [packet.length, ...numbers].entries()) packet.writeInt32BE(number, 4 * n);
  return packet;
}
