import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { spawn as spawnInTerminal } from '@lydell/node-pty';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { PROGRAM, runApikeys, startApikeys } from '../helpers/program.js';
import { scale } from './scale.js';

const WAIT = 1_000;
const MARGIN = scale('HANG_MARGIN', { short: 4_000, long: 4_000 });

let database: TestDatabase;
let folder: string;
let secret: string;
beforeAll(async () => {
  database = await testDatabase();
  folder = fs.mkdtempSync(join(tmpdir(), 'apikeys-files-'));
  const made = await runApikeys(['create', 'a', '--owner', 'o', '-q'], { env: env() });
  secret = made.stdout.trim();
});
afterAll(async () => {
  fs.rmSync(folder, { recursive: true });
  await database.drop();
});

const env = (): Record<string, string> => ({
  APIKEYS_DATABASE_URL: database.url,
  APIKEYS_TIMEOUT: `${WAIT / 1_000}s`,
});

let made = 0;
/** A long path, since a refusal names all of it. */
const newPath = (): string => join(folder, `a-file-with-a-name-that-is-rather-long-${++made}`);

function fifo(): string {
  const path = newPath();
  execFileSync('mkfifo', [path]);
  return path;
}

function dangling(): string {
  const path = newPath();
  fs.symlinkSync('/nowhere/at/all', path);
  return path;
}

interface Way {
  readonly args: (path: string) => readonly string[];
  readonly env?: (path: string) => Readonly<Record<string, string>>;
}

/** Every way to have a file read. */
const WAYS: Readonly<Record<string, Way>> = {
  '--config': { args: (path) => ['list', '--config', path] },
  APIKEYS_CONFIG: { args: () => ['list'], env: (path) => ({ APIKEYS_CONFIG: path }) },
  'the usual configuration': { args: () => ['list'], env: usualConfiguration },
  '--database-url-file': { args: (path) => ['list', '--database-url-file', path] },
  APIKEYS_DATABASE_URL_FILE: { args: () => ['list'], env: (path) => ({ APIKEYS_DATABASE_URL_FILE: path }) },
  sslrootcert: {
    args: () => ['list'],
    env: (path) => ({ APIKEYS_DATABASE_URL: `postgres://u@db.invalid/d?sslrootcert=${path}` }),
  },
  'verify --key-file': { args: (path) => ['verify', '--key-file', path] },
  'audit verify --head': { args: (path) => ['audit', 'verify', '--head', path] },
  'usage import': { args: (path) => ['usage', 'import', path] },
};

function usualConfiguration(path: string): Readonly<Record<string, string>> {
  const home = newPath();
  fs.mkdirSync(join(home, 'apikeys'), { recursive: true });
  fs.symlinkSync(path, join(home, 'apikeys', 'config.yaml'));
  return { XDG_CONFIG_HOME: home };
}

const wayOf = (name: string, path: string) => {
  const way = WAYS[name];
  if (way === undefined) throw new Error(`no such way: ${name}`);
  return { args: way.args(path), env: { ...env(), ...way.env?.(path) } };
};

const FILES: Readonly<Record<string, () => string>> = {
  'a pipe that nobody writes to': fifo,
  '/dev/zero': () => '/dev/zero',
  'a folder': () => folder,
  'a symbolic link to nothing': dangling,
};

/** A log that is followed may be silent for long; of a key, the first bytes tell. */
const OTHERWISE = ['usage import: a pipe that nobody writes to', 'verify --key-file: /dev/zero'];

/** The path of a certificate is part of a URL, which no message repeats. */
const NAMED_OTHERWISE: Readonly<Record<string, string>> = {
  'the usual configuration': '/apikeys/config.yaml',
  sslrootcert: 'named by sslrootcert',
};

const CASES = Object.keys(WAYS).flatMap((way) =>
  Object.keys(FILES)
    .filter((file) => !OTHERWISE.includes(`${way}: ${file}`))
    .map((file) => [way, file] as const),
);

test.each(CASES)('%s on %s is refused in time, by its name', async (name, kind) => {
  const path = FILES[kind]?.() ?? '';
  const way = wayOf(name, path);
  const { exitCode, stdout, stderr, durationMs } = await runApikeys([...way.args, '--json'], way);
  expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 2, stdout: '' });
  const { error } = JSON.parse(stderr);
  expect(error.message).toContain(NAMED_OTHERWISE[name] ?? path);
  expect(durationMs).toBeLessThan(WAIT + MARGIN);
});

test('of a key file that never ends, only the beginning is read', async () => {
  const { exitCode, stderr } = await runApikeys(['verify', '--key-file', '/dev/zero', '--json'], {
    env: env(),
  });
  expect(exitCode).toBe(2);
  expect(JSON.parse(stderr).error.message).toMatch(/more than [\d,]+ bytes are no raw key/);
});

