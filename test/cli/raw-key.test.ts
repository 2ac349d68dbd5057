import { expect, test } from 'vitest';
import type { AuditJson } from '../../src/representation/schemas/audit.js';
import type { ShowJson } from '../../src/representation/schemas/key-secrets.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();

const utf16 = (text: string, bigEndian: boolean): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['show', ['show', '-']],
  ['usage', ['usage', '-']],
  ['usage record', ['usage', 'record', '-', '--requests', '1']],
  ['audit', ['audit', '-']],
  ['scopes', ['scopes', '-', '--add', 'read']],
  ['update', ['update', '-', '--description', 'x']],
  ['freeze', ['freeze', '-']],
  ['unfreeze', ['unfreeze', '-']],
  ['rotate', ['rotate', '-']],
  ['rotate --end-grace', ['rotate', '-', '--end-grace']],
  ['revoke', ['revoke', '-', '--yes']],
  ['verify', ['verify', '-']],
];

test.each(COMMANDS)('%s takes a raw key on stdin, with whatever is around it', async (name, args) => {
  const { id, api_key } = await cli.create();
  const { exitCode, stdout } = await cli.apikeys([...args, '--json'], {
    input: `03:00 INFO "Authorization: Bearer ${api_key}" 10.0.0.1\n`,
  });
  expect({ name, exitCode }).toEqual({ name, exitCode: 0 });
  expect(stdout).toContain(id);
});

test.each([
  ['a byte order mark', (raw: string) => Buffer.from(`\ufeff${raw}\r\n`)],
  ['UTF-16, little-endian', (raw: string) => utf16(`${raw}\r\n`, false)],
  ['UTF-16, big-endian', (raw: string) => utf16(raw, true)],
  ['UTF-16 without a mark', (raw: string) => Buffer.from(raw, 'utf16le')],
])('verify understands %s', async (_how, encode) => {
  const { api_key } = await cli.create();
  const { exitCode } = await cli.apikeys(['verify'], { input: encode(api_key ?? '') });
  expect(exitCode).toBe(0);
});

test('a key that is not whole is said not to be whole, also with the database down', async () => {
  const raw = (await cli.create()).api_key ?? '';
  const mistyped = `${raw.slice(0, 40)}${raw[40] === '0' ? '1' : '0'}${raw.slice(41)}`;
  for (const [input, words] of [
    [raw.slice(0, 30), /30 of 67 characters/],
    [mistyped, /mistyped/],
  ] as const) {
    const verified = await cli.apikeys(['verify', '-o', 'table'], { input });
    expect(verified).toMatchObject({ exitCode: 5, stdout: expect.stringMatching(words) });
    const shown = await cli.apikeys(['show', '-', '--json'], { input });
    expect(shown.exitCode).toBe(3);
    expect(errorOf(shown)).toMatchObject({
      message: expect.stringMatching(words),
      hint: expect.stringContaining(raw.slice(0, 11)),
    });
    const down = { APIKEYS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/app' };
    const unknown = await cli.apikeys(['verify'], { input, env: down });
    expect(unknown).toMatchObject({ exitCode: 6, stderr: expect.stringMatching(words) });
    expect(`${verified.stdout}${verified.stderr}${shown.stderr}${unknown.stderr}`).not.toContain(
      raw.slice(12, 28),
    );
  }
});

test('two keys, none, and - given twice are exit 2, and nothing is changed', async () => {
  const [one, two] = [await cli.create(), await cli.create()];
  for (const [args, input] of [
    [['freeze', '-'], `${one.api_key}\n${two.api_key}\n`],
    [['freeze', '-'], 'good morning'],
    [['freeze', '-', '-'], one.api_key ?? ''],
    [['verify'], `${one.api_key}\n${two.api_key}\n`],
  ] as const) {
    const { exitCode, stderr } = await cli.apikeys(args, { input });
    expect({ args, exitCode }).toEqual({ args, exitCode: 2 });
    expect(stderr).not.toMatch(/rv_[0-9a-f]{20}/);
  }
  expect(await cli.json(['show', one.id])).toMatchObject({ status: 'active' });
});

test('show of a name shows its live key, and says that others have ended', async () => {
  const owner = newOwner();
  const name = `again-${owner}`;
  const old = await cli.create(name, ['--owner', owner]);
  await cli.json(['revoke', old.id, '--yes']);
  const { id } = await cli.create(name, ['--owner', owner]);
  expect((await cli.json<ShowJson>(['show', name])).id).toBe(id);
  const { stderr } = await cli.apikeys(['show', name, '-o', 'table']);
  expect(stderr).toMatch(/1 other, ended key of this name/);
});

test('a key that was deleted is found in the trail by prefix, piece, name, id and raw key', async () => {
  const owner = newOwner();
  const name = `gone "${owner}"`;
  const { id, key_prefix, api_key } = await cli.create(name, ['--owner', owner]);
  const { key_prefix: newer } = await cli.json<ShowJson>(['rotate', id]);
  await cli.json(['revoke', id, '--yes']);
  await cli.json(['cleanup', '--older-than', '0']);
  for (const key of [key_prefix, newer, key_prefix.slice(0, 10), name, id, '-']) {
    const { events } = await cli.json<AuditJson>(['audit', key], { input: api_key ?? '' });
    expect(new Set(events.map(({ key_id }) => key_id)), key).toEqual(new Set([id]));
  }
  const { stdout } = await cli.apikeys(['audit', '--owner', owner, '-o', 'table']);
  expect(stdout).toContain(newer);
  const other = await cli.apikeys(['audit', key_prefix, '--tenant', 'other', '--json']);
  expect(other.exitCode).toBe(3);
});

test('deleted keys of one name are told apart', async () => {
  const name = `twice-${newOwner()}`;
  const made = [await cli.create(name), await cli.create(name)];
  for (const { id } of made) await cli.json(['revoke', id, '--yes']);
  await cli.json(['cleanup', '--older-than', '0']);
  const ambiguous = await cli.apikeys(['audit', name, '--json']);
  expect(ambiguous.exitCode).toBe(4);
  for (const { key_prefix } of made) expect(errorOf(ambiguous).message).toContain(key_prefix);
  const narrowed = ['audit', name, '--owner', made[0]?.owner_id ?? ''];
  const { events } = await cli.json<AuditJson>(narrowed);
  expect(new Set(events.map(({ key_id }) => key_id))).toEqual(new Set([made[0]?.id]));
});
