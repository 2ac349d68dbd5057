import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

/** Writes the table of commands into the README, between its two marks, from the definitions of the commands. */

const MODULE = 'dist/command-table.js';

await build({
  entryPoints: ['src/cli/help/command-table.ts'],
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  outfile: MODULE,
  logLevel: 'warning',
});
const { commandTable } = await import(`../${MODULE}`);
rmSync(MODULE);

const readme = readFileSync('README.md', 'utf8');
const marked = /(?<=<!-- commands -->\n\n)[\s\S]*?(?=\n\n<!-- end of commands -->)/;
if (!marked.test(readme)) throw new Error('README.md has no marks around its table of commands');
writeFileSync(
  'README.md',
  readme.replace(marked, () => commandTable()),
);
