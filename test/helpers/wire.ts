import { Socket } from 'node:net';
import { messageReader, type WireMessage } from './wire-messages.js';
import type { RuleBook, RuleOptions } from './wire-rules.js';

/** One client's connection through the proxy, with the one to the server that belongs to it. */
export interface Wire {
  /** Lets nothing pass any more, in neither direction, not even the end of the connection. */
  hold(): void;
  held(): boolean;
  /** Passes on what was held back, then everything. */
  release(): void;
  /** Loses the connection to both sides. */
  cut(reset?: boolean): void;
  /** Resolves when the server's side is closed here. */
  readonly serverDone: Promise<void>;
  /** Resolves when both sides are. */
  readonly closed: Promise<void>;
}

export interface WireOptions {
  readonly client: Socket;
  readonly target: { readonly host: string; readonly port: number };
  readonly connection: number;
  readonly book: RuleBook;
}

export function openWire({ client, target, connection, book }: WireOptions): Wire {
  const server = new Socket().setNoDelay(true);
  const negotiation = { awaitingByte: false };
  const clientReader = messageReader('frontend', connection, negotiation);
  const serverReader = messageReader('backend', connection, negotiation);
  let held = false;
  let backlog: (() => void)[] = [];
  let isCut = false;
  /** The client was cut off; the server may still answer this. */
  let draining: WireMessage | undefined;

  const send = (message: WireMessage) => {
    const [from, to] = message.direction === 'frontend' ? [client, server] : [server, client];
    if (to.destroyed) return;
    // Not before there is something to say: a connection that is swallowed from its start never reaches the server.
    if (to === server && server.pending && !server.connecting) server.connect(target);
    if (to.write(message.bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (!held) from.resume();
    });
  };

  const orHold = (step: () => void) => {
    if (held) backlog.push(step);
    else step();
  };

  const pass = (message: WireMessage) => {
    if (isCut) return;
    book.record(message);
    if (draining !== undefined) {
      if (answers(message, draining)) server.destroy();
      return;
    }
    const rule = book.meet(message, wire);
    if (rule === undefined) send(message);
    else act(message, rule.options);
  };

  const act = (message: WireMessage, options: RuleOptions) => {
    switch (options.action) {
      case 'cut-before':
        wire.cut(options.reset);
        return;
      case 'cut-after':
        send(message);
        cutAfter(message, options);
        return;
      case 'hold-before':
        backlog.push(() => send(message));
        wire.hold();
        return;
      case 'hold-after':
        send(message);
        wire.hold();
    }
  };

  const cutAfter = (message: WireMessage, { reset, server: fate }: RuleOptions) => {
    if (message.direction === 'backend') {
      isCut = true;
      close(server, reset);
      closeWhenSent(client, reset);
      return;
    }
    if (fate !== 'destroy' && isAnswered(message)) {
      draining = message;
    } else {
      isCut = true;
      closeWhenSent(server, reset);
    }
    close(client, reset);
  };

  const wire: Wire = {
    hold() {
      held = true;
      client.pause();
      server.pause();
    },
    held: () => held,
    release() {
      held = false;
      const steps = backlog;
      backlog = [];
      for (const step of steps) orHold(step);
      if (held) return;
      client.resume();
      server.resume();
    },
    cut(reset) {
      held = false;
      isCut = true;
      backlog = [];
      close(client, reset);
      close(server, reset);
    },
    serverDone: closing(server),
    closed: Promise.all([closing(client), closing(server)]).then(() => undefined),
  };

  client.on('data', (chunk) => {
    for (const message of clientReader.read(chunk)) orHold(() => pass(message));
  });
  server.on('data', (chunk) => {
    for (const message of serverReader.read(chunk)) orHold(() => pass(message));
  });
  // A reset by either side is an end like any other; 'close' follows.
  client.on('error', () => undefined);
  server.on('error', () => undefined);
  client.on('close', () => {
    orHold(() => {
      if (draining === undefined) closeWhenSent(server);
    });
  });
  server.on('close', () => orHold(() => closeWhenSent(client)));
  return wire;
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

function close(socket: Socket, reset = false): void {
  if (reset && !socket.pending) socket.resetAndDestroy();
  else socket.destroy();
}

/** Closes once everything written has gone out. */
function closeWhenSent(socket: Socket, reset = false): void {
  if (socket.destroyed) return;
  // Never connected: nothing was written.
  if (socket.pending && !socket.connecting) socket.destroy();
  else if (reset) socket.write('', () => close(socket, true));
  else socket.destroySoon();
}

/** Whether the server says something in return for this message before another follows. */
function isAnswered({ type }: WireMessage): boolean {
  return ['Q', 'S', 'F', 'p', 'startup', 'ssl-request', 'gss-request'].includes(type);
}

function answers(answer: WireMessage, message: WireMessage): boolean {
  if (answer.direction !== 'backend') return false;
  if (answer.type === 'Z') return true;
  // While logging in there is no ReadyForQuery after each step.
  return !['Q', 'S', 'F'].includes(message.type) && ['R', 'E', 'no-encryption'].includes(answer.type);
}
