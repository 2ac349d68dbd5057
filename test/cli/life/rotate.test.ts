import { expect, test } from 'vitest';
import type { UpdateJson } from '../../../src/representation/schemas/key.js';
import type { RotateJson, ShowJson } from '../../../src/representation/schemas/key-secrets.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

const HOUR = 3_600_000;
const cli = useCli();

const rotate = (key: string, ...more: string[]) => cli.json<RotateJson>(['rotate', key, ...more]);
const show = (key: string) => cli.json<ShowJson>(['show', key]);
/** Hours from a rotation to an older secret's end. */
const graceOf = async ({ id, previous }: RotateJson) => {
  const { secrets } = await show(id);
  return (Date.parse(previous[0]?.valid_until ?? '') - Date.parse(secrets[0]?.created_at ?? '')) / HOUR;
};

test('rotate prints the new secret once, and the key with its older secrets', async () => {
  const key = await cli.create('ci', ['--scope', 'read']);
  const rotated = await rotate(key.key_prefix);
  expect(rotated).toMatchObject({
    id: key.id,
    scopes: ['read'],
    changed: 1,
    message: "Store this key securely. It won't be shown again.",
    api_key: expect.stringMatching(/^rv_[0-9a-f]{64}$/),
    previous: [{ key_prefix: key.key_prefix, valid_until: expect.any(String) }],
  });
  expect(rotated.api_key?.startsWith(rotated.key_prefix)).toBe(true);
  expect(await graceOf(rotated)).toBe(24);
  expect((await show(key.key_prefix)).secrets).toMatchObject([
    { version: 2, state: 'current', key_prefix: rotated.key_prefix, valid_until: null },
    { version: 1, state: 'grace', key_prefix: key.key_prefix },
  ]);
});

test('--grace, its setting and --expires are heard', async () => {
  const { id } = await cli.create();
  const rotated = await rotate(id, '--grace', '3h', '--expires', 'never');
  expect({ hours: await graceOf(rotated), expires: rotated.expires_at }).toEqual({ hours: 3, expires: null });
  const env = { APIKEYS_ROTATION_GRACE: '30m' };
  const again = await cli.json<RotateJson>(['rotate', id], { env });
  expect({ hours: await graceOf(again), expires: again.expires_at }).toEqual({ hours: 0.5, expires: null });
});

test('a fourth live secret is exit 4 with --grace 0 as the hint, which then works', async () => {
  const { id } = await cli.create();
  await rotate(id);
  await rotate(id);
  const refused = await cli.apikeys(['rotate', id, '--json']);
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused)).toMatchObject({
    code: 'TOO_MANY_SECRETS',
    hint: expect.stringContaining('--grace 0'),
  });
  expect((await rotate(id, '--grace', '0')).previous).toHaveLength(3);
  expect((await show(id)).secrets.map(({ state }) => state)).toEqual([
    'current',
    'retired',
    'retired',
    'retired',
  ]);
});

test('update --expires, then rotate, gives the updated lifetime', async () => {
  const { id } = await cli.create();
  await cli.json<UpdateJson>(['update', id, '--expires', '7d']);
  const { expires_at } = await rotate(id);
  const [current] = (await show(id)).secrets;
  expect((Date.parse(expires_at ?? '') - Date.parse(current?.created_at ?? '')) / HOUR).toBe(7 * 24);
});

