import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { temporaryFolder } from './folders.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the bundled code looks for in the folder of its package. */
const LINKED = ['node_modules', 'package.json', 'migrations'];

/**
 * Bundles a TypeScript fixture into a new temporary folder, so that plain `node` can run it in a process of its own,
 * and gives the path of the result. The packages it imports and the package's own files stay outside and are found through links. It is removed after the tests of the file.
 */
export async function bundle(fixture: URL): Promise<string> {
  const folder = temporaryFolder('fixture');
  for (const part of LINKED) symlinkSync(path.join(root, part), path.join(folder, part));
  await build({
    entryPoints: [fileURLToPath(fixture)],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
  });
  return path.join(folder, `${path.basename(fixture.pathname, '.ts')}.mjs`);
}
