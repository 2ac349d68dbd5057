import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { fingerprint, request, unique } from './stored.js';

eachEngine((db) => {
  /** An owner with this many keys, and their ids. */
  const filled = async (owner: string, count: number, tenant?: string): Promise<string[]> => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { key } = await db.service.create(request({ owner, ...(tenant && { tenant }) }));
      ids.push(key.id);
    }
    return ids;
  };
  const full = { code: 'LIMIT_REACHED', message: expect.stringContaining('the limit is 10') };

  test('the tenth key is made and the eleventh is not, and leaves nothing', async () => {
    const owner = unique('owner');
    await filled(owner, 10);
    const before = await fingerprint(db.rows);
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('a revoked key makes room for one more, and only one', async () => {
    const owner = unique('owner');
    const [first = ''] = await filled(owner, 10);
    await db.service.revoke({ keys: [first], actor: 'tester' });
    await db.service.create(request({ owner }));
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
  });

  test('an expired key makes room', async () => {
    const owner = unique('owner');
    const [first = ''] = await filled(owner, 10);
    await db.rows(`UPDATE apikeys.keys SET expires_at = now() - interval '1 second' WHERE id = '${first}'`);
    await db.service.create(request({ owner }));
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
  });

  test('a key that never expires counts', async () => {
    const owner = unique('owner');
    await filled(owner, 10);
    await db.rows(
      `UPDATE apikeys.keys SET expires_at = NULL, lifetime_ms = NULL WHERE owner_id = '${owner}'`,
    );
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
  });

  test('a frozen key counts', async () => {
    const owner = unique('owner');
    await filled(owner, 10);
    await db.rows(`UPDATE apikeys.keys SET frozen_at = now() WHERE owner_id = '${owner}'`);
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
  });

  test('other owners do not count, nor does the same owner of another tenant', async () => {
    const owner = unique('owner');
    await filled(owner, 10);
    const elsewhere = await db.service.create(request({ owner, tenant: unique('tenant') }));
    expect(elsewhere.firstKey).toBe(true);
    await db.service.create(request());
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject(full);
  });

  test('the configured limit takes the place of ten, and 0 is no limit', async () => {
    const owner = unique('owner');
    const two = db.serviceWith({ maxKeysPerOwner: 2 });
    await two.create(request({ owner }));
    await two.create(request({ owner }));
    await expect(two.create(request({ owner }))).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    const none = db.serviceWith({ maxKeysPerOwner: 0 });
    for (let i = 0; i < 9; i++) await none.create(request({ owner }));
    expect(await db.service.count({ owner })).toBe(11);
  });

  test.each([
    ['below the configured one', 2, 10],
    ['above the configured one', 3, 1],
  ])('an owner’s own limit %s wins', async (_case, own, configured) => {
    const owner = unique('owner');
    const service = db.serviceWith({ maxKeysPerOwner: configured });
    await service.create(request({ owner }));
    await db.rows(`UPDATE apikeys.owners SET max_keys = ${own} WHERE owner_id = '${owner}'`);
    for (let i = 1; i < own; i++) await service.create(request({ owner }));
    await expect(service.create(request({ owner }))).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining(`the limit is ${own}`),
    });
  });

  test('an owner’s own limit of 0 is no limit', async () => {
    const owner = unique('owner');
    const one = db.serviceWith({ maxKeysPerOwner: 1 });
    await one.create(request({ owner }));
    await db.rows(`UPDATE apikeys.owners SET max_keys = 0 WHERE owner_id = '${owner}'`);
    await one.create(request({ owner }));
    expect(await db.service.count({ owner })).toBe(2);
  });
});