test('-q prints the secret alone, which is not the one of before', async () => {
  const key = await cli.create();
  const { stdout, stderr, exitCode } = await cli.apikeys(['rotate', key.id, '-q']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toMatch(/^rv_[0-9a-f]{64}\n$/);
  expect(stdout.trim()).not.toBe(key.api_key);
});

test('--end-grace prints no secret, ends the older ones, and the second time nothing', async () => {
  const key = await cli.create();
  const rotated = await rotate(key.id);
  const ended = await rotate(key.id, '--end-grace');
  expect(ended).toMatchObject({
    key_prefix: rotated.key_prefix,
    api_key: null,
    changed: 1,
    previous: [{ key_prefix: key.key_prefix }],
  });
  expect(Date.parse(ended.previous[0]?.valid_until ?? '')).toBeLessThan(
    Date.parse(rotated.previous[0]?.valid_until ?? ''),
  );
  expect(await rotate(key.id, '--end-grace')).toMatchObject({ api_key: null, changed: 0, previous: [] });
  const plain = await cli.apikeys(['rotate', key.id, '--end-grace', '-q']);
  expect(plain).toMatchObject({ exitCode: 0, stdout: `${key.id}\n` });
});

test.each([
  ['--grace', '1h'],
  ['--grace', '0'],
  ['--expires', '7d'],
  ['--out-file', 'key.txt'],
  ['--idempotency-key', 'run-1'],
])('--end-grace and %s exclude each other', async (option, value) => {
  const { id } = await cli.create();
  const before = await show(id);
  const refused = await cli.apikeys(['rotate', id, '--end-grace', option, value, '--json']);
  expect(refused.exitCode).toBe(2);
  expect(errorOf(refused)).toMatchObject({
    code: 'INVALID_USAGE',
    message: expect.stringContaining(option),
  });
  expect(await show(id)).toEqual(before);
});

test('an expired key is rotated within the limit: exit 4 LIMIT_REACHED without room', async () => {
  const owner = newOwner();
  const { id } = await cli.create('ci', ['--owner', owner]);
  await cli.database.query(`UPDATE apikeys.keys SET expires_at = now() - interval '1 h' WHERE id = $1`, [id]);
  await cli.create('other', ['--owner', owner]);
  const full = await cli.apikeys(['rotate', id, '--json'], { env: { APIKEYS_MAX_PER_USER: '1' } });
  expect(full.exitCode).toBe(4);
  expect(errorOf(full).code).toBe('LIMIT_REACHED');
  expect(await rotate(id)).toMatchObject({ id, status: 'active' });
});

test('after a revoke a rotation is exit 4 KEY_REVOKED, and prints no secret', async () => {
  const { id } = await cli.create();
  await cli.json(['revoke', id, '--yes']);
  const refused = await cli.apikeys(['rotate', id, '--json']);
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused).code).toBe('KEY_REVOKED');
});

test('a frozen key is rotated and stays frozen, which is said; --unfreeze lifts it', async () => {
  const { id } = await cli.create();
  await cli.json(['freeze', id]);
  const { exitCode, stderr } = await cli.apikeys(['rotate', id, '-o', 'table']);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('stays frozen'),
  });
  expect(await rotate(id, '--unfreeze')).toMatchObject({ status: 'active', is_frozen: false, changed: 1 });
  expect((await show(id)).secrets.map(({ state }) => state)).toEqual(['current', 'retired', 'retired']);
});

test('--idempotency-key: the repetition has no secret, and with -q or --out-file is exit 4', async () => {
  const { id } = await cli.create();
  const args = ['rotate', id, '--idempotency-key', 'run-7'];
  const first = await cli.json<RotateJson>(args);
  const again = await cli.json<RotateJson>(args);
  expect(again).toMatchObject({ id, key_prefix: first.key_prefix, api_key: null, changed: 0, previous: [] });
  expect(again.message).toMatch(/earlier run/);
  for (const form of [['-q'], ['--out-file', 'key']]) {
    const failed = await cli.apikeys([...args, ...form, '--json']);
    expect(failed.exitCode).toBe(4);
    expect(errorOf(failed).code).toBe('SECRET_NOT_AVAILABLE');
  }
  const conflict = await cli.apikeys([...args, '--grace', '3h', '--json']);
  expect(conflict.exitCode).toBe(4);
  expect(errorOf(conflict)).toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
    hint: expect.stringContaining('rotation'),
  });
});

test('with key management switched off rotate is exit 4, and --end-grace goes on', async () => {
  const { id } = await cli.create();
  await rotate(id);
  const env = { APIKEYS_ENABLE_API_KEY_MANAGEMENT: 'false' };
  const refused = await cli.apikeys(['rotate', id, '--json'], { env });
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused).code).toBe('FEATURE_DISABLED');
  expect(await cli.json(['rotate', id, '--end-grace'], { env })).toMatchObject({ changed: 1 });
});

test.each([
  ['rotate', []],
  ['rotate', ['--end-grace']],
  ['update', ['--name', 'other']],
  ['scopes', ['--add', 'write']],
])('%s %j has no --dry-run: exit 2 and nothing changed', async (command, flags) => {
  const { id } = await cli.create();
  const before = await show(id);
  const refused = await cli.apikeys([command, id, ...flags, '--dry-run', '--json']);
  expect(refused.exitCode).toBe(2);
  expect(errorOf(refused)).toMatchObject({
    code: 'INVALID_USAGE',
    message: expect.stringContaining('dry-run'),
  });
  expect(await show(id)).toEqual(before);
});

test('a secret that nobody could read leaves the old one current', async () => {
  const { id } = await cli.create();
  const before = await show(id);
  const { exitCode, stderr } = await cli.shell(`apikeys rotate ${id} --grace 0 -q > /dev/full`);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/no space is left/),
  });
  expect(await show(id)).toEqual(before);
});
