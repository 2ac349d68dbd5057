import { quotePath } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { ReadingInterrupted, readChunks } from '../../read-file.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';
import { decodeText } from './decode-text.js';
import { fileError } from './read-file.js';

/** What a key is looked for in: a line of a log, a page of JSON. What is longer is not read to its end. */
const MOST_BYTES = 1_048_576;

export interface SecretInput {
  /** The argument: `-`, or nothing. */
  readonly argument?: string | undefined;
  readonly keyFile?: string | undefined;
}

/**
 * Reads the text that a raw key stands in: from a file, from stdin, or, where a person is there to ask, from a masked
 * prompt. Waits for stdin as long as for the database. Throws `INVALID_USAGE` and `INVALID_INPUT`.
 */
export async function readPastedText(
  context: Context,
  { argument, keyFile }: SecretInput = {},
): Promise<string> {
  if (argument !== undefined && argument !== '-') {
    throw new CliError('INVALID_USAGE', 'a raw key is never taken from the command line', {
      hint: 'Pass it on stdin, with - or nothing in its place, or in a file with --key-file.',
    });
  }
  if (keyFile !== undefined) return fromFile(context, keyFile);
  if (!context.stdinIsTTY) return fromStdin(context);
  if (context.canPrompt) return context.askSecret('Raw key:');
  throw new CliError('INVALID_USAGE', 'no raw key was given', {
    hint: 'Pass it on stdin, where a pipe or a file brings it.',
  });
}

async function fromFile(context: Context, path: string): Promise<string> {
  const { timeout } = await context.config();
  try {
    const late = AbortSignal.timeout(timeout);
    return await textOf(readChunks(path, { signal: AbortSignal.any([context.signal, late]) }));
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
  const endWait = context.noteLater('note: reading a raw key from stdin');
  try {
    return await textOf(context.stdin({ signal: AbortSignal.any([context.signal, late]) }));
  } catch (error) {
    if (error instanceof ReadingInterrupted && !context.signal.aborted) {
      throw lateError('came on stdin', timeout);
    }
    throw fileError(error, 'stdin', 'INVALID_INPUT');
  } finally {
    endWait();
  }
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw tooLong();
  }
  return decodeText(Buffer.concat(parts));
}

const tooLong = (): ApiKeysError =>
  new CliError('INVALID_INPUT', `more than ${MOST_BYTES.toLocaleString('en-US')} bytes are no raw key`, {
    hint: 'Pass the line that holds it.',
  });

function lateError(how: string, timeout: number): ApiKeysError {
  return new CliError('INVALID_INPUT', `no raw key ${how} within ${timeout / 1_000} s`, {
    hint: 'Pipe the key into this command.',
  });
}
