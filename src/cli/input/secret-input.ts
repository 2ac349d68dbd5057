import { quotePath } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { ReadingInterrupted, readChunks } from '../../read-file.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { fileError } from './read-file.js';

/** More than any raw key; what is longer is not one, and is not read to its end. */
const MOST_BYTES = 4_096;

export interface SecretInput {
  /** The argument: `-`, or nothing. */
  readonly argument: string | undefined;
  readonly keyFile: string | undefined;
}

/**
 * Reads a raw key: from a file, from stdin, or, where a person is there to ask, from a masked prompt; a line end after
 * it is not part of it. Waits for stdin as long as for the database. Throws `INVALID_USAGE` and `INVALID_INPUT`.
 */
export async function readSecret(context: Context, { argument, keyFile }: SecretInput): Promise<string> {
  if (argument !== undefined && argument !== '-') {
    throw new CliError('INVALID_USAGE', 'a raw key is never taken from the command line', {
      hint: 'Pass it on stdin, with - or nothing in its place, or in a file with --key-file.',
    });
  }
  if (keyFile !== undefined) return withoutLineEnd(await fromFile(context, keyFile));
  if (!context.stdinIsTTY) return withoutLineEnd(await fromStdin(context));
  if (context.canPrompt) return context.askSecret('Raw key:');
  throw new CliError('INVALID_USAGE', 'no raw key was given', {
    hint: 'Pass it on stdin, or in a file with --key-file.',
  });
}

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

async function fromFile(context: Context, path: string): Promise<string> {
  const { timeout } = await context.config();
  try {
    const late = AbortSignal.timeout(timeout);
    return await firstBytes(readChunks(path, { signal: AbortSignal.any([context.signal, late]) }));
  } catch (error) {
    if (error instanceof ReadingInterrupted && !context.signal.aborted) {
      throw lateError(`came from ${quotePath(path)}`, timeout);
    }
    throw fileError(error, `the file ${quotePath(path)}`, 'INVALID_INPUT');
  }
}

async function fromStdin(context: Context): Promise<string> {
  const { timeout } = await context.config();
  const late = AbortSignal.timeout(timeout);
  try {
    return await firstBytes(context.stdin({ signal: AbortSignal.any([context.signal, late]) }));
  } catch (error) {
    if (error instanceof ReadingInterrupted && !context.signal.aborted) {
      throw lateError('came on stdin', timeout);
    }
    throw fileError(error, 'stdin', 'INVALID_INPUT');
  }
}

async function firstBytes(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, Math.min(bytes, MOST_BYTES));
}

function lateError(how: string, timeout: number): ApiKeysError {
  return new CliError('INVALID_INPUT', `no raw key ${how} within ${timeout / 1_000} s`, {
    hint: 'Pipe the key into this command, or name a file with --key-file.',
  });
}
