import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SHELLS, type Shell } from '../../src/cli/completion/shells.js';
import { runApikeys } from '../helpers/program.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SCRIPTS = { bash: 'apikeys.bash', zsh: '_apikeys', fish: 'apikeys.fish' };
const script = (shell: Shell): string => here(`../../completions/${SCRIPTS[shell]}`);
const ARGUMENTS = { bash: ['--norc', '--noprofile'], zsh: ['-f'], fish: ['--no-config'] };

const isMissing = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status !== 0;

let folder: string;
let zshAnswers: Map<string, string[]> | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apikeys-completion-'));
  for (const file of ['settings.yaml', 'se file.yaml', 'other']) writeFileSync(join(folder, file), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly line: string;
  readonly offers: readonly string[];
}

const CASES: readonly Case[] = [
  { line: 'apikeys ro', offers: ['rotate'] },
  { line: 'apikeys un', offers: ['unfreeze'] },
  { line: 'apikeys list --status ', offers: ['active', 'expired', 'frozen', 'revoked'] },
  { line: 'apikeys list --status=', offers: ['active', 'expired', 'frozen', 'revoked'] },
  { line: 'apikeys list --status=a', offers: ['active'] },
  { line: 'apikeys list --sort l', offers: ['last-used'] },
  { line: 'apikeys completion ', offers: ['bash', 'fish', 'zsh'] },
  { line: 'apikeys schema rot', offers: ['rotate'] },
  { line: 'apikeys help exit', offers: ['exit-codes'] },
  { line: 'apikeys --tenant x lis', offers: ['list'] },
  { line: 'apikeys --tenant=x lis', offers: ['list'] },
  { line: 'apikeys -q --tenant list ro', offers: ['rotate'] },
  { line: 'apikeys -qo j', offers: ['json'] },
  { line: 'apikeys -qo json lis', offers: ['list'] },
  { line: 'apikeys --output=nd', offers: ['ndjson'] },
  { line: 'apikeys list --color al', offers: ['always'] },
  { line: 'apikeys revoke --re', offers: ['--reason'] },
  { line: 'apikeys revoke one --emb', offers: ['--embedded'] },
  { line: 'apikeys create "my key" --sco', offers: ['--scope'] },
  { line: "apikeys create 'it is mine' --sco", offers: ['--scope'] },
  { line: 'apikeys create my\\ key --sco', offers: ['--scope'] },
  { line: 'apikeys create ci --scope orders:write --ow', offers: ['--owner'] },
  { line: 'apikeys create ci --scope=orders:write --ow', offers: ['--owner'] },
  { line: 'apikeys migrate --st', offers: ['--status'] },
  { line: 'apikeys migrate --status l', offers: [] },
  { line: 'apikeys audit ver', offers: ['verify'] },
  { line: 'apikeys audit --owner head ver', offers: ['verify'] },
  { line: 'apikeys audit a-key ver', offers: [] },
  { line: 'apikeys audit a-key --unt', offers: ['--until'] },
  { line: 'apikeys audit verify --unt', offers: [] },
  // A value that can be anything, an argument that can be anything, and what is no option any more.
  { line: 'apikeys list --owner l', offers: [] },
  { line: 'apikeys show se', offers: [] },
  { line: 'apikeys list -- --st', offers: [] },
  { line: 'apikeys nonsense lis', offers: [] },
  // Files, and only there.
  { line: 'apikeys --config sett', offers: ['settings.yaml'] },
  { line: 'apikeys --config=sett', offers: ['settings.yaml'] },
  { line: 'apikeys usage import oth', offers: ['other'] },
  { line: 'apikeys audit verify --head oth', offers: ['other'] },
  { line: 'apikeys rotate ci --out-file oth', offers: ['other'] },
];

const HOSTILE: readonly string[] = [
  'apikeys $(touch pwned)',
  'apikeys `touch pwned`',
  'apikeys "$(touch pwned)" ro',
  'apikeys $(touch pwned) li',
  'apikeys --tenant $(touch pwned) li',
  'apikeys list --status $(touch pwned)',
  'apikeys list --status=`touch pwned`',
  'apikeys --config $(touch pwned)',
  'apikeys --config=$(touch pwned)/x',
  'apikeys --config `touch pwned`/x',
  `apikeys --config ${'$'}{x:-$(touch pwned)}/x`,
  'apikeys list --$(touch pwned)',
  'apikeys a[$(touch pwned)] ',
  'apikeys <(touch pwned) ',
];

