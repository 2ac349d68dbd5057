import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { pathOf } from '../../../src/cli/command-tree.js';
import { variableOf } from '../../../src/cli/config/variable.js';
import { EXIT } from '../../../src/cli/exit-codes.js';
import { START } from '../../../src/cli/help/start.js';
import { TOPIC_NAMES } from '../../../src/cli/help/topic-names.js';
import { buildProgram, type ProgramOutput } from '../../../src/cli/program.js';
import { SETTINGS } from '../../../src/service/settings.js';

/** A screen has 24 lines, and the prompt that comes back takes the last one. */
const LINES = 23;
const COLUMNS = 80;

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));

const program = (output: Partial<ProgramOutput> = {}) =>
  buildProgram(async () => undefined, { out: () => undefined, ...output });

async function help(words: readonly string[], width?: number): Promise<string> {
  let text = '';
  const output = { out: (part: string) => (text += part), ...(width !== undefined && { width }) };
  await program(output).parseAsync(['help', ...words], { from: 'user' });
  return text;
}

const below = (command: Command): Command[] => [...command.commands, ...command.commands.flatMap(below)];
const COMMANDS = below(program()).map((command) => pathOf(command).slice(1).join(' '));

describe.each([['', ...COMMANDS, ...TOPIC_NAMES]].flat())('apikeys help %s', (name) => {
  test('fits one screen', async () => {
    const lines = (await help(words(name))).trimEnd().split('\n');
    expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(LINES);
  });
});

describe.each(COMMANDS)('the help of %s', (name) => {
  test('names its usage first', async () => {
    expect(await help(words(name))).toMatch(new RegExp(`^Usage: apikeys ${name}( |\n)`));
  });

  test('has examples that the program understands', async () => {
    const text = await help(words(name));
    const examples = /\nExamples:\n(( {2}\$ .+\n)+)/.exec(text)?.[1]?.trimEnd().split('\n') ?? [];
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const commands = commandLines(example.replace(/^ {2}\$ /, ''));
      expect(commands, example).not.toEqual([]);
      for (const argv of commands) {
        await expect(program().parseAsync(argv, { from: 'user' }), example).resolves.toBeDefined();
      }
    }
  });
});

test('every command is in the list, in one line', async () => {
  const lines = (await help([])).split('\n');
  for (const command of program().commands) {
    expect(
      lines.filter((line) => new RegExp(`^(\\S.*)? {2,}${command.name()} {2,}`).test(line)),
    ).toHaveLength(1);
  }
});

test('on a narrow terminal, descriptions wrap', async () => {
  const lines = (await help(['create'], 60)).split('\nExamples:')[0]?.split('\n') ?? [];
  expect(lines.filter((line) => line.length > 60)).toEqual([]);
});

test('what there is to do first is shown in a few lines', () => {
  expect(START.split('\n').length).toBeLessThan(8);
  expect(START).toMatch(/apikeys create .*\n.*apikeys list .*\n.*apikeys --help/);
});

test('the exit codes are all there', async () => {
  const text = await help(['exit-codes']);
  for (const code of Object.values(EXIT)) expect(text).toMatch(new RegExp(`^  ${code} `, 'm'));
});

test('every setting is there with its default', async () => {
  const text = await help(['environment']);
  for (const setting of Object.values(SETTINGS))
    expect(text).toMatch(new RegExp(`^  ${variableOf(setting)} +\\S`, 'm'));
  expect(text).toMatch(/APIKEYS_DEFAULT_EXPIRY +90d /);
  expect(text).toMatch(/APIKEYS_TIMEOUT +10s /);
});

test('every variable that the program reads is there', async () => {
  const text = await help(['environment']);
  const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(SRC, file), 'utf8'));
  const read = sources.flatMap((source) =>
    [...source.matchAll(/\benv\.([A-Z_]+)/g)].map(([, name = '']) => name),
  );
  expect(read.length).toBeGreaterThan(10);
  const shown = (name: string) =>
    text.includes(name) || (name.startsWith('PGSSL') && text.includes('PGSSL*'));
  expect([...new Set(read)].filter((name) => name !== 'HOME' && !shown(name))).toEqual([]);
});

test('the options of every command are there', async () => {
  const text = await help(['options']);
  const root = program();
  for (const { flags } of root.createHelp().visibleOptions(root)) expect(text).toContain(`  ${flags} `);
});

test('what is loaded before a command is chosen has no part in databases and output', async () => {
  const { metafile } = await build({
    entryPoints: [join(SRC, 'cli/main.ts')],
    outdir: tmpdir(),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const loaded = loadedAtOnce(metafile).filter((path) => !path.startsWith('node:'));
  expect(loaded.sort()).toEqual(['commander']);
});

/** The packages that come with the entry point, without what is imported later. */
function loadedAtOnce({ outputs }: Metafile): string[] {
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint?.endsWith('cli/main.ts'));
  const open = entry === undefined ? [] : [entry];
  const seen = new Set(open);
  const packages = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const imported of outputs[path]?.imports ?? []) {
      if (imported.kind !== 'import-statement' || seen.has(imported.path)) continue;
      seen.add(imported.path);
      if (imported.external) packages.add(imported.path);
      else open.push(imported.path);
    }
  }
  return [...packages];
}

/** The arguments of every `apikeys` in a line of shell, as the shell reads it; nothing else of the line is run. */
function commandLines(line: string): string[][] {
  const script = `apikeys() { printf '%s\\0' "$#" "$@" >&3; }\n${line.replaceAll(/ [<>] (\$\([^)]*\)|\S)+/g, '')}`;
  const { output } = spawnSync('/bin/sh', ['-c', script], {
    env: { PATH: '' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const texts = String(output[3]).split('\0').slice(0, -1);
  const found: string[][] = [];
  while (texts.length > 0) found.push(texts.splice(0, Number(texts.shift())));
  return found;
}

function words(name: string): string[] {
  return name.split(' ').filter((word) => word !== '');
}
