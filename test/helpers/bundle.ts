import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/**
 * Bundles a TypeScript fixture into a new temporary folder, so that plain `node` can run it in a process of its own,
 * and gives the path of the result. The packages it imports stay outside and are found through a link. It is removed after the tests of the file.
 */
export async function bundle(fixture: URL): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'apikeys-fixture-'));
  made.push(folder);
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
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
