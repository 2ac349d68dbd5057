import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CreateJson, RotateJson, ShowJson } from '../../../src/representation/schemas/key-secrets.js';
import { type RuleOptions, startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { hashOf } from '../../integration/life/stored.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

/** The COMMIT that follows the change; those of the reads before it do not count. */
function commit(action: RuleOptions['action']): RuleOptions {
  let changed = false;
  return {
    direction: 'frontend',
    match: ({ type, text }) => {
      changed ||= text?.includes('audit_events') ?? false;
      return changed && type === 'Q' && text === 'COMMIT';
    },
    action,
  };
}

const cli = useCli();
let folder: string;
let proxy: WireProxy;
let serial = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-out-'));
  const { hostname, port } = new URL(cli.database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => proxy.reset());

const newPath = (): string => join(folder, `key-${++serial}`);
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The two commands that make a secret, each with a subject of its own, and whether it is stored. */
interface Maker {
  readonly args: readonly string[];
  /** The hash of the key's current secret; undefined: there is no key. */
  current(): Promise<string | undefined>;
}

const currentOf = async (where: string, value: string): Promise<string | undefined> => {
  const [row] = await cli.database.query<{ hash: string }>(
    `SELECT encode(secret.hash, 'hex') AS hash
       FROM apikeys.secrets AS secret JOIN apikeys.keys AS key ON key.id = secret.key_id
      WHERE ${where} = $1 AND secret.valid_until IS NULL`,
    [value],
  );
  return row?.hash;
};

const makers: [string, () => Promise<Maker>][] = [
  [
    'create',
    async () => {
      const owner = newOwner();
      return { args: ['create', 'ci', '--owner', owner], current: () => currentOf('key.owner_id', owner) };
    },
  ],
  [
    'rotate',
    async () => {
      const { id } = await cli.create();
      return { args: ['rotate', id, '--grace', '0'], current: () => currentOf('key.id', id) };
    },
  ],
];

describe.each(makers)('%s --out-file', (_name, make) => {
  test('writes the secret and a line end to a new file, and no secret to stdout', async () => {
    const { args, current } = await make();
    const path = newPath();
    const { stdout, stderr, exitCode } = await cli.apikeys([...args, '--out-file', path, '--json']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^rv_[0-9a-f]{64}\n$/);
    expect(stdout).not.toContain(text.trim());
    const document = JSON.parse(stdout) as CreateJson | RotateJson;
    expect(document).toMatchObject({ api_key: null, changed: 1, key_prefix: text.slice(0, 11) });
    expect(await current()).toBe(hashOf(text.trim()));
  });

  test.each(['-q', '-o tsv', '-o csv', '-o table'])('%s shows no secret either', async (form) => {
    const { args } = await make();
    const path = newPath();
    const { stdout, stderr, exitCode } = await cli.apikeys([...args, '--out-file', path, ...form.split(' ')]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toBe('');
    expect(stdout + stderr).not.toContain((await readFile(path, 'utf8')).trim());
  });

  test('only this user may read the file, whatever the umask', async () => {
    const { args } = await make();
    const path = newPath();
    const { exitCode } = await cli.shell(`umask 0; apikeys ${args.join(' ')} --out-file ${path} -q`);
    expect(exitCode).toBe(0);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a file that exists is not touched, and nothing is made', async () => {
    const { args, current } = await make();
    const before = await current();
    const path = newPath();
    await writeFile(path, 'mine');
    const result = await cli.apikeys([...args, '--out-file', path, '--json']);
    expect(result.exitCode).toBe(2);
    expect(errorOf(result)).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/exists/),
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
    expect(await current()).toBe(before);
  });

  test('a link to somewhere else is not followed', async () => {
    const { args, current } = await make();
    const before = await current();
    const [path, target] = [newPath(), newPath()];
    await symlink(target, path);
    expect((await cli.apikeys([...args, '--out-file', path])).exitCode).toBe(2);
    expect(await exists(target)).toBe(false);
    expect(await current()).toBe(before);
  });

  test.each([
    ['a folder that is missing', () => join(folder, 'missing', 'key')],
    ['a folder that is a file', () => join(process.execPath, 'key')],
    ['a folder in place of a file', () => folder],
    ['an empty name', () => ''],
  ])('%s is exit 2, and nothing is made', async (_what, path) => {
    const { args, current } = await make();
    const before = await current();
    const result = await cli.apikeys([...args, '--out-file', path(), '--json']);
    expect(result.exitCode).toBe(2);
    expect(errorOf(result).message).toMatch(/nothing was made/);
    expect(await current()).toBe(before);
  });

  test.runIf(process.getuid?.() !== 0)('a folder that cannot be written to is exit 2', async () => {
    const { args, current } = await make();
    const before = await current();
    expect((await cli.apikeys([...args, '--out-file', '/usr/key'])).exitCode).toBe(2);
    expect(await current()).toBe(before);
  });

  /** Runs it over the proxy, where `rule` disturbs the commit. */
  const disturbed = (args: readonly string[], path: string, rule: RuleOptions) => {
    const armed = proxy.arm(rule);
    const env = { APIKEYS_DATABASE_URL: proxy.url(cli.database.url), APIKEYS_TIMEOUT: '3s' };
    return { armed, result: cli.apikeys([...args, '--out-file', path, '--json'], { env }) };
  };

  test('the file is whole before the commit is sent', async () => {
    const { args, current } = await make();
    const before = await current();
    const path = newPath();
    const { armed, result } = disturbed(args, path, commit('hold-before'));
    // A program that fails sooner fails the test at once.
    await Promise.race([armed.fired, result.then(({ stderr }) => expect.unreachable(stderr))]);
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^rv_[0-9a-f]{64}\n$/);
    expect(await current()).toBe(before);
    armed.release();
    expect((await result).exitCode).toBe(0);
    expect(await current()).toBe(hashOf(text.trim()));
  });

  test('when the commit fails the file is gone, exit is not 0, and the error says that the key is dead', async () => {
    const { args, current } = await make();
    const before = await current();
    const path = newPath();
    const { result } = disturbed(args, path, commit('cut-before'));
    const ended = await result;
    expect(ended.exitCode).toBe(6);
    expect(errorOf(ended)).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringMatching(/the key that was shown is dead/),
    });
    expect(await exists(path)).toBe(false);
    expect(await current()).toBe(before);
  });

  test('when only the answer is lost the file stays, and exit is 0', async () => {
    const { args, current } = await make();
    const path = newPath();
    const { result } = disturbed(args, path, commit('cut-after'));
    expect((await result).exitCode).toBe(0);
    expect(await current()).toBe(hashOf((await readFile(path, 'utf8')).trim()));
  });

  test('when the outcome is unknown the file stays: its key may be live', async () => {
    const { args, current } = await make();
    const path = newPath();
    const { armed, result } = disturbed(args, path, commit('cut-after'));
    void armed.fired.then(() => proxy.refuse());
    const ended = await result;
    expect(ended.exitCode).toBe(8);
    expect(errorOf(ended)).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringMatching(/may or may not work/),
    });
    expect(await current()).toBe(hashOf((await readFile(path, 'utf8')).trim()));
  });
});

