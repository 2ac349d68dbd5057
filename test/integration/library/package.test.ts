import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

/** The packages that built code imports when it runs. */
async function packagesOf(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map(read));
  const targets = texts.flatMap((text) =>
    [...text.matchAll(/^(?:import|export)[^'"]*?from\s*"([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
      ([, from, lazy]) => from ?? lazy ?? '',
    ),
  );
  const outside = targets.filter(
    (target) => !/^(?:\.|node:)/.test(target) && !builtinModules.includes(target),
  );
  return [...new Set(outside.map((target) => /^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target))].sort();
}

async function builtProgram(): Promise<string[]> {
  const files = await readdir(join(ROOT, 'dist/cli'), { recursive: true });
  return files.filter((file) => file.endsWith('.js')).map((file) => join('dist/cli', file));
}

describe('the package', () => {
  test('depends on what its library imports, and on nothing else', async () => {
    const { dependencies, optionalDependencies } = JSON.parse(await read('package.json'));
    const imported = await packagesOf(['dist/index.js']);
    expect(imported).toEqual([...Object.keys(dependencies), ...Object.keys(optionalDependencies)].sort());
  });

  test('has all of the program but the embedded database in it', async () => {
    expect(await packagesOf(await builtProgram())).toEqual(['@electric-sql/pglite']);
  });

  test('brings the licence of whatever is in the program', async () => {
    const notices = await read('dist/THIRD-PARTY.txt');
    for (const name of ['commander', 'chalk', 'csv-parse', 'kysely', 'pg', 'pgpass', 'yaml', 'zod'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:MIT|ISC)\\)\n\n`, 'm'));
    expect(notices.match(/Permission (?:is hereby granted|to use, copy, modify)/g)?.length).toBeGreaterThan(
      40,
    );
  });

  test('is locked without the address of any registry', async () => {
    expect(await read('package-lock.json')).not.toContain('"resolved"');
  });
});
