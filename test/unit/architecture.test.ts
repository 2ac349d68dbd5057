import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

interface Import {
  /** Path below `src`, with `/`. */
  readonly from: string;
  /** Path below `src` for our own, the package's name for others. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(sep).join('/'));
const imports = files.flatMap(importsOf);

/** What a layer may import of the others, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'package.ts': [],
  'read-file.ts': [],
  domain: ['errors.ts'],
  representation: ['domain', 'errors.ts'],
  db: ['domain', 'errors.ts', 'package.ts', 'read-file.ts'],
  repository: ['db', 'domain', 'errors.ts'],
  service: ['repository', 'db', 'domain', 'errors.ts'],
  library: ['service', 'db', 'domain', 'errors.ts'],
  'index.ts': ['library', 'service', 'domain', 'errors.ts'],
  cli: ['representation', 'service', 'repository', 'db', 'domain', 'errors.ts', 'package.ts', 'read-file.ts'],
};

const TERMINAL_PACKAGES = [
  'commander',
  '@commander-js/extra-typings',
  '@inquirer/prompts',
  'chalk',
  'cli-table3',
];

describe('the arrows between the folders run one way', () => {
  test('every file is in a layer that has rules', () => {
    expect(files.filter((file) => !(layerOf(file) in ALLOWED))).toEqual([]);
  });

  test('no layer imports one above it', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [here, there] = [layerOf(from), layerOf(to)];
      return isOurs(to) && here !== there && !ALLOWED[here]?.includes(there);
    });
    expect(wrong).toEqual([]);
  });

  test('the output layer queries nothing: it knows services and repositories by type alone', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) =>
        from.startsWith('cli/output/') && !typeOnly && ['service', 'repository', 'db'].includes(layerOf(to)),
    );
    expect(wrong).toEqual([]);
  });

  test('commands reach the database through the service alone', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) =>
        from.startsWith('cli/commands/') && !typeOnly && ['repository', 'db'].includes(layerOf(to)),
    );
    expect(wrong).toEqual([]);
  });
});

test('an application that imports the library loads nothing of the terminal', () => {
  const seen = reachableFrom('index.ts');
  expect([...seen].filter((to) => TERMINAL_PACKAGES.includes(to) || to.startsWith('cli/'))).toEqual([]);
});

test('what makes the JSON loads no schemas: `apikeys schema` alone does', () => {
  const isSchema = (file: string) => file === 'zod' || file.startsWith('representation/schemas');
  const loading = imports.filter(({ from, to, typeOnly }) => !typeOnly && isSchema(to) && !isSchema(from));
  expect(new Set(loading.map(({ from }) => from))).toEqual(new Set(['cli/commands/schema.ts']));
});

test('no file imports itself by way of others, types included', () => {
  const circular = files.filter((file) => reachableFrom(file, { types: true }).has(file));
  expect(circular).toEqual([]);
});

test('only main.ts touches the process', () => {
  const touching = files.filter(
    (file) => /\bprocess\.(?!cwd|nextTick)/.test(code(file)) && file !== 'cli/main.ts',
  );
  expect(touching.filter((file) => !file.startsWith('db/embedded/'))).toEqual([]);
});

test('queries are written in the repository, and for the schema itself in db', () => {
  const writing = imports.filter(
    ({ to, typeOnly, from }) => to === 'kysely' && !typeOnly && !['repository', 'db'].includes(layerOf(from)),
  );
  expect(writing).toEqual([]);
});

function reachableFrom(start: string, { types = false } = {}): Set<string> {
  const seen = new Set<string>();
  const open = [start];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const { to, typeOnly } of imports.filter(({ from }) => from === file)) {
      if ((typeOnly && !types) || seen.has(to)) continue;
      seen.add(to);
      open.push(to);
    }
  }
  return seen;
}

function importsOf(file: string): Import[] {
  const statements = code(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|(?:^|\n)import\s+'([^']+)'|import\('([^']+)'\)/g,
  );
  return [...statements].map(([, typeOnly, from, bare, lazy]) => {
    const target = from ?? bare ?? lazy ?? '';
    return { from: file, to: resolveTarget(file, target), typeOnly: typeOnly !== undefined };
  });
}

function resolveTarget(file: string, target: string): string {
  if (!target.startsWith('.')) return target;
  const path = resolve(dirname(join(SRC, file)), target).replace(/\.js$/, '.ts');
  return relative(SRC, path).split(sep).join('/');
}

function code(file: string): string {
  return readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
}

function layerOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function isOurs(path: string): boolean {
  return files.includes(path);
}