test('a key that a rule refuses leaves no file', async () => {
  const { id } = await cli.create();
  await cli.json(['revoke', id, '--yes']);
  const path = newPath();
  expect((await cli.apikeys(['rotate', id, '--out-file', path])).exitCode).toBe(4);
  expect(await exists(path)).toBe(false);
});

test('a relative path is in the working folder', async () => {
  const { id } = await cli.create();
  const home = await mkdtemp(join(folder, 'home-'));
  const { exitCode } = await cli.apikeys(['rotate', id, '--out-file', 'key.txt', '-q'], { home });
  expect({ exitCode, files: await readdir(home) }).toEqual({ exitCode: 0, files: ['key.txt'] });
  const { secrets } = await cli.json<ShowJson>(['show', id]);
  expect(secrets).toHaveLength(2);
});

test.each(['create', 'rotate'])(
  '%s --out-file - and an empty one are exit 2, and nothing is made',
  async (command) => {
    const { id } = await cli.create();
    const home = await mkdtemp(join(folder, 'home-'));
    const before = await cli.keyCount();
    const args = command === 'create' ? ['create', 'other', '--owner', newOwner()] : ['rotate', id];
    for (const file of ['-', '']) {
      const refused = await cli.apikeys([...args, '--out-file', file, '--json'], { home });
      expect(refused.exitCode).toBe(2);
      expect(errorOf(refused)).toMatchObject({
        code: 'INVALID_USAGE',
        hint: expect.stringContaining('stdout'),
      });
    }
    expect(await readdir(home)).toEqual([]);
    expect(await cli.keyCount()).toBe(before);
    expect((await cli.json<ShowJson>(['show', id])).secrets).toHaveLength(1);
  },
);
