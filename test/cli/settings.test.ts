import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CreateJson } from '../../src/representation/schemas/key-secrets.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const DAY = 86_400_000;
const cli = useCli();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const yaml = async (text: string, mode = 0o600): Promise<string> => {
  const path = join(folder, `${++files}.yaml`);
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
};

const create = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<CreateJson> =>
  cli.json<CreateJson>(['create', 'ci', '--owner', newOwner(), ...args], { env });

const lifetime = ({ created_at, expires_at }: CreateJson): number | null =>
  expires_at === null ? null : Date.parse(expires_at) - Date.parse(created_at);

/** What a created key tells of a setting, for each place that can set it: flag, environment, YAML, default. */
const SETTINGS: readonly {
  readonly name: string;
  readonly flag?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly yaml: string;
  readonly seen: (key: CreateJson) => unknown;
  readonly expected: {
    readonly flag?: unknown;
    readonly env: unknown;
    readonly yaml: unknown;
    readonly fallback: unknown;
  };
}[] = [
  {
    name: 'the tenant',
    flag: ['--tenant', 'of-flag'],
    env: { APIKEYS_TENANT: 'of-env' },
    yaml: 'tenant: of-yaml',
    seen: ({ tenant_id }) => tenant_id,
    expected: { flag: 'of-flag', env: 'of-env', yaml: 'of-yaml', fallback: 'default' },
  },
  {
    name: 'the actor',
    flag: ['--actor', 'of-flag'],
    env: { APIKEYS_ACTOR: 'of-env' },
    yaml: 'actor: of-yaml',
    seen: ({ created_by }) => created_by,
    expected: { flag: 'of-flag', env: 'of-env', yaml: 'of-yaml', fallback: expect.stringMatching(/^.+@.+$/) },
  },
  {
    name: 'the lifetime',
    flag: ['--expires', '1d'],
    env: { APIKEYS_DEFAULT_EXPIRY: '2d' },
    yaml: 'default_expiry: 3d',
    seen: lifetime,
    expected: { flag: DAY, env: 2 * DAY, yaml: 3 * DAY, fallback: 90 * DAY },
  },
  {
    name: 'the prefix',
    env: { APIKEYS_PREFIX: 'env_' },
    yaml: 'prefix: yaml_',
    seen: ({ api_key }) => api_key?.replace(/[0-9a-f]{64}$/, ''),
    expected: { env: 'env_', yaml: 'yaml_', fallback: 'rv_' },
  },
  {
    name: 'the length',
    env: { APIKEYS_LENGTH: '40' },
    yaml: 'length: 24',
    seen: ({ api_key }) => ((api_key?.length ?? 0) - 'rv_'.length) / 2,
    expected: { env: 40, yaml: 24, fallback: 32 },
  },
];

describe.each(SETTINGS)('$name', ({ flag, env, yaml: line, seen, expected }) => {
  test.runIf(flag !== undefined)('of the flag wins over everything', async () => {
    const config = await yaml(`apikeys:\n  ${line}\n`);
    expect(seen(await create([...(flag ?? []), '--config', config], env))).toEqual(expected.flag);
  });
  test('of the environment wins over the file', async () => {
    const config = await yaml(`apikeys:\n  ${line}\n`);
    expect(seen(await create(['--config', config], env))).toEqual(expected.env);
  });
  test('of the file wins over the default, with dashes or underscores', async () => {
    expect(seen(await create(['--config', await yaml(`apikeys:\n  ${line}\n`)], {}))).toEqual(expected.yaml);
    const dashed = await yaml(`apikeys:\n  ${line.replaceAll('_', '-').replace('yaml-', 'yaml_')}\n`);
    expect(seen(await create([], { APIKEYS_CONFIG: dashed }))).toEqual(expected.yaml);
  });
  test('has a default', async () => {
    expect(seen(await create([], {}))).toEqual(expected.fallback);
  });
});

test('the limit comes from the environment, then the file, then is 10', async () => {
  const config = await yaml('apikeys:\n  max-per-user: 2\n');
  const fill = async (env: Readonly<Record<string, string>>): Promise<number> => {
    const owner = newOwner();
    for (let made = 0; ; made++) {
      const { exitCode } = await cli.apikeys(['create', 'ci', '--owner', owner], { env });
      if (exitCode !== 0 || made > 10) return exitCode === 4 ? made : -1;
    }
  };
  expect(await fill({ APIKEYS_CONFIG: config, APIKEYS_MAX_PER_USER: '1' })).toBe(1);
  expect(await fill({ APIKEYS_CONFIG: config })).toBe(2);
  expect(await fill({})).toBe(10);
});

test('0 and never are a default lifetime without end', async () => {
  for (const value of ['0', 'never']) {
    expect((await create([], { APIKEYS_DEFAULT_EXPIRY: value })).expires_at).toBeNull();
  }
});

test('a variable that is set and empty is as good as none', async () => {
  const key = await create([], { APIKEYS_TENANT: '', APIKEYS_PREFIX: '', APIKEYS_CONFIG: '' });
  expect(key).toMatchObject({ tenant_id: 'default', api_key: expect.stringMatching(/^rv_/) });
});

