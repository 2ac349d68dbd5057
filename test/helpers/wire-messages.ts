/** Who sent it: `frontend` is the client, `backend` the server. */
export type Direction = 'frontend' | 'backend';

/** One message of PostgreSQL's protocol, version 3, as it went over the wire. */
export interface WireMessage {
  readonly direction: Direction;
  /** The connection it belongs to, counted from 0 in the order in which the proxy accepted them. */
  readonly connection: number;
  /**
   * The protocol's letter (`Q`, `P`, `B`, `E`, `S`, `C`, `Z` …), or the name of one that has none: `startup`,
   * `ssl-request`, `gss-request`, `cancel`, and `no-encryption`, the server's one-byte answer to the first two.
   */
  readonly type: string;
  /** The SQL of a Query or a Parse, the tag of a CommandComplete, the SQLSTATE of an error, the state of ReadyForQuery. */
  readonly text: string | null;
  readonly bytes: Buffer;
}

/** Cuts the bytes of one direction of one connection into messages, however TCP has split or joined them. */
export interface MessageReader {
  /** The messages that `chunk` completes. */
  read(chunk: Buffer): WireMessage[];
}

const REQUESTS = new Map([
  [80_877_102, 'cancel'],
  [80_877_103, 'ssl-request'],
  [80_877_104, 'gss-request'],
]);

/** What both readers of a connection know: the server answers a request for encryption with a byte that is no message. */
export interface Negotiation {
  awaitingByte: boolean;
}

export function messageReader(
  direction: Direction,
  connection: number,
  negotiation: Negotiation,
): MessageReader {
  let pending: Buffer = Buffer.alloc(0);
  let started = direction === 'backend';

  const next = (): Omit<WireMessage, 'direction' | 'connection'> | undefined => {
    if (direction === 'backend' && negotiation.awaitingByte && pending.length > 0) {
      negotiation.awaitingByte = false;
      const bytes = take(1);
      if (bytes.toString() !== 'N') throw new Error('the wire proxy cannot read an encrypted connection');
      return { type: 'no-encryption', text: null, bytes };
    }
    const header = started ? 1 : 0;
    if (pending.length < header + 4) return undefined;
    const length = header + pending.readInt32BE(header);
    if (pending.length < length) return undefined;
    const bytes = take(length);
    if (started) {
      const type = bytes.toString('latin1', 0, 1);
      return { type, text: textOf(direction, type, bytes.subarray(5)), bytes };
    }
    const type = REQUESTS.get(bytes.readInt32BE(4)) ?? 'startup';
    if (type === 'startup') started = true;
    else if (type !== 'cancel') negotiation.awaitingByte = true;
    return { type, text: null, bytes };
  };
  const take = (length: number): Buffer => {
    const bytes = pending.subarray(0, length);
    pending = pending.subarray(length);
    return bytes;
  };

  return {
    read(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const messages: WireMessage[] = [];
      for (let message = next(); message !== undefined; message = next()) {
        messages.push({ direction, connection, ...message });
      }
      return messages;
    },
  };
}

function textOf(direction: Direction, type: string, body: Buffer): string | null {
  if (direction === 'frontend') {
    if (type === 'Q') return stringAt(body, 0);
    // A Parse names its statement first.
    if (type === 'P') return stringAt(body, body.indexOf(0) + 1);
    return null;
  }
  if (type === 'C') return stringAt(body, 0);
  if (type === 'Z') return body.toString('latin1', 0, 1);
  if (type === 'E') return sqlState(body);
  return null;
}

function stringAt(body: Buffer, start: number): string {
  return body.toString('utf8', start, body.indexOf(0, start));
}

function sqlState(body: Buffer): string | null {
  for (let at = 0; at < body.length && body[at] !== 0; at = body.indexOf(0, at) + 1) {
    if (body.toString('latin1', at, at + 1) === 'C') return stringAt(body, at + 1);
  }
  return null;
}

/** A line of a transcript: `0 F Q COMMIT`, `0 B C COMMIT`. */
export function describeMessage({ connection, direction, type, text }: WireMessage): string {
  const line = `${connection} ${direction === 'frontend' ? 'F' : 'B'} ${type}`;
  return text === null ? line : `${line} ${text}`;
}
