import type { Wire } from './wire.js';
import type { Direction, WireMessage } from './wire-messages.js';

export type Action = 'cut-before' | 'cut-after' | 'hold-before' | 'hold-after';

/** What a rule looks for: a letter, a text that the message's text contains or fits, or any condition. */
export type Match =
  | { readonly type?: string; readonly text?: string | RegExp }
  | ((message: WireMessage) => boolean);

export interface RuleOptions {
  readonly direction: Direction;
  /** Which of the messages that fit, counted from 0 since the rule was armed; the first unless told otherwise. */
  readonly index?: number;
  readonly match?: Match;
  /** Looks at this connection alone; left out, at all of them. */
  readonly connection?: number;
  /**
   * - `cut-before`: the message is lost, and both sides lose the connection.
   * - `cut-after`: the message arrives, then the connection is lost; see `server` for a client's message.
   * - `hold-before`, `hold-after`: from before or after the message on, nothing passes on this connection either
   *   way, not even its closing, as on a network that swallows packets.
   */
  readonly action: Action;
  /** Fires for one message and is done (true unless told otherwise), or for each one from `index` on. */
  readonly once?: boolean;
  /**
   * After `cut-after` of a client's message: the server loses the connection as soon as it was sent the message
   * (`destroy`), or keeps it until it has answered, and its answer is lost (`drain`, unless told otherwise).
   */
  readonly server?: 'destroy' | 'drain';
  /** Cuts with TCP's reset in place of its orderly end. */
  readonly reset?: boolean;
}

/** A rule that waits for its message, or has met it. */
export interface Rule {
  /** Resolves to the message when the rule fires for the first time. */
  readonly fired: Promise<WireMessage>;
  /** Resolves when, after a cut, the server has answered or has lost the connection too. */
  readonly settled: Promise<void>;
  readonly hasFired: () => boolean;
  /** Lets pass what a hold has kept back, and everything after it. */
  release(): void;
  disarm(): void;
}

/** What a connection asks about each message. */
export interface RuleBook {
  record(message: WireMessage): void;
  /** The rule that this message fires, if any. */
  meet(message: WireMessage, wire: Wire): ArmedRule | undefined;
}

export interface ArmedRule {
  readonly options: RuleOptions;
  readonly handle: Rule;
  /** Counts the message if it fits; true when it is one that the rule is for. */
  counts(message: WireMessage): boolean;
  fire(message: WireMessage, wire: Wire): void;
}

export function armRule(options: RuleOptions, disarm: () => void): ArmedRule {
  let counted = 0;
  let hasFired = false;
  let held: Wire[] = [];
  const fired = deferred<WireMessage>();
  const settled = deferred<void>();
  return {
    options,
    counts(message) {
      if (message.direction !== options.direction) return false;
      if (options.connection !== undefined && message.connection !== options.connection) return false;
      return fits(message, options.match) && counted++ >= (options.index ?? 0);
    },
    fire(message, wire) {
      hasFired = true;
      held.push(wire);
      fired.resolve(message);
      void wire.serverDone.then(settled.resolve);
    },
    handle: {
      fired: fired.promise,
      settled: settled.promise,
      hasFired: () => hasFired,
      release() {
        for (const wire of held) wire.release();
        held = [];
      },
      disarm,
    },
  };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function fits(message: WireMessage, match: Match | undefined): boolean {
  if (match === undefined) return true;
  if (typeof match === 'function') return match(message);
  if (match.type !== undefined && match.type !== message.type) return false;
  if (match.text === undefined) return true;
  if (message.text === null) return false;
  return typeof match.text === 'string' ? message.text.includes(match.text) : match.text.test(message.text);
}
