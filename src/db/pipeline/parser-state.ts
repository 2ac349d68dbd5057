export type Listener = (chunk: Buffer) => void;

/**
 * Whether the parser behind a client's `data` listener stands between two messages. The parsers of `pg` 8 keep the
 * beginning of a message, and copy the next chunk behind it: one of no bytes changes nothing, and its being copied tells.
 */
export function isBetweenMessages(listeners: readonly Listener[], stream: unknown): boolean {
  const probe = new Probe(0);
  for (const listener of listeners) listener.call(stream, probe as unknown as Buffer);
  return !probe.wasCopied;
}

/** No bytes. Notes whether somebody copied them. */
class Probe extends Uint8Array {
  wasCopied = false;

  copy(): number {
    this.wasCopied = true;
    return 0;
  }
}
