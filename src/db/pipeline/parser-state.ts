export type Listener = (chunk: Buffer) => void;

/**
 * Whether the parser behind a client's `data` listener stands between two messages. The parsers of `pg` 8 keep the
 * beginning of a message, and copy the next chunk behind it: one of no bytes changes nothing, and its being copied tells.
 * Not to be asked from within one of the parser's own events: it would read its chunk a second time.
 */
export function isBetweenMessages(listeners: readonly Listener[], stream: unknown): boolean {
  let wasCopied = false;
  const noBytes = Object.assign(Buffer.alloc(0), {
    copy() {
      wasCopied = true;
      return 0;
    },
  });
  for (const listener of listeners) listener.call(stream, noBytes);
  return !wasCopied;
}
