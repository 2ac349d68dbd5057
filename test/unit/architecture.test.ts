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

const ERRORS = ['errors.ts', 'error-details.ts'];

/** What a layer may import of the others, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': ['error-details.ts'],
  'error-details.ts': [],
  'package.ts': [],
  'read-file.ts': [],
  domain: ERRORS,
  representation: ['domain', ...ERRORS],
  db: ['domain', ...ERRORS, 'package.ts', 'read-file.ts'],
  repository: ['db', 'domain', ...ERRORS],
  service: ['repository', 'db', 'domain', ...ERRORS],
  library: ['service', 'db', 'domain', ...ERRORS],
  'index.ts': ['library', 'service', 'domain', ...ERRORS],
  cli: ['representation', 'service', 'repository', 'db', 'domain', ...ERRORS, 'package.ts', 'read-file.ts'],
};

const TERMINAL_PACKAGES = ['commander', '@inquirer/prompts', 'chalk', 'cli-table3'];

const COUNTING = 'verify service/usage/recorder.ts';

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

  test('the operations of one kind know none of another; what they share stands above them, in service/', () => {
    const kindOf = (file: string) => /^service\/(\w+)\//.exec(file)?.[1];
    const sideways = imports.filter(({ from, to }) => {
      const [here, there] = [kindOf(from), kindOf(to)];
      return here !== undefined && there !== undefined && here !== there && here !== 'operations';
    });
    // Whatever is changed has its event, and whatever is verified is counted.
    const wrong = sideways.filter(
      ({ from, to }) => kindOf(to) !== 'audit' && `${kindOf(from)} ${to}` !== COUNTING,
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

describe('no layer below a face speaks the language of one', () => {
  /** libpq's variables are that library's way to configure a login, and the same for every face. */
  const ABOUT_LIBPQ = ['db/server/libpq-variables.ts', 'db/server/server-settings.ts'];

  /** Flags of other programs. */
  const OF_OTHERS = new Set(['--wal-segsize=1', '--liftoff-only']);

  const naming = (words: RegExp, but: readonly string[] = []): string[] =>
    files
      .filter((file) => ['service', 'repository', 'db', 'domain'].includes(layerOf(file)))
      .filter((file) => !but.includes(file))
      .flatMap((file) => textsOf(file).map((text) => `${file}: ${text}`))
      .filter((line) => words.test(line) && ![...OF_OTHERS].some((flag) => line.endsWith(`: ${flag}`)));

  test('no flag', () => {
    expect(naming(/(?<![\w-])--[a-z]/)).toEqual([]);
  });

  test('no variable', () => {
    expect(naming(/\bAPIKEYS_[A-Z]/)).toEqual([]);
    expect(naming(/\bPG(?!SQL\b)[A-Z]{3,}/, ABOUT_LIBPQ)).toEqual([]);
  });

  test('no command', () => {
    const commands = files.flatMap((file) => /^cli\/commands\/([a-z-]+)\.ts$/.exec(file)?.[1] ?? []);
    expect(commands).toContain('migrate');
    const words = commands.map((command) => command.replace('-', ' ')).join('|');
    expect(naming(new RegExp(`\\bapikeys (${words})\\b`))).toEqual([]);
  });
});

/** What stands in quotes, in the code of a file. */
function textsOf(file: string): string[] {
  const quoted = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
  return [...code(file).matchAll(quoted)].map(([, ...texts]) => texts.join(''));
}

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
