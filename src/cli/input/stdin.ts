import { fstatSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { chunksFrom, ReadingInterrupted, type Waiting } from '../../read-file.js';

const STDIN = 0;
const CHUNK = 65_536;

/**
 * What comes on stdin, piece by piece, until its end or the signal's, which throws {@link ReadingInterrupted}. `terminal`
 * is used for a terminal alone: everything else is read without Node's streams, which print the bytes that they carry,
 * a secret's too, where NODE_DEBUG says `stream`.
 */
export async function* readStdin(
  terminal: () => NodeJS.ReadableStream,
  isTerminal: boolean,
  waiting: Waiting,
): AsyncGenerator<Buffer> {
  if (isTerminal) yield* fromStream(terminal(), waiting);
  else if (isPipe()) yield* fromPipe(waiting);
  else yield* chunksFrom(STDIN, false, waiting);
}

function isPipe(): boolean {
  const stat = fstatSync(STDIN);
  return stat.isFIFO() || stat.isSocket();
}

/** Node waits for pipes and sockets in its event loop, where nothing blocks. */
async function* fromPipe({ signal }: Waiting): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let ended = false;
  let wake = (): void => undefined;
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd: STDIN,
    readable: true,
    writable: false,
    onread: {
      buffer: () => Buffer.alloc(CHUNK),
      callback(bytes, buffer) {
        chunks.push(Buffer.from(buffer.subarray(0, bytes)));
        wake();
        // The next is read when this one is worked off.
        return false;
      },
    },
  };
  const pipe = new Socket(options);
  const end = (): void => {
    ended = true;
    wake();
  };
  for (const event of ['end', 'close', 'error'] as const) pipe.on(event, end);
  signal?.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      if (signal?.aborted) throw new ReadingInterrupted();
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          pipe.resume();
        });
      }
    }
  } finally {
    signal?.removeEventListener('abort', end);
    // An open pipe would keep this process waiting.
    pipe.destroy();
  }
}

async function* fromStream(stream: NodeJS.ReadableStream, { signal }: Waiting): AsyncGenerator<Buffer> {
  const end = (): void => {
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  };
  signal?.addEventListener('abort', end, { once: true });
  try {
    for await (const chunk of stream) yield Buffer.from(chunk);
  } catch (error) {
    if (signal?.aborted) throw new ReadingInterrupted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
  if (signal?.aborted) throw new ReadingInterrupted();
}
