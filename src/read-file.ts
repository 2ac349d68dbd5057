import { closeSync, constants, fstatSync, lstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Why a file cannot be read, in words that fit after its name: `it does not exist`. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  /** Nothing is there, as opposed to something that cannot be read. */
  readonly missing: boolean;

  constructor(reason: string, missing = false) {
    super(reason);
    this.missing = missing;
  }
}

/** A signal ended the wait for what a pipe may bring. */
export class ReadingInterrupted extends Error {
  override readonly name = 'ReadingInterrupted';
}

export interface Waiting {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for which a pipe may be silent; left out, for ever. */
  readonly silence?: number | undefined;
}

export interface WholeFile extends Waiting {
  /** A longer file is refused. */
  readonly mostBytes: number;
  /** Milliseconds for all of it. */
  readonly within: number;
}

/** More than any configuration, certificate or URL. */
export const MOST_BYTES = 1_048_576;

/** Bytes as text, without the byte order mark that an editor on Windows puts first, also where that says UTF-16. */
export function textOf(bytes: Buffer): string {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return new TextDecoder(isUtf16 ? (first === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes);
}

const CHUNK = 65_536;
/** Between two looks at a silent pipe, in milliseconds: the wait doubles from the first to the second. */
const [SHORTEST_PAUSE, LONGEST_PAUSE] = [1, 50];

/**
 * Reads a regular file, a pipe or a device to its end, without ever blocking: a pipe gets `within` milliseconds.
 * Throws {@link UnreadableFile} and {@link ReadingInterrupted}.
 *
 * @example
 * const text = (await readWhole('/etc/apikeys/config.yaml', { mostBytes: MOST_BYTES, within: 10_000 })).toString();
 */
export async function readWhole(path: string, { mostBytes, within, signal }: WholeFile): Promise<Buffer> {
  const late = AbortSignal.timeout(within);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of readChunks(path, { signal: signal ? AbortSignal.any([signal, late]) : late })) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > mostBytes) throw tooLong(mostBytes);
    }
  } catch (error) {
    if (error instanceof ReadingInterrupted && signal?.aborted !== true) throw tooSlow(within);
    throw error;
  }
  return Buffer.concat(chunks);
}

/** As {@link readWhole}, where nobody can wait: regular files alone. */
export function readRegularFile(path: string, mostBytes = MOST_BYTES): Buffer {
  const descriptor = open(path);
  try {
    if (!statOf(descriptor).isFile()) throw new UnreadableFile('it is not a regular file');
    const buffer = Buffer.alloc(mostBytes + 1);
    let bytes = 0;
    for (let last = -1; last !== 0 && bytes <= mostBytes; bytes += last) {
      last = readSync(descriptor, buffer, bytes, buffer.length - bytes, null);
    }
    if (bytes > mostBytes) throw tooLong(mostBytes);
    return buffer.subarray(0, bytes);
  } catch (error) {
    throw unreadable(error);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a file piece by piece. A named pipe is waited for until somebody has written to it; `silence` limits each wait,
 * and `signal` ends it. Throws {@link UnreadableFile} and {@link ReadingInterrupted}.
 */
export async function* readChunks(path: string, { signal, silence }: Waiting = {}): AsyncGenerator<Buffer> {
  const descriptor = open(path);
  try {
    const stat = statOf(descriptor);
    if (stat.isDirectory()) throw new UnreadableFile('it is a folder');
    yield* chunksFrom(descriptor, stat.isFIFO() && !isInherited(path), { signal, silence });
  } finally {
    closeSync(descriptor);
  }
}

/** Reads what is open already, a pipe only if it does not block. Leaves it open. See {@link readChunks}. */
export async function* chunksFrom(
  descriptor: number,
  isNamedPipe: boolean,
  waiting: Waiting,
): AsyncGenerator<Buffer> {
  // An end before the first byte: nobody has opened the pipe for writing yet.
  let awaited = isNamedPipe;
  for (;;) {
    const chunk = await nextChunk(descriptor, awaited, waiting);
    if (chunk === undefined) return;
    awaited = false;
    yield chunk;
  }
}

const readInto = promisify(read);

/** Undefined at the end. */
async function nextChunk(
  descriptor: number,
  isAwaited: boolean,
  { signal, silence }: Waiting,
): Promise<Buffer | undefined> {
  const began = performance.now();
  for (let wait = SHORTEST_PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    if (signal?.aborted) throw new ReadingInterrupted();
    try {
      const { bytesRead, buffer } = await readInto(descriptor, Buffer.alloc(CHUNK), 0, CHUNK, null);
      if (bytesRead > 0) return buffer.subarray(0, bytesRead);
      if (!isAwaited) return undefined;
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw unreadable(error);
    }
    if (silence !== undefined && performance.now() - began > silence) throw tooSlow(silence);
    await pause(wait, undefined, { signal }).catch(() => undefined);
  }
}

/** `<(command)` and /dev/stdin: whoever writes to them had them open before we did. */
const isInherited = (path: string): boolean => /^\/(dev\/(fd\/|stdin$)|proc\/self\/fd\/)/.test(path);

/** Without O_NONBLOCK a pipe that nobody writes to would hold a thread, and with it this process, for ever. */
function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && isLink(path))
      throw new UnreadableFile('it is a symbolic link to nothing');
    throw unreadable(error);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function statOf(descriptor: number): Stats {
  try {
    return fstatSync(descriptor);
  } catch (error) {
    throw unreadable(error);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'its symbolic links go round in a circle',
  ENXIO: 'it is a socket or a device that is not there',
  ENAMETOOLONG: 'its name is too long',
};

function unreadable(error: unknown): Error {
  if (error instanceof UnreadableFile) return error;
  const code = codeOf(error);
  const reason = REASONS[code] ?? `the system refuses it${code && ` (${code})`}`;
  return new UnreadableFile(reason, code === 'ENOENT' || code === 'ENOTDIR');
}

const tooLong = (most: number): UnreadableFile =>
  new UnreadableFile(`it is longer than ${most.toLocaleString('en-US')} bytes`);

const tooSlow = (limit: number): UnreadableFile =>
  new UnreadableFile(`it is a pipe that brought nothing, or no end, within ${limit / 1000} s`);