describe.each(SHELLS)('in %s', (shell) => {
  describe.skipIf(isMissing(shell))(`(skipped where there is no ${shell})`, () => {
    test('the script has no fault of syntax', () => {
      expect(spawnSync(shell, ['-n', script(shell)], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
    });

    test.each(CASES)('$line', ({ line, offers }) => {
      expect(offered(shell, line)).toEqual(offers);
    });

    test.each(HOSTILE)('nothing is run of %s', (line) => {
      expect([...offered(shell, line), ...readdirSync(folder)]).not.toContain('pwned');
    });
  });
});

describe.skipIf(isMissing('bash'))('bash, where = is part of a word (skipped where there is no bash)', () => {
  test.each([
    ['apikeys list --status=a', ['--status=active']],
    ['apikeys --config=sett', ['--config=settings.yaml']],
  ])('%s', (line, offers) => {
    expect(inBash(line, line.split(' '), 'COMP_WORDBREAKS=" "')).toEqual(offers);
  });
});

describe.each(SHELLS)('apikeys completion %s', (shell) => {
  test.each([[[]], [['--json']], [['-o', 'table', '--quiet']]])('prints the script with %j', async (more) => {
    const { exitCode, stdout, stderr } = await runApikeys(['completion', shell, ...more]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(readFileSync(script(shell), 'utf8'));
  });
});

test('apikeys completion of another shell is refused', async () => {
  const { exitCode, stdout, stderr } = await runApikeys(['completion', 'tcsh']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/bash, zsh, fish/);
});

/** What TAB offers at the end of a line, sorted; the program itself is never called. */
function offered(shell: Shell, line: string): string[] {
  const found =
    shell === 'bash' ? inBash(line, bashWords(line)) : shell === 'zsh' ? inZsh(line) : inFish(line);
  expect([...found, ...readdirSync(folder)], 'the program was called').not.toContain('called');
  return found.map((word) => word.replace(/^--[a-z-]+=/, '')).sort();
}

function inBash(line: string, typed: readonly string[], before = ':'): string[] {
  const source = `${before}; source "$@"`;
  return words(
    run('bash', ['-c', source, 'bash', here('shells/complete.bash'), script('bash'), line, ...typed]),
  );
}

/** As readline takes a line apart: `=` and `:` are words of their own, quotes and substitutions stay whole. */
function bashWords(line: string): string[] {
  const words =
    line.match(/[=:]+|(\$\([^)]*\)|<\([^)]*\)|`[^`]*`|"[^"]*"|'[^']*'|\$\{.*?\}+|\\.|[^\s=:])+/g) ?? [];
  return line.endsWith(' ') ? [...words, ''] : words;
}

/** All lines at once: a zsh takes long to start. */
function inZsh(line: string): string[] {
  zshAnswers ??= answersOfZsh([...CASES.map((one) => one.line), ...HOSTILE]);
  return zshAnswers.get(line) ?? [];
}

function answersOfZsh(lines: readonly string[]): Map<string, string[]> {
  const functions = mkdtempSync(join(tmpdir(), 'apikeys-zsh-'));
  copyFileSync(script('zsh'), join(functions, '_apikeys'));
  const answers = run('zsh', [here('shells/complete.zsh'), functions, ...lines]);
  rmSync(functions, { recursive: true });
  return new Map(lines.map((line, index) => [line, words(answers.split(/(?<=^|\n)\n/)[index] ?? '')]));
}

function inFish(line: string): string[] {
  return words(run('fish', [here('shells/complete.fish'), script('fish'), line]));
}

function run(shell: Shell, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, [...ARGUMENTS[shell], ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TERM: 'xterm' },
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ stderr, status }).toMatchObject({ stderr: '' });
  return stdout;
}

function words(lines: string): string[] {
  return lines.split('\n').filter((word) => word !== '');
}
