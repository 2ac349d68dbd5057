import { expect, it } from 'vitest';
import { chooseFormat, isJson } from '../../../src/cli/output/format.js';
import { ApiKeysError } from '../../../src/errors.js';

it('is a table on a terminal and tsv elsewhere, unless something was asked for', () => {
  expect(chooseFormat({ isTTY: true })).toBe('table');
  expect(chooseFormat({ isTTY: false })).toBe('tsv');
  expect(chooseFormat({ isTTY: false, json: false })).toBe('tsv');
  expect(chooseFormat({ isTTY: true, json: true })).toBe('json');
  expect(chooseFormat({ isTTY: true, json: true, output: 'json' })).toBe('json');
  expect(chooseFormat({ isTTY: false, output: 'table' })).toBe('table');
});

it('refuses two formats at once', () => {
  const choose = () => chooseFormat({ isTTY: true, json: true, output: 'csv' });
  expect(choose).toThrow(ApiKeysError);
  expect(choose).toThrow(
    expect.objectContaining({ code: 'INVALID_USAGE', message: '--json and --output csv exclude each other' }),
  );
});

it('knows which formats programs read', () => {
  expect([isJson('json'), isJson('ndjson'), isJson('tsv'), isJson('table')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
