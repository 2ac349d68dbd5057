import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Of each line of Node that the package promises to run on: the first that it takes, and a late one of the others. */
export const NODE_VERSIONS = ['20.19.0', '22.23.3', '24.21.0', '26.12.1'] as const;

/** Not in `package.json`: four Nodes are 400 MB, which nobody needs who does not test on them. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url));

/**
 * The executable of a version of Node, installed from npm when it is first asked for; undefined where npm has none for
 * this platform, or cannot be reached.
 */
export async function nodeExecutable(version: string): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(CACHE, version);
  const executable = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(executable)) return executable;
  await mkdir(dirname(folder), { recursive: true });
  // Renamed when it is whole, so that an install that was cut off is not taken for one.
  const draft = await mkdtemp(`${folder}-`);
  try {
    const { failed } = await execa(
      'npm',
      [
        'install',
        '--no-save',
        '--no-package-lock',
        '--ignore-scripts',
        '--prefix',
        draft,
        `${name}@${version}`,
      ],
      { cwd: draft, timeout: 300_000, reject: false },
    );
    if (failed) return undefined;
    await rename(draft, folder);
    return executable;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
