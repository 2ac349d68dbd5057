import { quote } from '../../domain/quote.js';
import { checkMetadata } from '../../domain/text.js';
import { CliError } from '../cli-error.js';

/**
 * Reads metadata as the command line gives it, one `key=value` an element; the value may hold further `=`.
 * Throws `INVALID_INPUT` also if a key is given twice.
 *
 * @example
 * parseMetadata(['team=core', 'note=a=b']) // { team: 'core', note: 'a=b' }
 */
export function parseMetadata(pairs: readonly string[]): Record<string, string> {
  const metadata = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1)
      throw invalid(`the metadata ${quote(pair)} is not key=value`, 'Write --metadata team=core.');
    const key = pair.slice(0, equals);
    if (metadata.has(key))
      throw invalid(`the metadata key ${quote(key)} is given twice`, 'Give each key once.');
    metadata.set(key, pair.slice(equals + 1));
  }
  return checkMetadata(Object.fromEntries(metadata));
}

const invalid = (message: string, hint: string): CliError => new CliError('INVALID_INPUT', message, { hint });
