import { parseMoment } from '../../domain/duration.js';
import { looksLikeSecret } from '../../domain/secret.js';
import { checkReference } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import type { BadLine, UsageLine } from '../../service/usage/import-usage.js';
import { CliError } from '../cli-error.js';

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a line, or why it has none. */
type RowReader = (text: string) => Fields | string;

const COLUMNS = ['key', 'requests', 'spend_cents', 'at'];

/**
 * Reads usage from text lines: NDJSON, or CSV whose first line names its columns. `key` is an id, a key prefix or a
 * name; `requests` is 1 and `spend_cents` 0 unless given; `at` is an RFC 3339 time or a UTC day, now unless given. Blank lines are
 * passed over. A line that makes no sense comes as a {@link BadLine}, never as an error.
 */
export async function* usageLines(
  lines: AsyncIterable<string>,
  prefix: string,
): AsyncGenerator<UsageLine | BadLine> {
  let rowOf: RowReader | undefined;
  let line = 0;
  for await (const text of lines) {
    line++;
    const trimmed = text.trim();
    if (trimmed === '') continue;
    if (rowOf === undefined && !trimmed.startsWith('{')) {
      rowOf = await csvRows(trimmed, line);
      continue;
    }
    rowOf ??= jsonRow;
    yield usageLine(line, rowOf(trimmed), prefix);
  }
}

function usageLine(line: number, fields: Fields | string, prefix: string): UsageLine | BadLine {
  if (typeof fields === 'string') return { line, reason: fields };
  try {
    return {
      line,
      key: keyOf(fields.key, prefix),
      requests: countOf(fields.requests, 'requests', 1),
      spendCents: countOf(fields.spend_cents, 'spend_cents', 0),
      at: timeOf(fields.at),
    };
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    return { line, reason: error.message };
  }
}

function keyOf(value: unknown, prefix: string): string {
  if (typeof value !== 'string' || value === '') throw invalid('it has no key');
  if (looksLikeSecret(value, prefix)) throw invalid('its key is a raw secret; take those out of your logs');
  return checkReference(value);
}

function countOf(value: unknown, name: string, fallback: number): number {
  if (value === undefined || value === null || value === '') return fallback;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw invalid(`its ${name} is no whole number`);
}

function timeOf(value: unknown): Date | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return parseMoment(value);
  throw invalid('its time is not text');
}

const invalid = (message: string): ApiKeysError => new CliError('INVALID_INPUT', message);

const UNREADABLE = 'it cannot be read';

function jsonRow(text: string): Fields | string {
  try {
    const row: unknown = JSON.parse(text);
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? { ...row } : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** Reads the lines below a header of CSV. Throws `INVALID_INPUT` for a header that is none. */
async function csvRows(header: string, line: number): Promise<RowReader> {
  // In a chunk of its own: no other command reads CSV.
  const { csvFields } = await import('./csv-fields.js');
  const fields = csvFields(header);
  const names = typeof fields === 'string' ? [] : fields.map((name) => name.trim());
  if (!names.includes('key') || !names.every((name) => COLUMNS.includes(name))) {
    throw new CliError('INVALID_INPUT', `line ${line}: neither JSON nor a CSV header with a column "key"`, {
      hint: `The columns of CSV are ${COLUMNS.join(', ')}; their first line names them.`,
    });
  }
  return (text) => {
    const values = csvFields(text);
    if (typeof values === 'string') return values;
    if (values.length !== names.length) return UNREADABLE;
    return Object.fromEntries(names.map((name, index) => [name, values[index]]));
  };
}
