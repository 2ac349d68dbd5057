import { open } from 'node:fs/promises';
import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';
import type { Context } from './context.js';

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
    throw new ApiKeysError('INVALID_USAGE', 'a raw key is never taken from the command line', {
      hint: 'Pass it on stdin, with - or nothing in its place, or in a file with --key-file.',
    });
  }
  if (keyFile !== undefined) {
    if (argument !== undefined)
      throw new ApiKeysError('INVALID_USAGE', '- and --key-file exclude each other');
    return withoutLineEnd(await firstBytes(keyFile));
  }
  if (!context.stdinIsTTY) return withoutLineEnd(await fromStdin(context));
  if (context.canPrompt) return context.askSecret('Raw key:');
  throw new ApiKeysError('INVALID_USAGE', 'no raw key was given', {
    hint: 'Pass it on stdin, or in a file with --key-file.',
  });
}

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, null);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    throw new ApiKeysError('INVALID_INPUT', `the file ${quote(path)} cannot be read`, {
      hint: 'Check that it exists and that this user may read it.',
    });
  }
}

async function fromStdin(context: Context): Promise<string> {
  const { timeout } = await context.config();
  const stdin = context.stdin();
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const finish = (error?: ApiKeysError): void => {
      clearTimeout(timer);
      stdin.removeAllListeners();
      // An open pipe would keep this process waiting.
      if ('destroy' in stdin && typeof stdin.destroy === 'function') stdin.destroy();
      if (error === undefined) resolve(Buffer.concat(chunks).toString('utf8', 0, MOST_BYTES));
      else reject(error);
    };
    const late = (): void =>
      finish(
        new ApiKeysError('INVALID_INPUT', `no raw key came on stdin within ${timeout / 1_000} s`, {
          hint: 'Pipe the key into this command, or name a file with --key-file.',
        }),
      );
    const timer = setTimeout(late, timeout);
    stdin.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MOST_BYTES) finish();
    });
    stdin.on('end', () => finish());
    stdin.on('error', () => finish());
  });
}
