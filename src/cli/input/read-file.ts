import { ApiKeysError, type ErrorCode } from '../../errors.js';
import {
  MOST_BYTES,
  ReadingInterrupted,
  readWhole,
  textOf,
  UnreadableFile,
  type WholeFile,
} from '../../read-file.js';
import { CliError } from '../cli-error.js';

export interface TextFile extends Pick<WholeFile, 'within' | 'signal'> {
  /** What a refusal calls it: `the file "/a" of --b`. */
  readonly name: string;
  readonly code: ErrorCode;
}

/** Reads a short text file, or a pipe that brings it in time. Throws the given code, or `INTERRUPTED`. */
export async function readTextFile(path: string, { name, code, ...limits }: TextFile): Promise<string> {
  try {
    return textOf(await readWhole(path, { ...limits, mostBytes: MOST_BYTES }));
  } catch (error) {
    throw fileError(error, name, code);
  }
}

/** Says in our words why `name` could not be read. */
export function fileError(error: unknown, name: string, code: ErrorCode): unknown {
  if (error instanceof ReadingInterrupted) {
    return new ApiKeysError('INTERRUPTED', 'interrupted; nothing was changed');
  }
  if (!(error instanceof UnreadableFile)) return error;
  return new CliError(code, `${name} cannot be read: ${error.message}`, {
    hint: 'Name a file that this user may read, or a pipe that brings it in time.',
  });
}
