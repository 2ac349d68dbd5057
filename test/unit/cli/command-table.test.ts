import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandTable } from '../../../src/cli/help/command-table.js';

test('the README has the table that the definitions of the commands make', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const [, table] = /<!-- commands -->\n\n([\s\S]*?)\n\n<!-- end of commands -->/.exec(readme) ?? [];
  expect(table, 'after a change of commands or options: npm run docs').toBe(commandTable());
});
