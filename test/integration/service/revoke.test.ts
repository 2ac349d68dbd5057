import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { fingerprint, request, unique } from './stored.js';

const ABSENT = ['00000000-0000-7000-8000-000000000001', 'rv_ffffffff', 'no such name'];

eachEngine((db) => {
  const make = async (more = {}): Promise<string> => (await db.service.create(request(more))).key.id;

  test('a revoked key says when, by whom and why', async () => {
    const id = await make();
    const { keys, changed } = await db.service.revoke({
      keys: [id],
      reason: ' left the team ',
      actor: 'bob',
    });
    expect(changed).toBe(1);
    expect(keys).toEqual([
      expect.objectContaining({
        id,
        status: 'revoked',
        revokedBy: 'bob',
        revokedReason: 'left the team',
        revokedAt: expect.any(Date),
      }),
    ]);
    expect(await db.service.get(id)).toEqual(keys[0]);
  });

  test('a reason is not needed', async () => {
    const { keys } = await db.service.revoke({ keys: [await make()], actor: 'bob' });
    expect(keys[0]).toMatchObject({ status: 'revoked', revokedReason: null });
  });

  test('revoking again changes nothing: the first reason, time and actor stay', async () => {
    const id = await make();
    const first = await db.service.revoke({ keys: [id], reason: 'first', actor: 'bob' });
    const second = await db.service.revoke({ keys: [id], reason: 'second', actor: 'carol' });
    expect(second).toMatchObject({ keys: first.keys, changed: 0 });
  });

  test('keys come back in the order in which they were named', async () => {
    const ids = [await make(), await make(), await make()].reverse();
    const { keys, changed } = await db.service.revoke({ keys: ids, actor: 'bob' });
    expect(keys.map(({ id }) => id)).toEqual(ids);
    expect(changed).toBe(3);
  });

  test('only those that were live count as changed', async () => {
    const [dead, live] = [await make(), await make()];
    await db.service.revoke({ keys: [dead], actor: 'bob' });
    const { keys, changed } = await db.service.revoke({ keys: [dead, live], actor: 'bob' });
    expect({ changed, statuses: keys.map(({ status }) => status) }).toEqual({
      changed: 1,
      statuses: ['revoked', 'revoked'],
    });
  });

  test('a key that is named in several ways counts once', async () => {
    const { key } = await db.service.create(request({ name: unique('name') }));
    const names = [key.id, key.id.toUpperCase(), key.keyPrefix, key.name, key.id];
    const { keys, changed } = await db.service.revoke({ keys: names, actor: 'bob' });
    expect({ changed, ids: keys.map(({ id }) => id) }).toEqual({ changed: 1, ids: [key.id] });
  });

  test('one unknown key among several and nothing changes; all that are missing are named', async () => {
    const id = await make();
    const before = await fingerprint(db.rows);
    const revoke = db.service.revoke({ keys: [id, ...ABSENT], actor: 'bob' });
    await expect(revoke).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await revoke.catch(({ message }: Error) => {
      for (const name of ABSENT) expect(message).toContain(`"${name}"`);
      expect(message).not.toContain(id);
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('with ignoreMissing the others are revoked', async () => {
    const id = await make();
    const { keys, changed } = await db.service.revoke({
      keys: [...ABSENT, id],
      ignoreMissing: true,
      actor: 'bob',
    });
    expect({ changed, ids: keys.map((key) => key.id) }).toEqual({ changed: 1, ids: [id] });
  });

  test('with ignoreMissing and nothing found, nothing is changed and nothing fails', async () => {
    const request = { keys: ABSENT, ignoreMissing: true, actor: 'bob' };
    expect(await db.service.revoke(request)).toMatchObject({ keys: [], changed: 0 });
  });

  test('an ambiguous name among several changes nothing, ignoreMissing or not', async () => {
    const name = unique('twin');
    await make({ name });
    await make({ name });
    const id = await make();
    const before = await fingerprint(db.rows);
    for (const ignoreMissing of [false, true]) {
      await expect(
        db.service.revoke({ keys: [id, name], ignoreMissing, actor: 'bob' }),
      ).rejects.toMatchObject({
        code: 'KEY_AMBIGUOUS',
      });
    }
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('a dry run says what would change and changes nothing', async () => {
    const [dead, live] = [await make(), await make()];
    await db.service.revoke({ keys: [dead], actor: 'bob' });
    const before = await fingerprint(db.rows);
    const { keys, changed } = await db.service.revoke({ keys: [dead, live], dryRun: true, actor: 'bob' });
    expect({ changed, statuses: keys.map(({ status }) => status) }).toEqual({
      changed: 1,
      statuses: ['revoked', 'active'],
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('a dry run misses what a real run would miss', async () => {
    const dry = db.service.revoke({ keys: ABSENT, dryRun: true, actor: 'bob' });
    await expect(dry).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  test('confined to a tenant, the key of another tenant is not found and stays live', async () => {
    const id = await make({ tenant: unique('tenant') });
    const revoke = db.service.revoke({ keys: [id], tenant: 'default', actor: 'bob' });
    await expect(revoke).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect((await db.service.get(id)).status).toBe('active');
  });

  test('frozen and expired keys can be revoked, and so can keys while key management is off', async () => {
    const [frozen, expired] = [await make(), await make()];
    await db.rows(`UPDATE apikeys.keys SET frozen_at = now() WHERE id = '${frozen}'`);
    await db.rows(`UPDATE apikeys.keys SET expires_at = now() - interval '1 day' WHERE id = '${expired}'`);
    const off = db.serviceWith({ keyManagement: false });
    const { keys, changed } = await off.revoke({ keys: [frozen, expired], actor: 'bob' });
    expect({ changed, statuses: keys.map(({ status }) => status) }).toEqual({
      changed: 2,
      statuses: ['revoked', 'revoked'],
    });
  });

  test.each([
    ['a reason with an escape', { reason: 'a\u001bb' }],
    ['a reason of 501 characters', { reason: 'a'.repeat(501) }],
    ['an empty actor', { actor: '' }],
    ['an empty tenant', { tenant: '' }],
    ['an empty reference', { keys: [''] }],
  ])('%s is refused, and nothing changes', async (_what, more) => {
    const id = await make();
    const revoke = db.service.revoke({ keys: [id], actor: 'bob', ...more });
    await expect(revoke).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await db.service.get(id)).status).toBe('active');
  });

  test('the revoke of a thousand keys is one change', async () => {
    const owner = unique('owner');
    const service = db.serviceWith({ maxKeysPerOwner: 0 });
    const first = await service.create(request({ owner }));
    await db.rows(
      `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, audit_seq, audit_hash)
       SELECT gen_random_uuid(), tenant_id, owner_id, name, key_prefix, sha256(gen_random_uuid()::text::bytea), created_at, created_by, audit_seq, audit_hash
         FROM apikeys.keys, generate_series(1, 999) WHERE id = '${first.key.id}'`,
    );
    const { keys } = await service.list({ owner, limit: 1_000 });
    const { changed } = await service.revoke({ keys: keys.map(({ id }) => id), actor: 'bob' });
    expect(changed).toBe(1_000);
    expect(await service.count({ owner, status: 'revoked' })).toBe(1_000);
  });
});
