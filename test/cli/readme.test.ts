import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runApikeys } from '../helpers/program.js';

const README = new URL('../../README.md', import.meta.url);

interface Example {
  readonly command: string;
  readonly output: string;
}

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'apikeys-readme-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

test('the README shows what its examples really print, run in their order', {
  timeout: 240_000,
}, async () => {
  const examples = examplesOf(await readFile(README, 'utf8'));
  expect(examples.length).toBeGreaterThan(5);
  for (const { command, output } of examples) {
    const { stdout, stderr, exitCode } = await runApikeys(asOnATerminal(wordsOf(command)), {
      home,
      env: { COLUMNS: '80' },
    });
    expect(comparable(stdout + stderr), command).toBe(comparable(output));
    expect(exitCode).toBe(0);
  }
});

/** Blocks marked `console`: a line that begins with `$ ` is a command, the lines up to the next one its output. */
function examplesOf(text: string): Example[] {
  const blocks = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ apikeys /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...lines] = part.split('\n');
        return { command, output: lines.join('\n') };
      }),
  );
}

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Without a terminal the program would print tsv. */
function asOnATerminal(words: string[]): string[] {
  return words.some((word) => ['-o', '--json', '--quiet'].includes(word)) ? words : [...words, '-o', 'table'];
}

/** Leaves out what differs from run to run, and the padding that follows from it. */
function comparable(text: string): string {
  return text
    .replaceAll(/rv_[0-9a-f]{64}/g, 'SECRET')
    .replaceAll(/rv_[0-9a-f]{8}/g, 'PREFIX')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z| UTC)/g, 'TIME')
    .replaceAll(/just now|\d+ (second|minute)s? ago/g, 'NOW')
    .replaceAll(/\S+@\S+?(?=[:\s])/g, 'ACTOR')
    .replaceAll(/\n {4,}/g, ' ')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/ +$/gm, '')
    .trim();
}
