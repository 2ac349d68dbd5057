import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';

/**
 * What an application can import, and all that it is made of. After a change that is meant:
 * `npm run build:types && npm run test:api -- -u`, which prints the reference as well, and a line in CHANGELOG.md.
 */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DECLARATIONS = join(ROOT, 'dist/index.d.ts');

test('the library exports what it promised, and nothing else', async () => {
  const declarations = (await readFile(DECLARATIONS, 'utf8'))
    .replaceAll(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '')
    .replaceAll(/\n{2,}/g, '\n');
  await expect(declarations).toMatchFileSnapshot(join(ROOT, 'test/api.snapshot.d.ts'));
});

test('its reference is printed from them', async () => {
  const { stdout } = await execa(process.execPath, ['src/build-reference.mjs'], {
    cwd: ROOT,
    stripFinalNewline: false,
  });
  await expect(stdout).toMatchFileSnapshot(join(ROOT, 'src/library.md'));
});

test('its declarations are complete: an application compiles with them alone', async () => {
  const { exitCode, stdout } = await execa(
    join(ROOT, 'node_modules/.bin/tsc'),
    [
      ...['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'],
      ...['--lib', 'es2022', '--types', 'node', DECLARATIONS],
    ],
    { cwd: ROOT, reject: false },
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
});
