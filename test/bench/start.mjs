import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// Node 20 runs no TypeScript. The bundle lies where it finds the packages, and each file in it knows where it came from.
const bundle = new URL('../../node_modules/.cache/apikeys/bench.mjs', import.meta.url);

await build({
  entryPoints: [fileURLToPath(new URL('run.ts', import.meta.url))],
  outfile: fileURLToPath(bundle),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  plugins: [
    {
      name: 'where-each-file-is',
      setup: ({ onLoad }) =>
        onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
          loader: 'ts',
          contents: (await readFile(path, 'utf8')).replaceAll(
            'import.meta.url',
            JSON.stringify(pathToFileURL(path).href),
          ),
        })),
    },
  ],
});
await import(bundle.href);
