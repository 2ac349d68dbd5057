import { execa } from 'execa';
import { afterAll, beforeAll } from 'vitest';
import type { CreateJson } from '../../src/representation/schemas/key-secrets.js';
import { type TestDatabase, type TestDatabaseOptions, testDatabase } from '../helpers/database.js';
import { PROGRAM, type ProgramResult, type RunOptions, runApikeys } from '../helpers/program.js';
import { type InProcessOptions, runInProcess } from '../helpers/run-in-process.js';

/** The command line against a database of the test file's own. Usable inside tests and hooks alone. */
export interface Cli {
  readonly database: TestDatabase;
  /** Runs a command line in this process, without a terminal. */
  apikeys(args: readonly string[], options?: InProcessOptions): Promise<ProgramResult>;
  /** Runs the built program: for what only a process shows. */
  program(args: readonly string[], options?: RunOptions): Promise<ProgramResult>;
  /** Runs it with `--json`, holds it to exit 0 and an empty stderr, and reads its stdout. */
  json<T = unknown>(args: readonly string[], options?: RunOptions): Promise<T>;
  /** Makes a key for an owner of its own, unless `more` names one. */
  create(name?: string, more?: readonly string[]): Promise<CreateJson>;
  /** Runs a line of sh in which `apikeys` is the built program. */
  shell(line: string): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  /** How many keys the database holds. */
  keyCount(): Promise<number>;
}

let owners = 0;
export const newOwner = (): string => `owner-${++owners}`;

/**
 * Declares the database of a test file.
 *
 * @example
 * const cli = useCli();
 * test('…', async () => {
 *   const { exitCode } = await cli.apikeys(['list']);
 * });
 */
export function useCli(options: TestDatabaseOptions = {}): Cli {
  let opened: TestDatabase | undefined;
  beforeAll(async () => {
    opened = await testDatabase(options);
  });
  afterAll(() => opened?.drop());
  const database = (): TestDatabase => {
    if (opened === undefined) throw new Error('the database is open only while tests run');
    return opened;
  };
  const connected = <Options extends RunOptions>(more?: Options) => ({
    ...more,
    env: { APIKEYS_DATABASE_URL: database().url, ...more?.env },
  });
  const cli: Cli = {
    get database() {
      return database();
    },
    apikeys: (args, more) => runInProcess(args, connected(more)),
    program: (args, more) => runApikeys(args, connected(more)),
    async json<T>(args: readonly string[], more?: RunOptions) {
      const { exitCode, stdout, stderr } = await cli.apikeys([...args, '--json'], more);
      if (exitCode !== 0 || stderr !== '') throw new Error(`exit ${exitCode}, stderr: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    create: (name = 'ci', more = []) =>
      cli.json<CreateJson>([
        'create',
        name,
        ...(more.includes('--owner') ? [] : ['--owner', newOwner()]),
        ...more,
      ]),
    async shell(line) {
      const script = `apikeys() { "$NODE" "$PROGRAM" "$@"; }\n${line}`;
      const ended = await execa('sh', ['-c', script], {
        env: {
          PATH: process.env.PATH ?? '',
          HOME: '/nonexistent',
          NODE: process.execPath,
          PROGRAM,
          APIKEYS_DATABASE_URL: database().url,
        },
        extendEnv: false,
        stdin: 'ignore',
        reject: false,
        timeout: 60_000,
        stripFinalNewline: false,
      });
      return { exitCode: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
    },
    async keyCount() {
      const [row] = await database().query<{ count: number }>('SELECT count(*)::int FROM apikeys.keys');
      return row?.count ?? -1;
    },
  };
  return cli;
}

/** The one JSON error object that a failed run with `--json` leaves on stderr; stdout must be empty. */
export function errorOf({ stdout, stderr }: { stdout: string; stderr: string }): {
  code: string;
  message: string;
  hint: string | null;
} {
  if (stdout !== '') throw new Error(`stdout is not empty: ${stdout}`);
  return JSON.parse(stderr).error;
}
