import { parseTimeExpression } from '../../domain/duration.js';
import { looksLikeSecret } from '../../domain/secret.js';
import { checkReference } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import type { BadLine, UsageLine } from '../../service/usage/import-usage.js';

type Fields = Readonly<Record<string, unknown>>;

const COLUMNS = ['key', 'requests', 'spend_cents', 'at'];

/**
 * Reads usage from text lines: NDJSON, or CSV whose first line names its columns. `key` is an id, a key prefix or a
 * name; `requests` is 1 and `spend_cents` 0 unless given; `at` is an RFC 3339 time, now unless given. Blank lines are
 * passed over. A line that makes no sense comes as a {@link BadLine}, never as an error.
 */
export async function* usageLines(
  lines: AsyncIterable<string>,
  prefix: string,
): AsyncGenerator<UsageLine | BadLine> {
  let header: string[] | undefined;
  let line = 0;
  for await (const text of lines) {
    line++;
    const trimmed = text.trim();
    if (trimmed === '') continue;
    if (header === undefined && !trimmed.startsWith('{')) {
      header = csvFields(trimmed).map((name) => name.trim());
      const unknown = header.find((name) => !COLUMNS.includes(name));
      if (unknown !== undefined || !header.includes('key')) {
        throw new ApiKeysError(
          'INVALID_INPUT',
          `line ${line}: neither JSON nor a CSV header with a column "key"`,
          {
            hint: `The columns of CSV are ${COLUMNS.join(', ')}; their first line names them.`,
          },
        );
      }
      continue;
    }
    header ??= [];
    yield usageLine(line, header.length > 0 ? csvRow(header, trimmed) : jsonRow(trimmed), prefix);
  }
}

function usageLine(line: number, fields: Fields | undefined, prefix: string): UsageLine | BadLine {
  if (fields === undefined) return { line, reason: 'it cannot be read' };
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
  const moment = typeof value === 'string' ? parseTimeExpression(value) : undefined;
  if (moment?.kind === 'at') return moment.at;
  throw invalid('its time is not in RFC 3339');
}

const invalid = (message: string): ApiKeysError => new ApiKeysError('INVALID_INPUT', message);

function jsonRow(text: string): Fields | undefined {
  try {
    const row: unknown = JSON.parse(text);
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? { ...row } : undefined;
  } catch {
    return undefined;
  }
}

function csvRow(header: readonly string[], text: string): Fields | undefined {
  const fields = csvFields(text);
  if (fields.length !== header.length) return undefined;
  return Object.fromEntries(header.map((name, index) => [name, fields[index]]));
}

/** RFC 4180 without line ends in a field: no column of ours has any. */
function csvFields(text: string): string[] {
  return [...`,${text}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
