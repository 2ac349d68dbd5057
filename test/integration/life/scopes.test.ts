import { expect, test } from 'vitest';
import type { ScopesRequest } from '../../../src/service/keys/update-key.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { events, keyChain, request } from '../service/stored.js';
import { chainFaults, everything } from './stored.js';

eachEngine((db) => {
  const make = async (scopes: readonly string[]) => (await db.service.create(request({ scopes }))).key.id;
  const change = (key: string, more: Partial<ScopesRequest>) =>
    db.service.updateScopes({ key, actor: 'bob', ...more });

  const cases: [Partial<ScopesRequest>, string[]][] = [
    [{ set: ['write', 'admin'] }, ['admin', 'write']],
    [{ set: [] }, []],
    [{ add: ['admin'] }, ['admin', 'orders:read', 'read']],
    [{ add: ['b,a', 'a'] }, ['a', 'b', 'orders:read', 'read']],
    [{ remove: ['read'] }, ['orders:read']],
    [{ remove: ['read', 'orders:read'] }, []],
    [{ set: ['a', 'b'], add: ['c'], remove: ['a'] }, ['b', 'c']],
    [{ add: ['x'], remove: ['read'] }, ['orders:read', 'x']],
  ];
  test.each(cases)('of read and orders:read, %j makes %j', async (terms, scopes) => {
    const id = await make(['read', 'orders:read']);
    const { key, changed } = await change(id, terms);
    expect({ scopes: key.scopes, changed }).toEqual({ scopes, changed: 1 });
    expect((await db.service.get(id)).scopes).toEqual(scopes);
    const chain = await events(db.rows, keyChain(id));
    expect(chain.slice(1)).toMatchObject([{ action: 'key.scopes_changed', actor: 'bob' }]);
    expect(JSON.parse(chain[1]?.details ?? '')).toEqual({
      scopes: { before: ['orders:read', 'read'], after: scopes },
    });
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test.each<Partial<ScopesRequest>>([
    { set: ['read', 'orders:read', 'read'] },
    { add: ['read'] },
    { remove: ['orders:*'] },
    { add: ['x'], remove: ['x'] },
    {},
  ])('of read and orders:read, %j changes nothing', async (terms) => {
    const id = await make(['read', 'orders:read']);
    const before = await everything(db.rows);
    const { key, changed } = await change(id, terms);
    expect({ scopes: key.scopes, changed }).toEqual({ scopes: ['orders:read', 'read'], changed: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a scope that is none is refused', async () => {
    const id = await make(['read']);
    const before = await everything(db.rows);
    for (const terms of [{ set: ['a b'] }, { add: [''] }, { remove: ['*:a'] }]) {
      await expect(change(id, terms)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const many = Array.from({ length: 100 }, (_, index) => `s${index}`);
    await expect(change(id, { add: many })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a revoked key is refused, and key management switched off refuses all', async () => {
    const id = await make(['read']);
    const off = db.serviceWith({ keyManagement: false });
    await expect(off.updateScopes({ key: id, add: ['x'], actor: 'bob' })).rejects.toMatchObject({
      code: 'FEATURE_DISABLED',
    });
    await db.service.revoke({ keys: [id], actor: 'eve' });
    const before = await everything(db.rows);
    await expect(change(id, { add: ['x'] })).rejects.toMatchObject({ code: 'KEY_REVOKED' });
    await expect(change(id, {})).rejects.toMatchObject({ code: 'KEY_REVOKED' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a frozen key can be changed', async () => {
    const id = await make(['read']);
    await db.service.freeze({ keys: [id], actor: 'eve' });
    expect(await change(id, { set: [] })).toMatchObject({
      changed: 1,
      key: { status: 'frozen', scopes: [] },
    });
  });

  test.each([
    [['read'], ['read'], []],
    [['read'], ['write', 'read', 'admin'], ['admin', 'write']],
    [['*'], ['read', 'orders:eu:write', '*'], []],
    [['orders:*'], ['orders:eu:write', 'orders:read', 'orders:*'], []],
    [['orders:*'], ['orders', '*'], ['*', 'orders']],
    [['orders:eu:*'], ['orders:*'], ['orders:*']],
    [[], ['read'], ['read']],
  ])('a key with %j, asked for %j, lacks %j', async (granted, scopes, missing) => {
    const id = await make(granted);
    const before = await everything(db.rows);
    const answer = await db.service.hasScopes({ key: id, scopes });
    expect({ ok: answer.ok, missing: [...answer.missing].sort() }).toEqual({
      ok: missing.length === 0,
      missing,
    });
    expect(await everything(db.rows)).toEqual(before);
  });
});

onServer((db) => {
  test('of many additions of one scope at once one changes the key, and all show it', async () => {
    const { key } = await db.service.create(request({ scopes: ['read'] }));
    const done = await Promise.all(
      Array.from({ length: 8 }, () => db.service.updateScopes({ key: key.id, add: ['write'], actor: 'bob' })),
    );
    expect(done.reduce((sum, { changed }) => sum + changed, 0)).toBe(1);
    for (const { key: seen } of done) expect(seen.scopes).toEqual(['read', 'write']);
  });

  test('additions of different scopes at once are all kept', async () => {
    const { key } = await db.service.create(request());
    const names = Array.from({ length: 8 }, (_, index) => `s${index}`);
    await Promise.all(
      names.map((name) => db.service.updateScopes({ key: key.id, add: [name], actor: 'bob' })),
    );
    expect((await db.service.get(key.id)).scopes).toEqual(names);
    expect(await chainFaults(db.rows)).toEqual([]);
  });
});
