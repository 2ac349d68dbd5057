import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { fingerprint, request, unique } from './stored.js';

eachEngine((db) => {
  /** An owner that has one key, with its row changed by `set`. */
  const ownerWith = async (set: string): Promise<string> => {
    const owner = unique('owner');
    await db.service.create(request({ owner }));
    await db.rows(`UPDATE apikeys.owners SET ${set} WHERE owner_id = '${owner}'`);
    return owner;
  };

  test.each([
    ['for ever', `frozen_at = now(), frozen_by = 'x'`],
    ['until a time to come', `frozen_at = now(), frozen_until = now() + interval '1 hour'`],
  ])('an owner frozen %s gets no new key, and nothing is stored', async (_case, set) => {
    const owner = await ownerWith(set);
    const before = await fingerprint(db.rows);
    await expect(db.service.create(request({ owner }))).rejects.toMatchObject({ code: 'OWNER_FROZEN' });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('a freeze whose end has come is no freeze', async () => {
    const owner = await ownerWith(
      `frozen_at = now() - interval '2 hours', frozen_until = now() - interval '1 second'`,
    );
    const { key } = await db.service.create(request({ owner }));
    expect(key.status).toBe('active');
    expect(await db.service.get(key.id)).toEqual(key);
  });

  test('the freeze of an owner in one tenant leaves the same owner of another alone', async () => {
    const owner = await ownerWith('frozen_at = now()');
    const { key } = await db.service.create(request({ owner, tenant: unique('tenant') }));
    expect(await db.service.get(key.id)).toMatchObject({ status: 'active', frozenByOwner: false });
  });

  test('only the first key that an owner ever had is its first', async () => {
    const owner = unique('owner');
    const first = await db.service.create(request({ owner }));
    await db.service.revoke({ keys: [first.key.id], actor: 'tester' });
    const second = await db.service.create(request({ owner }));
    expect([first.firstKey, second.firstKey]).toEqual([true, false]);
    expect(
      await db.rows(
        `SELECT action, tenant_id, key_id, details::json->>'key_id' AS first FROM apikeys.audit_events
          WHERE owner_id = '${owner}' AND key_id IS NULL`,
      ),
    ).toEqual([{ action: 'owner.first_key', tenant_id: 'default', key_id: null, first: first.key.id }]);
  });

  test('a first create that was refused leaves the next one the first', async () => {
    const owner = unique('owner');
    const refused = db.service.create(request({ owner, expires: '2020-01-01T00:00:00Z' }));
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await db.service.create(request({ owner }))).firstKey).toBe(true);
  });
});