describe('the file', () => {
  test.each([
    ['in XDG_CONFIG_HOME', 'apikeys', true],
    ['in ~/.config', '.config/apikeys', false],
  ])('%s is found by itself', async (_where, below, xdg) => {
    const home = await mkdtemp(join(folder, 'home-'));
    await mkdir(join(home, below), { recursive: true });
    await writeFile(join(home, below, 'config.yaml'), 'apikeys:\n  tenant: found\n');
    const env = xdg ? { XDG_CONFIG_HOME: home } : undefined;
    const key = await cli.json(['create', 'ci', '--owner', newOwner()], { home, ...(env && { env }) });
    expect(key).toMatchObject({ tenant_id: 'found' });
  });

  test('is never read from the current folder, nor is .env', async () => {
    const home = await mkdtemp(join(folder, 'here-'));
    for (const name of ['config.yaml', 'apikeys.yaml', '.apikeys.yaml', 'apikeys/config.yaml']) {
      await mkdir(join(home, 'apikeys'), { recursive: true });
      await writeFile(join(home, name), 'apikeys:\n  tenant: planted\n');
    }
    await writeFile(join(home, '.env'), 'APIKEYS_TENANT=planted\n');
    const key = await cli.json(['create', 'ci', '--owner', newOwner()], { home });
    expect(key).toMatchObject({ tenant_id: 'default' });
  });

  test.each([
    '0123',
    '12345678901234567890',
    '1e3',
    '0x1F',
    '1.10',
    'True',
    '.nan',
    '~',
    'null',
    '2026-01-01',
  ])('keeps the text of %s: it is no other tenant', async (tenant) => {
    const config = await yaml(`apikeys:\n  tenant: ${tenant}\n`);
    const { config: inForce } = await cli.json<{ config: { name: string; value: string }[] }>([
      'doctor',
      '--config',
      config,
    ]);
    expect(inForce).toContainEqual({ name: 'APIKEYS_TENANT', value: tenant, source: config });
  });

  test.each(['', '# nothing\n', 'apikeys:\n', '---\n'])('may be empty: %j', async (text) => {
    expect(await create(['--config', await yaml(text)], {})).toMatchObject({ tenant_id: 'default' });
  });

  test('that was named and does not exist is an error', async () => {
    const result = await cli.apikeys(['list', '--config', join(folder, 'absent.yaml'), '--json']);
    expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({
      exitCode: 2,
      code: 'INVALID_CONFIG',
    });
  });

  test.each([
    ['an unknown setting', 'apikeys:\n  tenent: acme\n', /"tenent"/],
    ['a value that is none', 'apikeys:\n  length: 7\n', /length.*whole number from 24 to 64/],
    ['a list for a value', 'apikeys:\n  tenant: [a, b]\n', /no single value/],
    ['a list for everything', '- a\n- b\n', /mapping/],
    ['a setting at the top', 'tenant: acme\n', /"tenant" beside "apikeys:".*belongs under it/],
    [
      'a setting after the section',
      'apikeys:\n  actor: a\nenable-api-key-management: false\n',
      /belongs under it/,
    ],
    ['a misspelt section', 'apikey:\n  tenant: acme\n', /"apikey".*did you mean apikeys/],
    ['another section', 'apikeys:\n  actor: a\nother:\n  tenant: acme\n', /"other" beside "apikeys:"/],
    ['a misspelt setting', 'apikeys:\n  tennant: acme\n', /did you mean tenant/],
    ['nothing for a value', 'apikeys:\n  tenant:\n', /no value for "tenant"/],
    [
      'both spellings of the roll-out flag',
      'apikeys:\n  enable-api-key-management: false\n  enable_api_key_management: true\n',
      /"enable_api_key_management" twice/,
    ],
  ])('with %s is refused, and the error names it', async (_what, text, message) => {
    const config = await yaml(text);
    const result = await cli.apikeys(['list', '--config', config, '--json']);
    expect(errorOf(result)).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(message),
    });
    expect(errorOf(result).message).toContain(config);
    expect(result.exitCode).toBe(2);
  });

  test.each([
    ['that is broken', 'apikeys:\n  database_url: "postgres://u:hunter2@h/d\n  : [\n'],
    ['with a password at a wrong place', 'apikeys:\n  tenant: {password: hunter2}\n'],
    ['with a database URL that is none', 'apikeys:\n  database_url: mysql://u:hunter2@h/d\n'],
  ])('%s is never printed', async (_what, text) => {
    const config = await yaml(text);
    const { exitCode, stdout, stderr } = await cli.apikeys(['list', '--config', config, '--debug'], {
      env: { APIKEYS_DATABASE_URL: '' },
    });
    expect(exitCode).toBe(2);
    expect(`${stdout}${stderr}`).not.toContain('hunter2');
  });

  test.each([
    ['that others may read', 0o644, true],
    ['of one’s own', 0o600, false],
  ])('%s with a password in it is warned about: mode %o, %s', async (_whose, mode, warned) => {
    const config = await yaml(`apikeys:\n  database_url: ${cli.database.url}\n`, mode);
    const env = { APIKEYS_DATABASE_URL: '' };
    const plain = await cli.apikeys(['list', '--config', config], { env });
    expect(plain.exitCode).toBe(0);
    expect(/^warning: .*chmod 600/.test(plain.stderr)).toBe(warned);
    expect(plain.stderr).not.toContain(new URL(cli.database.url).password);
    const json = await cli.apikeys(['list', '--config', config, '--json'], { env });
    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

test.each([
  ['APIKEYS_LENGTH', '23'],
  ['APIKEYS_PREFIX', 'no underscore'],
  ['APIKEYS_DEFAULT_EXPIRY', '3 months'],
  ['APIKEYS_MAX_PER_USER', '-1'],
  ['APIKEYS_TENANT', 'a\u001bb'],
  ['APIKEYS_ENABLE_API_KEY_MANAGEMENT', 'maybe'],
  ['APIKEYS_TIMEOUT', '10'],
])('%s=%s is refused, and the error names the variable', async (variable, value) => {
  const result = await cli.apikeys(['list', '--json'], { env: { [variable]: value } });
  expect(result.exitCode).toBe(2);
  expect(errorOf(result)).toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(variable),
  });
});
