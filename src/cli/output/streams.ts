import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { ApiKeysError } from '../../errors.js';

/** What the output needs of a stream; `process.stdout` and every Node `Writable` have it. */
export interface OutputStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  listeners(event: 'error'): readonly unknown[];
}

/** `stdout` carries the result and nothing else; notes, warnings and errors go to `stderr`. */
export interface OutputStreams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** Whoever read the output has had enough (`| head -1`): the program ends quietly, with exit code 0. */
export class ClosedOutput extends Error {
  override readonly name = 'ClosedOutput';
  constructor() {
    super('the reader of the output has closed it');
  }
}

export interface WriteOptions {
  /** Milliseconds after which an unread text counts as not written. */
  readonly timeoutMs?: number;
  /** A closed reader is a failure (`OUTPUT_FAILED`), not a quiet end. */
  readonly mustArrive?: boolean;
  /**
   * What was changed before this is printed, as a clause: `1 key was revoked`. Whatever keeps the text from arriving is a
   * failure then (`OUTPUT_FAILED`) that says so.
   */
  readonly done?: string | undefined;
  /** Never through a pager: what follows a trail has no end. */
  readonly paged?: false;
  /** Once it is aborted, a reader that is not at hand is no longer waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** How long a write may still take after the signal, in milliseconds: a reader that reads gets what was done. */
const LAST_WRITE = 500;

/** How a new secret is written: it arrives within 10 seconds, or it was never made. */
export const SECRET_WRITE: WriteOptions = { timeoutMs: 10_000, mustArrive: true };

/**
 * Writes a text and resolves once the system has taken all of it, so that awaiting each write is all
 * the back-pressure a caller needs.
 *
 * @throws ClosedOutput when the reader is gone, unless `mustArrive` or `done` is set.
 * @throws ApiKeysError `INTERRUPTED` when the signal ended the wait for a reader.
 * @throws ApiKeysError `OUTPUT_FAILED` when the text could not be written, or not within `timeoutMs`.
 *   After a timeout the text is still queued in the stream and keeps the event loop alive: the program
 *   has to end itself.
 * @example
 * ```ts
 * await writeOut(streams.stdout, 'rv_1a2b3c4d\n', SECRET_WRITE);
 * ```
 */
export function writeOut(stream: OutputStream, text: string, options: WriteOptions = {}): Promise<void> {
  if (text === '') return Promise.resolve();
  if (!stream.listeners('error').includes(ignoreLateError)) stream.on('error', ignoreLateError);
  return new Promise((resolve, reject) => {
    const { signal } = options;
    let timer: NodeJS.Timeout | undefined;
    let last: NodeJS.Timeout | undefined;
    const finish = (error?: unknown): void => {
      clearTimeout(timer);
      clearTimeout(last);
      signal?.removeEventListener('abort', hurry);
      stream.off('error', finish);
      if (error === undefined || error === null) resolve();
      else reject(outputError(error, options));
    };
    const hurry = (): void => {
      last ??= setTimeout(() => finish(interrupted(options.mustArrive ?? false)), LAST_WRITE);
    };
    if (signal?.aborted) hurry();
    signal?.addEventListener('abort', hurry, { once: true });
    if (options.timeoutMs !== undefined) {
      const limit = options.timeoutMs;
      timer = setTimeout(() => finish(unread(limit)), limit);
    }
    stream.on('error', finish);
    try {
      stream.write(text, finish);
    } catch (error) {
      finish(error);
    }
  });
}

/**
 * A stream over a file descriptor of a regular file that writes every byte or fails. Node's own
 * `process.stdout` ignores a short write: on a disk that fills up it drops the rest and reports success.
 */
export function fileOutput(fd: number, write: typeof writeSync = writeSync): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        for (let offset = 0; offset < chunk.length; ) {
          offset += write(fd, chunk, offset, chunk.length - offset);
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error('write failed'));
      }
    },
  });
}

/** A failed write reports to its callback and again by an 'error' event, which kills a process without a listener. */
function ignoreLateError(): void {}

const CLOSED: readonly unknown[] = [
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
];

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would become too large',
  EIO: 'the device reported an error',
};

function outputError(error: unknown, { mustArrive = false, done }: WriteOptions): Error {
  if (error instanceof ApiKeysError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (CLOSED.includes(code)) {
    if (!mustArrive && done === undefined) return new ClosedOutput();
    return failed('its reader has closed it', done);
  }
  return failed(REASONS[code] ?? (/^[A-Z0-9_]+$/.test(code) ? code : 'unknown reason'), done);
}

function failed(reason: string, done?: string): ApiKeysError {
  const before = done === undefined ? '' : `${done}, but `;
  return new ApiKeysError('OUTPUT_FAILED', `${before}the output could not be written: ${reason}`);
}

function interrupted(mustArrive: boolean): ApiKeysError {
  const state = mustArrive ? 'nothing was made' : 'what was done stays done';
  return new ApiKeysError('INTERRUPTED', `interrupted while the output waited for its reader; ${state}`);
}

function unread(limit: number): ApiKeysError {
  return failed(`nobody read it for ${limit / 1000} s`);
}
