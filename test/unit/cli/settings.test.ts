import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { variableOf } from '../../../src/cli/config/variable.js';
import { environmentHelp } from '../../../src/cli/help/environment.js';
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../../../src/domain/secret.js';
import type { Setting } from '../../../src/service/setting.js';
import { RULES, SETTINGS, shownFallback } from '../../../src/service/settings.js';

const textOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const ALL = Object.values<Setting<unknown, never>>(SETTINGS);

/** Of the table under "Configuration", without the backquotes. */
const README_ROWS = [...textOf('README.md').matchAll(/^\| `(APIKEYS_\w+)` +\| (.+) \|$/gm)].map(
  ([, variable = '', cells = '']) => [
    variable,
    ...cells.split('|').map((cell) => cell.replaceAll('`', '').trim()),
  ],
);

test("README's table has every setting, in the order in which help prints them", () => {
  expect(README_ROWS.map(([variable]) => variable)).toEqual(ALL.map(variableOf));
});

describe.each(ALL)('$name', (setting) => {
  const variable = variableOf(setting);
  const [, name, fallback, meaning = ''] = README_ROWS.find(([name]) => name === variable) ?? [];

  test('is in README as in the table, perhaps with a word more', () => {
    expect([name, fallback]).toEqual([setting.name, shownFallback(setting)]);
    expect(meaning).toMatch(new RegExp(`^${setting.meaning}($|[;,] )`));
  });

  test('is in the help as in the table', () => {
    const line = environmentHelp()
      .split('\n')
      .find((text) => text.startsWith(`  ${variable} `));
    expect(line?.trim().split(/ {2,}/)).toEqual([variable, shownFallback(setting), setting.meaning]);
  });
});

describe.each(Object.entries<Setting<unknown, never>>(RULES))('the option %s', (name, setting) => {
  test('has the name of its rule, and its documentation the default', () => {
    expect(setting.option).toBe(name);
    const pattern = new RegExp(`/\\*\\* ([^\\n]+) \\*/\\n {2}readonly ${name}\\?:`);
    const [, documentation = ''] = pattern.exec(textOf('src/service/settings.ts')) ?? [];
    expect(documentation.replaceAll('`', '')).toContain(`${shownFallback(setting)} unless told otherwise`);
  });
});

test('the documentation of secretBytes has its bounds', () => {
  expect(textOf('src/service/settings.ts')).toContain(
    `included: ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}; ${RULES.secretBytes.fallback} unless`,
  );
});