test('a pipe that brings it in time is read', async () => {
  const lines = [
    'list --count --database-url-file <(sleep 0.2; echo "$APIKEYS_DATABASE_URL")',
    'list --count --config <(sleep 0.2; echo "apikeys:"; sleep 0.2; echo "  tenant: default")',
    'verify -q --key-file <(sleep 0.2; echo "$SECRET")',
  ];
  for (const line of lines) {
    const ended = await execa('bash', ['-c', `"$NODE" "$PROGRAM" ${line}`], {
      env: {
        ...env(),
        NODE: process.execPath,
        PROGRAM,
        HOME: folder,
        SECRET: secret,
        APIKEYS_TIMEOUT: '10s',
      },
      reject: false,
      stdin: 'ignore',
    });
    expect({ line, exitCode: ended.exitCode, stderr: ended.stderr }).toEqual({
      line,
      exitCode: 0,
      stderr: '',
    });
  }
});

interface Interrupted {
  /** Null if it had not come as far as to heed the signal. */
  readonly exitCode: number | null;
  readonly took: number;
}

/** A signal that comes before the program heeds any ends it too; then it is tried again, later. */
async function interruptedLater(attempt: (after: number) => Promise<Interrupted>): Promise<Interrupted> {
  for (let after = 500; ; after *= 2) {
    const seen = await attempt(after);
    if (seen.exitCode !== null || after > 10_000) return seen;
  }
}

/** Resolves once somebody has opened the pipe for reading; gives its other end, which stays silent. */
async function opened(path: string): Promise<number> {
  for (;;) {
    try {
      return fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    } catch {
      await pause(10);
    }
  }
}

describe.runIf(process.platform === 'linux').each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends every wait', (signal, code) => {
  const waiting = Object.keys(WAYS).filter((name) => name !== 'sslrootcert');
  test.each(waiting)('%s on a silent pipe', async (name) => {
    const path = fifo();
    const way = wayOf(name, path);
    const program = await startApikeys(way.args, { env: { ...way.env, APIKEYS_TIMEOUT: '60s' } });
    const writer = await opened(path);
    const at = performance.now();
    program.kill(signal);
    const { exitCode, stdout, stderr } = await program.result;
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toContain('interrupted');
    expect(performance.now() - at).toBeLessThan(2_000);
    fs.closeSync(writer);
  });

  test.each([
    ['verify', 'nothing'],
    ['verify', 'a line a second'],
    ['usage import', 'nothing'],
    ['usage import', 'a line a second'],
    ['list --database-url-file /dev/stdin', 'nothing'],
  ])('%s with %s on stdin', async (command, input) => {
    const { exitCode, took } = await interruptedLater(async (after) => {
      // Open for both, so that there is a writer and never an end.
      const pipe = fs.openSync(fifo(), 'r+');
      const child = spawn(process.execPath, [PROGRAM, ...command.split(' ')], {
        stdio: [pipe, 'pipe', 'pipe'],
        env: { PATH: process.env.PATH ?? '', HOME: folder, ...env(), APIKEYS_TIMEOUT: '60s' },
      });
      const line = setInterval(() => input === 'nothing' || fs.writeSync(pipe, '{"key":"a"}\n'), 1_000);
      await pause(after);
      const at = performance.now();
      child.kill(signal);
      const ended = await new Promise<number | null>((resolve) => child.on('exit', resolve));
      clearInterval(line);
      fs.closeSync(pipe);
      return { exitCode: ended, took: performance.now() - at };
    });
    expect(exitCode).toBe(code);
    expect(took).toBeLessThan(2_000);
  });

  test.each(['usage import', 'verify'])('%s on a terminal', async (command) => {
    const { exitCode, took } = await interruptedLater(async (after) => {
      const terminal = spawnInTerminal(process.execPath, [PROGRAM, ...command.split(' ')], {
        env: { PATH: process.env.PATH ?? '', HOME: folder, TERM: 'xterm', ...env() },
      });
      const ended = new Promise<number | null>((resolve) =>
        terminal.onExit((exit) => resolve(exit.signal ? null : exit.exitCode)),
      );
      await pause(after);
      const at = performance.now();
      terminal.kill(signal);
      return { exitCode: await ended, took: performance.now() - at };
    });
    expect(exitCode).toBe(code);
    expect(took).toBeLessThan(2_000);
  });
});

test('NODE_DEBUG shows no byte of a raw key on stdin', async () => {
  const hex = Buffer.from(secret.slice(0, 12))
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$& ');
  const { exitCode, stderr } = await runApikeys(['verify'], {
    env: { ...env(), NODE_DEBUG: '*', APIKEYS_TIMEOUT: '10s' },
    input: secret,
  });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('NET');
  expect(stderr.includes(secret) || stderr.toLowerCase().includes(hex)).toBe(false);
});
