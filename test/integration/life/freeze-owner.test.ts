import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { events, ownerChain, request, unique } from '../service/stored.js';
import { chainFaults, everything, expire } from './stored.js';

eachEngine((db) => {
  const make = async (owner: string, more = {}) => (await db.service.create(request({ owner, ...more }))).key;
  const freeze = (owner: string, more = {}) => db.service.freezeOwner({ owner, actor: 'eve', ...more });
  const unfreeze = (owner: string, more = {}) => db.service.unfreezeOwner({ owner, actor: 'bob', ...more });

  test('a frozen owner’s keys are all frozen, by the owner', async () => {
    const owner = unique('owner');
    const made = [await make(owner), await make(owner), await make(owner)];
    const elsewhere = await make(unique('owner'));
    await expire(db.rows, made[1]?.id ?? '');
    const { keys, changed, owner: frozen } = await freeze(owner, { until: '2h', reason: 'incident 42' });
    expect(changed).toBe(1);
    expect(frozen).toMatchObject({
      tenantId: 'default',
      ownerId: owner,
      isFrozen: true,
      frozenBy: 'eve',
      frozenReason: 'incident 42',
    });
    expect(keys.map(({ id }) => id)).toEqual(made.map(({ id }) => id));
    for (const key of keys) {
      expect(key).toMatchObject({
        status: 'frozen',
        isFrozen: true,
        frozenByOwner: true,
        frozenAt: frozen.frozenAt,
        frozenUntil: frozen.frozenUntil,
        frozenReason: 'incident 42',
      });
      expect(await db.service.get(key.id)).toEqual(key);
    }
    expect(await db.service.get(elsewhere.id)).toEqual(elsewhere);
  });

  test('they are in the list of frozen keys and in no other, each once', async () => {
    const owner = unique('owner');
    const [one, both] = [await make(owner), await make(owner)];
    await db.service.freeze({ keys: [both.id], actor: 'eve' });
    await freeze(owner);
    const listed = async (status: 'frozen' | 'active' | 'expired') =>
      (await db.service.list({ owner, status })).keys.map(({ id }) => id);
    expect(await listed('frozen')).toEqual([both.id, one.id]);
    expect(await db.service.count({ owner, status: 'frozen' })).toBe(2);
    expect([await listed('active'), await listed('expired')]).toEqual([[], []]);
  });

  test('it gets no new keys', async () => {
    const owner = unique('owner');
    await make(owner);
    await freeze(owner);
    const before = await everything(db.rows);
    await expect(make(owner)).rejects.toMatchObject({ code: 'OWNER_FROZEN' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('its keys can be revoked and frozen all the same', async () => {
    const owner = unique('owner');
    const [one, two] = [await make(owner), await make(owner)];
    await freeze(owner);
    expect((await db.service.freeze({ keys: [one.id], actor: 'eve' })).changed).toBe(1);
    expect((await db.service.revoke({ keys: [two.id], actor: 'eve' })).keys[0]?.status).toBe('revoked');
    expect((await freeze(owner)).keys.map(({ id }) => id)).toEqual([one.id]);
  });

  test('a freeze that has lapsed is none', async () => {
    const owner = unique('owner');
    const key = await make(owner);
    await freeze(owner, { until: '1h' });
    await db.rows(`UPDATE apikeys.owners SET frozen_at = frozen_at - interval '2 h',
                          frozen_until = frozen_until - interval '2 h' WHERE owner_id = '${owner}'`);
    expect(await db.service.get(key.id)).toMatchObject({ status: 'active', frozenByOwner: false });
    await make(owner);
    await db.service.rotate({ key: key.id, actor: 'bob' });
    expect((await unfreeze(owner)).changed).toBe(0);
    expect((await freeze(owner)).changed).toBe(1);
  });

  test('it is lengthened and never shortened, by the terms of a key’s freeze', async () => {
    const owner = unique('owner');
    await make(owner);
    const { owner: first } = await freeze(owner, { until: '2h', reason: 'first' });
    expect(await freeze(owner, { until: '1h', reason: 'second' })).toMatchObject({
      changed: 0,
      owner: first,
    });
    const { owner: longer, changed } = await freeze(owner);
    expect(changed).toBe(1);
    expect(longer).toEqual({ ...first, frozenUntil: null });
    expect((await freeze(owner, { until: '8h' })).changed).toBe(0);
  });

  test('lifting it lifts the owner’s freeze alone', async () => {
    const owner = unique('owner');
    const [one, own] = [await make(owner), await make(owner)];
    await db.service.freeze({ keys: [own.id], reason: 'own', actor: 'eve' });
    await freeze(owner);
    const { keys, changed, owner: lifted } = await unfreeze(owner);
    expect(changed).toBe(1);
    expect(lifted).toMatchObject({ isFrozen: false, frozenAt: null, frozenBy: null });
    expect(keys).toMatchObject([
      { id: one.id, status: 'active' },
      { id: own.id, status: 'frozen', frozenByOwner: false, frozenReason: 'own' },
    ]);
    expect((await unfreeze(owner)).changed).toBe(0);
    await make(owner);
  });

  test('a key of its own freeze that is lifted stays frozen with its owner', async () => {
    const owner = unique('owner');
    const { id } = await make(owner);
    await db.service.freeze({ keys: [id], actor: 'eve' });
    await freeze(owner, { reason: 'the owner’s' });
    const { keys, changed } = await db.service.unfreeze({ keys: [id], actor: 'bob' });
    expect(changed).toBe(1);
    expect(keys).toMatchObject([
      { status: 'frozen', isFrozen: true, frozenByOwner: true, frozenReason: 'the owner’s' },
    ]);
    expect((await db.service.unfreeze({ keys: [id], actor: 'bob' })).changed).toBe(0);
    expect((await unfreeze(owner)).keys[0]?.status).toBe('active');
  });

  test('its events are in the owner’s chain, and in no key’s', async () => {
    const owner = unique('owner');
    const { id } = await make(owner);
    await freeze(owner, { until: '2h', reason: 'why' });
    await freeze(owner, { until: '1h' });
    await unfreeze(owner, { reason: 'over' });
    const chain = await events(db.rows, ownerChain(owner));
    expect(chain.map(({ action, actor, reason }) => [action, actor, reason])).toEqual([
      ['owner.first_key', 'tester', null],
      ['owner.frozen', 'eve', 'why'],
      ['owner.unfrozen', 'bob', 'over'],
    ]);
    expect((await db.service.show(id)).events).toHaveLength(1);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('an owner that is not there is not found, nor one of another tenant', async () => {
    const owner = unique('owner');
    await make(owner, { tenant: 'blue' });
    const absent = { code: 'OWNER_NOT_FOUND' };
    for (const change of [freeze, unfreeze]) {
      await expect(change(unique('nobody'))).rejects.toMatchObject(absent);
      await expect(change(owner, { tenant: 'green' })).rejects.toMatchObject(absent);
      await expect(change(unique('nobody'), { dryRun: true })).rejects.toMatchObject(absent);
    }
  });

  test('an owner id that two tenants have needs the tenant', async () => {
    const owner = unique('owner');
    const [here, there] = [await make(owner, { tenant: 'blue' }), await make(owner, { tenant: 'red' })];
    const before = await everything(db.rows);
    for (const change of [freeze, unfreeze]) {
      await expect(change(owner)).rejects.toMatchObject({
        code: 'OWNER_AMBIGUOUS',
        message: expect.stringMatching(/blue.*red/),
      });
    }
    expect(await everything(db.rows)).toEqual(before);
    expect((await freeze(owner, { tenant: 'red' })).keys.map(({ id }) => id)).toEqual([there.id]);
    expect((await db.service.get(here.id)).status).toBe('active');
  });

  test('a dry run tells what would stop, and changes nothing', async () => {
    const owner = unique('owner');
    const { id } = await make(owner);
    const before = await everything(db.rows);
    const { changed, keys, impact, owner: seen } = await freeze(owner, { dryRun: true });
    expect({ changed, isFrozen: seen.isFrozen }).toEqual({ changed: 1, isFrozen: false });
    expect(keys).toMatchObject([{ id, status: 'active' }]);
    expect(impact).toMatchObject([{ key: { id }, usageToday: { requestCount: 0, spendCents: 0 } }]);
    expect(await unfreeze(owner, { dryRun: true })).toMatchObject({ changed: 0, impact: [] });
    expect(await everything(db.rows)).toEqual(before);
  });
});
