import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { openWire, type Wire } from './wire.js';
import type { WireMessage } from './wire-messages.js';
import { type ArmedRule, armRule, type Rule, type RuleBook, type RuleOptions } from './wire-rules.js';

export { describeMessage, type WireMessage } from './wire-messages.js';
export type { Rule, RuleOptions } from './wire-rules.js';

/** Stands between a client and a server, and knows every message that passes. */
export interface WireProxy {
  readonly host: string;
  readonly port: number;
  /** Every message seen since the start or the last reset, whether it was forwarded or not, in the order of its arrival here. */
  readonly transcript: readonly WireMessage[];
  /** The connection string that leads through the proxy. */
  url(databaseUrl: string): string;
  arm(options: RuleOptions): Rule;
  /** Accepts connections and answers nothing, on those that exist neither. */
  blackhole(): void;
  /** Refuses new connections; those that exist go on. */
  refuse(): void;
  /** Loses every connection that exists. */
  cutAll(): void;
  /** Forgets rules and transcript, forwards again; connections that were held are cut, others go on. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a proxy in this process.
 *
 * @example
 * const proxy = await startProxy({ target: { host: '127.0.0.1', port: 5432 } });
 * const rule = proxy.arm({ direction: 'backend', match: { type: 'C', text: 'COMMIT' }, action: 'cut-before' });
 * // … a client at proxy.url(databaseUrl) commits, and never hears of it.
 */
export async function startProxy(options: {
  readonly target: { readonly host: string; readonly port: number };
  /** False keeps no transcript: a long run would fill the memory with it. */
  readonly recording?: boolean;
}): Promise<WireProxy> {
  const port = await freePort();
  const wires = new Set<Wire>();
  const rules = new Set<ArmedRule>();
  let transcript: WireMessage[] = [];
  let mode: 'forward' | 'blackhole' = 'forward';
  let accepted = 0;
  let server: Server | undefined;

  const book: RuleBook = {
    record: (message) => {
      if (options.recording !== false) transcript.push(message);
    },
    meet(message, wire) {
      // Every rule counts the message, and the first that it fires decides.
      const [first] = [...rules].filter((rule) => rule.counts(message));
      if (first === undefined) return undefined;
      if (first.options.once !== false) rules.delete(first);
      first.fire(message, wire);
      return first;
    },
  };
  const accept = (client: Socket) => {
    const wire = openWire({ client, target: options.target, connection: accepted++, book });
    wires.add(wire);
    void wire.closed.then(() => wires.delete(wire));
    if (mode === 'blackhole') wire.hold();
  };
  const listen = async () => {
    if (server !== undefined) return;
    server = createServer({ noDelay: true }, accept).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const refuse = () => {
    server?.close();
    server = undefined;
  };
  const cutAll = () => {
    for (const wire of wires) wire.cut();
  };

  await listen();
  return {
    host: '127.0.0.1',
    port,
    get transcript() {
      return transcript;
    },
    url(databaseUrl) {
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${port}`;
      return url.href;
    },
    arm(ruleOptions) {
      const rule = armRule(ruleOptions, () => rules.delete(rule));
      rules.add(rule);
      return rule.handle;
    },
    blackhole() {
      mode = 'blackhole';
      for (const wire of wires) wire.hold();
    },
    refuse,
    cutAll,
    async reset() {
      rules.clear();
      mode = 'forward';
      for (const wire of wires) if (wire.held()) wire.cut();
      transcript = [];
      await listen();
    },
    async close() {
      refuse();
      cutAll();
      await Promise.all([...wires].map((wire) => wire.closed));
    },
  };
}
