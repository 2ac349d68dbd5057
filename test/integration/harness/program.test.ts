import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runApikeys, runTogether, startApikeys } from '../../helpers/program.js';

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-test-'));
  program = join(folder, 'echo.mjs');
  await writeFile(
    program,
    `const { env, argv } = process;
     let input = '';
     for await (const chunk of process.stdin) input += chunk;
     process.stdout.write(JSON.stringify({ env, args: argv.slice(2), cwd: process.cwd(), input }) + '\\n');
     if (argv[2] === 'wait') setInterval(() => {}, 1000);
     process.exitCode = Number(argv[2]) || 0;`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

test('gives the program nothing of this environment but the path', async () => {
  process.env.APIKEYS_TENANT = 'from outside';
  process.env.PGHOST = 'from outside';
  try {
    const { stdout, exitCode } = await runApikeys(['7', 'b c'], {
      program,
      env: { MINE: '1' },
      input: 'typed',
    });
    const seen = JSON.parse(stdout);
    expect(exitCode).toBe(7);
    expect(seen).toMatchObject({ args: ['7', 'b c'], input: 'typed' });
    expect(
      Object.keys(seen.env)
        .filter((name) => name !== 'NODE_V8_COVERAGE')
        .sort(),
    ).toEqual(['HOME', 'MINE', 'PATH']);
    expect(seen.cwd).toBe(seen.env.HOME);
    expect(existsSync(seen.env.HOME)).toBe(false);
  } finally {
    delete process.env.APIKEYS_TENANT;
    delete process.env.PGHOST;
  }
});

test('ends a program that hangs', async () => {
  const result = await runApikeys(['wait'], { program, timeout: 1_000 });
  expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true });
});

test('kills a program under way, keeps what it wrote', async () => {
  const running = await startApikeys(['wait'], { program });
  while (!running.stdout().includes('\n')) await new Promise((resolve) => setTimeout(resolve, 10));
  running.kill('SIGTERM');
  const result = await running.result;
  expect(result.signal).toBe('SIGTERM');
  expect(JSON.parse(result.stdout)).toMatchObject({ input: '' });
});

test('runs several at once', async () => {
  const results = await runTogether(4, (index) => ({ args: [String(index)], options: { program } }));
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 1, 2, 3]);
});
