import { exclusionError } from '../definition/rules.js';

export const FORMATS = ['table', 'tsv', 'json', 'ndjson', 'csv'] as const;

export type Format = (typeof FORMATS)[number];

export interface FormatChoice {
  /** `-o, --output`. */
  readonly output?: Format | undefined;
  /** `--json`, short for `-o json`. */
  readonly json?: boolean | undefined;
  /** Whether stdout is a terminal. */
  readonly isTTY: boolean;
}

/**
 * The format of this run: what was asked for, otherwise a table on a terminal and tsv elsewhere.
 *
 * @throws ApiKeysError `INVALID_USAGE` when `--json` and another `--output` contradict each other.
 * @example
 * ```ts
 * chooseFormat({ json: true, isTTY: true }); // 'json'
 * ```
 */
export function chooseFormat({ output, json, isTTY }: FormatChoice): Format {
  if (json === true && output !== undefined && output !== 'json') {
    throw exclusionError('--json', `--output ${output}`);
  }
  if (json === true) return 'json';
  return output ?? (isTTY ? 'table' : 'tsv');
}

/** Whether a program reads it: then errors are JSON too, and notes are left out. */
export function isJson(format: Format): boolean {
  return format === 'json' || format === 'ndjson';
}
