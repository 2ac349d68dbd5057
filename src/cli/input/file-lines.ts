import { statSync } from 'node:fs';
import { quotePath } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';
import { readChunks, type Waiting } from '../../read-file.js';
import { fileError } from './read-file.js';

/** Longer than any line that this program writes; a file without line ends must not fill the memory. */
const MAX_LINE = 65_536;

/** Told how many bytes of how many are read. */
export type Reading = (done: number, total: number) => void;

export interface LinesOptions extends Waiting {
  readonly reading?: Reading;
}

/** The lines of a text file or a pipe, without their ends. Throws `INTERRUPTED`, `INVALID_INPUT` if it cannot be read, or for a line that is too long. */
export function linesOf(path: string, options: LinesOptions): AsyncGenerator<string> {
  return linesIn(chunksOf(path, options), `the file ${quotePath(path)}`);
}

/** The lines of a text in UTF-8, without their ends; `what` names it in the refusal of a line that is too long. */
export async function* linesIn(chunks: AsyncIterable<string | Buffer>, what: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of orNamed(chunks, what)) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw invalid(`${what} is no text of lines`);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function* orNamed<T>(chunks: AsyncIterable<T>, what: string): AsyncGenerator<T> {
  try {
    yield* chunks;
  } catch (error) {
    throw fileError(error, what, 'INVALID_INPUT');
  }
}

async function* chunksOf(path: string, { reading, ...waiting }: LinesOptions): AsyncGenerator<Buffer> {
  // A pipe has no size, and what cannot be asked cannot be read either, which says why.
  const size = reading === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  let done = 0;
  for await (const chunk of readChunks(path, waiting)) {
    yield chunk;
    // Asked for again, so that what was read is worked off.
    done += chunk.length;
    reading?.(done, size);
  }
}

const invalid = (message: string): ApiKeysError => new ApiKeysError('INVALID_INPUT', message);
