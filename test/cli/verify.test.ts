import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifySchema } from '../../src/representation/schemas/verification.js';
import { useCli } from './apikeys.js';

const cli = useCli();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-verify-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function verify(raw: string, ...args: string[]) {
  const { exitCode, stdout, stderr } = await cli.apikeys(['verify', '--json', ...args], { input: raw });
  return { exitCode, stderr, document: verifySchema.parse(JSON.parse(stdout)) };
}

describe('apikeys verify', () => {
  test('says yes with exit 0 to a key that is valid, from stdin, with - and from a file', async () => {
    const key = await cli.create('valid', ['--scope', 'orders:*']);
    const raw = key.api_key ?? '';
    const answer = { exitCode: 0, stderr: '', document: { valid: true, code: 'VALID', key: { id: key.id } } };
    expect(await verify(`${raw}\n`)).toMatchObject(answer);
    expect(await verify(raw, '-', '--scope', 'orders:write')).toMatchObject(answer);
    const file = join(folder, 'key');
    await writeFile(file, `${raw}\r\n`);
    expect(await verify('', '--key-file', file)).toMatchObject(answer);
  });

  test('says no with exit 5, with the reason', async () => {
    const key = await cli.create('refused', ['--scope', 'read']);
    const raw = key.api_key ?? '';
    expect(await verify(raw, '--scope', 'write')).toMatchObject({
      exitCode: 5,
      document: { valid: false, code: 'INSUFFICIENT_SCOPE', missing_scopes: ['write'] },
    });
    expect(await verify(`${raw}x`)).toMatchObject({
      exitCode: 5,
      document: { code: 'NOT_FOUND', key: null },
    });
    expect(await verify('')).toMatchObject({ exitCode: 5, document: { code: 'MALFORMED', key: null } });
    expect(await verify(raw, '--tenant', 'other')).toMatchObject({
      exitCode: 5,
      document: { code: 'NOT_FOUND' },
    });
    await cli.apikeys(['freeze', key.id]);
    expect(await verify(raw)).toMatchObject({
      exitCode: 5,
      document: { code: 'FROZEN', key: { id: key.id } },
    });
    await cli.apikeys(['revoke', key.id, '--yes']);
    expect(await verify(raw)).toMatchObject({ exitCode: 5, document: { code: 'REVOKED' } });
  });

  test('an older secret is valid during the grace, and retired after it', async () => {
    const key = await cli.create('rotated');
    const raw = key.api_key ?? '';
    await cli.apikeys(['rotate', key.id]);
    expect((await verify(raw)).document.code).toBe('VALID');
    await cli.apikeys(['rotate', key.id, '--end-grace']);
    expect((await verify(raw)).document.code).toBe('RETIRED');
  });

  test('explains each check, and where a checksum shows a mistyped key', async () => {
    const key = await cli.create('explained');
    const raw = key.api_key ?? '';
    const good = await verify(raw, '--explain');
    expect(good.document.checks?.every(({ passed }) => passed !== false)).toBe(true);
    const mistyped = raw.slice(0, -1) + (raw.endsWith('0') ? '1' : '0');
    const bad = await verify(mistyped, '--explain');
    expect(bad.document.checks).toContainEqual(expect.objectContaining({ check: 'checksum', passed: false }));
  });

  test('does not count as usage', async () => {
    const key = await cli.create('uncounted');
    await verify(key.api_key ?? '');
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: 0, last_used_at: null });
  });

  test('takes no raw key as an argument, and repeats none', async () => {
    const key = await cli.create('typed');
    const { exitCode, stderr, stdout } = await cli.apikeys(['verify', key.api_key ?? '']);
    expect(exitCode).toBe(2);
    expect(stderr + stdout).not.toContain(key.api_key);
  });

  test('does not wait for ever for a stdin that stays open and silent', async () => {
    const { exitCode, stderr } = await cli.shell('sleep 8 | APIKEYS_TIMEOUT=1s apikeys verify');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no raw key came on stdin');
  });
});
