import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { quote } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';

/** Longer than any line that this program writes; a file without line ends must not fill the memory. */
const MAX_LINE = 65_536;

/** Told how many bytes of how many are read. */
export type Reading = (done: number, total: number) => void;

/** The lines of a text file, without their ends. Throws `INVALID_INPUT` if it cannot be read, or for a line that is too long. */
export function linesOf(path: string, reading?: Reading): AsyncGenerator<string> {
  return linesIn(chunksOf(path, reading), `the file ${quote(path)}`);
}

/** The lines of a text in UTF-8, without their ends; `what` names it in the refusal of a line that is too long. */
export async function* linesIn(chunks: AsyncIterable<string | Buffer>, what: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw invalid(`${what} is no text of lines`);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function* chunksOf(path: string, reading?: Reading): AsyncGenerator<string> {
  try {
    // A pipe has no size, and what cannot be asked cannot be read either: the stream says why.
    const size =
      reading === undefined
        ? 0
        : await stat(path).then(
            ({ size }) => size,
            () => 0,
          );
    const file = createReadStream(path, 'utf8');
    for await (const chunk of file) {
      yield String(chunk);
      // Asked for again, so that what was read is worked off.
      reading?.(file.bytesRead, size);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw invalid(`the file ${quote(path)} cannot be read${REASONS[code] ?? ''}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: ': it does not exist',
  EISDIR: ': it is a folder',
  EACCES: ': this user may not read it',
};

const invalid = (message: string): ApiKeysError => new ApiKeysError('INVALID_INPUT', message);
