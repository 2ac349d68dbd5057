import { describe, expect, test } from 'vitest';
import type { ScopesJson, UpdateJson } from '../../../src/representation/schemas/key.js';
import type { ShowJson } from '../../../src/representation/schemas/key-secrets.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

const cli = useCli();

describe('scopes', () => {
  const scopes = (...args: string[]) => cli.json<ScopesJson>(['scopes', ...args]);

  test('without an option it shows them', async () => {
    const { id } = await cli.create('ci', ['--scope', 'write,read']);
    expect(await scopes(id)).toMatchObject({ id, scopes: ['read', 'write'], changed: 0, has: null });
    expect((await cli.apikeys(['scopes', id])).stdout).toBe('read\nwrite\n');
    expect((await cli.json<ShowJson>(['show', id])).events).toHaveLength(1);
  });

  test('--set, --add and --remove change them, and a repetition does not', async () => {
    const { id } = await cli.create('ci', ['--scope', 'read']);
    const added = ['--add', 'a', '--add', 'b,c', '--remove', 'read'];
    expect(await scopes(id, ...added)).toMatchObject({ scopes: ['a', 'b', 'c'], changed: 1 });
    expect(await scopes(id, ...added)).toMatchObject({ scopes: ['a', 'b', 'c'], changed: 0 });
    expect(await scopes(id, '--set', 'x', '--set', 'y')).toMatchObject({ scopes: ['x', 'y'], changed: 1 });
    expect(await scopes(id, '--set', 'y,x')).toMatchObject({ scopes: ['x', 'y'], changed: 0 });
    const { events } = await cli.json<ShowJson>(['show', id]);
    expect(events.map(({ action, details }) => [action, details.scopes])).toEqual([
      ['key.scopes_changed', { before: ['a', 'b', 'c'], after: ['x', 'y'] }],
      ['key.scopes_changed', { before: ['read'], after: ['a', 'b', 'c'] }],
      ['key.created', ['read']],
    ]);
  });

  test.each([
    ['orders:*', ['orders:eu:write'], 0, []],
    ['orders:*', ['orders:read', 'orders:write'], 0, []],
    ['orders:*', ['orders:read', 'users:read'], 5, ['users:read']],
    ['orders:*', ['orders'], 5, ['orders']],
    ['*', ['anything:at:all', '*'], 0, []],
    ['read', ['write'], 5, ['write']],
  ])(
    'a key with %s asked --has %j is exit %i, with JSON on stdout',
    async (granted, wanted, exitCode, missing) => {
      const { id } = await cli.create('ci', ['--scope', granted]);
      const flags = wanted.flatMap((one) => ['--has', one]);
      const result = await cli.apikeys(['scopes', id, ...flags, '--json']);
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode, stderr: '' });
      expect(JSON.parse(result.stdout)).toMatchObject({
        id,
        scopes: [granted],
        changed: 0,
        has: { granted: exitCode === 0, missing },
      });
    },
  );

  test('--has says true or false to a script, and nothing with -q', async () => {
    const { id } = await cli.create('ci', ['--scope', 'read']);
    const ask = (...more: string[]) => cli.apikeys(['scopes', id, ...more]);
    expect(await ask('--has', 'read')).toMatchObject({ exitCode: 0, stdout: 'true\n' });
    expect(await ask('--has', 'write')).toMatchObject({ exitCode: 5, stdout: 'false\n' });
    expect(await ask('--has', 'write', '-q')).toMatchObject({ exitCode: 5, stdout: '', stderr: '' });
  });

  test('--has and a change exclude each other, and nothing is changed', async () => {
    const { id } = await cli.create('ci', ['--scope', 'read']);
    for (const other of ['--set', '--add', '--remove']) {
      const refused = await cli.apikeys(['scopes', id, '--has', 'read', other, 'write', '--json']);
      expect(refused.exitCode).toBe(2);
      expect(errorOf(refused).code).toBe('INVALID_USAGE');
    }
    expect((await scopes(id)).scopes).toEqual(['read']);
  });

  test('a revoked key is exit 4 to a change, and answers a question', async () => {
    const { id } = await cli.create('ci', ['--scope', 'read']);
    await cli.json(['revoke', id, '--yes']);
    const refused = await cli.apikeys(['scopes', id, '--add', 'write', '--json']);
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused).code).toBe('KEY_REVOKED');
    expect(await scopes(id, '--has', 'read')).toMatchObject({ status: 'revoked', has: { granted: true } });
  });
});

describe('update', () => {
  const update = (...args: string[]) => cli.json<UpdateJson>(['update', ...args]);

  test('every option is heard, and the trail has before and after', async () => {
    const { id, expires_at } = await cli.create('ci', ['--description', 'd', '--metadata', 'a=1']);
    const changes = ['--name', 'new', '--description', '', '--expires', 'never'];
    const metadata = ['--metadata', 'a=', '--metadata', 'b=x=y'];
    expect(await update(id, ...changes, ...metadata)).toMatchObject({
      id,
      name: 'new',
      description: null,
      expires_at: null,
      metadata: { b: 'x=y' },
      changed: 1,
    });
    const { events } = await cli.json<ShowJson>(['show', id]);
    expect(events[0]).toMatchObject({
      action: 'key.updated',
      details: {
        name: { before: 'ci', after: 'new' },
        description: { before: 'd', after: null },
        expires_at: { before: expires_at, after: null },
        metadata: { before: { a: '1' }, after: { b: 'x=y' } },
      },
    });
    expect(await update(id, ...changes, ...metadata)).toMatchObject({ name: 'new', changed: 0 });
  });

  test('without anything to change it is exit 2', async () => {
    const { id } = await cli.create();
    const refused = await cli.apikeys(['update', id, '--json']);
    expect(refused.exitCode).toBe(2);
    expect(errorOf(refused).code).toBe('INVALID_USAGE');
  });

  test('a revoked key is exit 4', async () => {
    const { id } = await cli.create();
    await cli.json(['revoke', id, '--yes']);
    const refused = await cli.apikeys(['update', id, '--name', 'x', '--json']);
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused).code).toBe('KEY_REVOKED');
  });

  test('reviving an expired key respects the limit', async () => {
    const owner = newOwner();
    const { id } = await cli.create('ci', ['--owner', owner]);
    await cli.database.query(`UPDATE apikeys.keys SET expires_at = now() - interval '1 h' WHERE id = $1`, [
      id,
    ]);
    await cli.create('other', ['--owner', owner]);
    const env = { APIKEYS_MAX_PER_USER: '1' };
    const refused = await cli.apikeys(['update', id, '--expires', '7d', '--json'], { env });
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused).code).toBe('LIMIT_REACHED');
    expect(await update(id, '--expires', '7d')).toMatchObject({ status: 'active', changed: 1 });
  });
});
