import { expect, test } from 'vitest';
import type { FreezeRequest } from '../../../src/service/keys/freeze-keys.js';
import { eachEngine } from '../../helpers/engines.js';
import { events, keyChain, request, unique } from '../service/stored.js';
import { chainFaults, everything, HOUR } from './stored.js';

const ABSENT = 'rv_ffffffff';

eachEngine((db) => {
  const make = async (more = {}) => (await db.service.create(request(more))).key;
  const freeze = async (id: string, more: Partial<FreezeRequest> = {}) => {
    const { keys, changed } = await db.service.freeze({ keys: [id], actor: 'eve', ...more });
    const [key] = keys;
    if (key === undefined) throw new Error('no key came back');
    return { key, changed };
  };
  const unfreeze = (keys: readonly string[], more = {}) =>
    db.service.unfreeze({ keys, actor: 'bob', ...more });
  const changes = async (id: string) =>
    (await events(db.rows, keyChain(id))).slice(1).map(({ action }) => action);
  /** Hours from the beginning of a freeze to its end; null: for ever. */
  const hours = ({ frozenAt, frozenUntil }: { frozenAt: Date | null; frozenUntil: Date | null }) =>
    frozenUntil && (frozenUntil.getTime() - (frozenAt?.getTime() ?? Number.NaN)) / HOUR;
  /** As if the freeze had begun so long ago; its end too. */
  const age = (id: string, by: string) =>
    db.rows(`UPDATE apikeys.keys SET frozen_at = frozen_at - interval '${by}',
                    frozen_until = frozen_until - interval '${by}' WHERE id = '${id}'`);

  test('a frozen key says since when, until when and why', async () => {
    const { id } = await make();
    const { key, changed } = await freeze(id, { until: '2h', reason: ' leaked? ' });
    expect(changed).toBe(1);
    expect(key).toMatchObject({
      status: 'frozen',
      isFrozen: true,
      frozenByOwner: false,
      frozenAt: expect.any(Date),
      frozenReason: 'leaked?',
    });
    expect(hours(key)).toBe(2);
    expect(await db.service.get(id)).toEqual(key);
    const [, event] = await events(db.rows, keyChain(id));
    expect(event).toMatchObject({ action: 'key.frozen', actor: 'eve', reason: 'leaked?', at: key.frozenAt });
    expect(JSON.parse(event?.details ?? '')).toEqual({
      until: key.frozenUntil?.toISOString(),
      frozen_at: key.frozenAt?.toISOString(),
    });
  });

  test('without an end a freeze is for ever', async () => {
    const { key } = await freeze((await make()).id);
    expect(key).toMatchObject({ status: 'frozen', frozenUntil: null, frozenReason: null });
  });

  test('a longer freeze on a shorter one lengthens it: it began when it began', async () => {
    const { id } = await make();
    const { key: first } = await freeze(id, { until: '2h', reason: 'first' });
    const { key, changed } = await freeze(id, { until: '8h' });
    expect({ changed, at: key.frozenAt, reason: key.frozenReason }).toEqual({
      changed: 1,
      at: first.frozenAt,
      reason: 'first',
    });
    expect(hours(key)).toBeCloseTo(8, 2);
    expect(await changes(id)).toEqual(['key.frozen', 'key.frozen']);
  });

  test.each(['1h', '30m'])('a freeze of %s on one of 2 hours changes nothing', async (until) => {
    const { id } = await make();
    const { key: first } = await freeze(id, { until: '2h', reason: 'first' });
    const before = await everything(db.rows);
    expect(await freeze(id, { until, reason: 'second' })).toEqual({ key: first, changed: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('for ever beats any end, and no end beats for ever', async () => {
    const { id } = await make();
    await freeze(id, { until: '36500d' });
    expect(await freeze(id)).toMatchObject({ changed: 1, key: { frozenUntil: null } });
    const before = await everything(db.rows);
    expect(await freeze(id, { until: '36500d' })).toMatchObject({ changed: 0, key: { frozenUntil: null } });
    expect(await freeze(id)).toMatchObject({ changed: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('the same end twice changes nothing', async () => {
    const { id } = await make();
    const until = new Date(Date.now() + HOUR).toISOString();
    expect((await freeze(id, { until })).key.frozenUntil).toEqual(new Date(until));
    expect((await freeze(id, { until })).changed).toBe(0);
  });

  test('a freeze that has lapsed is none: the key is active, and frozen anew from now', async () => {
    const { id } = await make();
    const { key: first } = await freeze(id, { until: '2h', reason: 'first' });
    await age(id, '3 hours');
    expect(await db.service.get(id)).toMatchObject({
      status: 'active',
      isFrozen: false,
      frozenAt: null,
      frozenUntil: null,
      frozenReason: null,
    });
    const { key, changed } = await freeze(id, { until: '1h' });
    expect({ changed, hours: hours(key), reason: key.frozenReason }).toEqual({
      changed: 1,
      hours: 1,
      reason: null,
    });
    expect(key.frozenAt?.getTime()).toBeGreaterThanOrEqual(first.frozenAt?.getTime() ?? Number.NaN);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('unfreezing what is not frozen, or no longer, changes nothing', async () => {
    const { id } = await make();
    expect((await unfreeze([id])).changed).toBe(0);
    await freeze(id, { until: '1h' });
    await age(id, '2 hours');
    expect((await unfreeze([id])).changed).toBe(0);
    expect(await changes(id)).toEqual(['key.frozen']);
  });

  test('an unfrozen key is active, and the trail says who lifted it and why', async () => {
    const { id } = await make();
    await freeze(id);
    const { keys, changed } = await unfreeze([id], { reason: 'false alarm' });
    expect(changed).toBe(1);
    expect(keys).toMatchObject([{ status: 'active', isFrozen: false, frozenAt: null, frozenReason: null }]);
    expect((await events(db.rows, keyChain(id))).at(-1)).toMatchObject({
      action: 'key.unfrozen',
      actor: 'bob',
      reason: 'false alarm',
    });
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('an expired key can be frozen, and is expired again after', async () => {
    const { id } = await make();
    await db.rows(`UPDATE apikeys.keys SET expires_at = now() - interval '1 h' WHERE id = '${id}'`);
    expect((await freeze(id)).key.status).toBe('frozen');
    expect((await unfreeze([id])).keys[0]?.status).toBe('expired');
  });

  test('a revoked key is not frozen, and neither are the others with it', async () => {
    const [one, revoked] = [await make(), await make()];
    await db.service.revoke({ keys: [revoked.id], actor: 'bob' });
    const before = await everything(db.rows);
    const both = db.service.freeze({ keys: [one.id, revoked.id], actor: 'eve' });
    await expect(both).rejects.toMatchObject({ code: 'KEY_REVOKED' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a frozen key that is revoked is revoked, and unfreezing it does not bring it back', async () => {
    const { id } = await make();
    await freeze(id);
    await db.service.revoke({ keys: [id], actor: 'bob' });
    expect((await unfreeze([id])).keys[0]?.status).toBe('revoked');
  });

  test('several keys are frozen and unfrozen together, those that were so before untouched', async () => {
    const ids = [(await make()).id, (await make()).id, (await make()).id];
    const [first = ''] = ids;
    const { key: before } = await freeze(first, { reason: 'first' });
    const frozen = await db.service.freeze({ keys: ids, reason: 'all', actor: 'eve' });
    expect(frozen.changed).toBe(2);
    expect(frozen.keys.map(({ id }) => id)).toEqual(ids);
    expect(frozen.keys[0]).toEqual(before);
    expect(frozen.keys.map(({ frozenReason }) => frozenReason)).toEqual(['first', 'all', 'all']);
    expect((await unfreeze([...ids, first])).changed).toBe(3);
  });

  test.each(['freeze', 'unfreeze'] as const)(
    'with one unknown among several, %s changes nothing unless told to go on',
    async (action) => {
      const ids = [(await make()).id, (await make()).id];
      if (action === 'unfreeze') await db.service.freeze({ keys: ids, actor: 'eve' });
      const before = await everything(db.rows);
      const named = { keys: [ids[0] ?? '', ABSENT, 'no such', ids[1] ?? ''], actor: 'eve' };
      await expect(db.service[action](named)).rejects.toMatchObject({
        code: 'KEY_NOT_FOUND',
        message: expect.stringMatching(/rv_ffffffff.*no such/),
      });
      expect(await everything(db.rows)).toEqual(before);
      const done = await db.service[action]({ ...named, ignoreMissing: true });
      expect(done.changed).toBe(2);
      expect(done.keys.map(({ id }) => id)).toEqual(ids);
    },
  );

  test.each(['freeze', 'unfreeze'] as const)('a dry run of %s changes nothing', async (action) => {
    const [one, two] = [await make(), await make()];
    await freeze(action === 'freeze' ? two.id : one.id);
    const before = await everything(db.rows);
    const { keys, changed, impact } = await db.service[action]({
      keys: [one.id, two.id],
      dryRun: true,
      actor: 'eve',
    });
    expect(changed).toBe(1);
    expect(keys).toEqual([await db.service.get(one.id), await db.service.get(two.id)]);
    expect(impact?.map(({ key }) => key.id)).toEqual([one.id]);
    expect(await everything(db.rows)).toEqual(before);
  });

  test('with key management switched off keys are frozen and revoked, and not unfrozen', async () => {
    const off = db.serviceWith({ keyManagement: false });
    const owner = unique('owner');
    const [one, two] = [await make({ owner }), await make({ owner })];
    expect((await off.freeze({ keys: [one.id], actor: 'eve' })).changed).toBe(1);
    expect((await off.freezeOwner({ owner, actor: 'eve' })).changed).toBe(1);
    expect((await off.revoke({ keys: [two.id], actor: 'eve' })).changed).toBe(1);
    const before = await everything(db.rows);
    const refused = { code: 'FEATURE_DISABLED' };
    await expect(off.unfreeze({ keys: [one.id], actor: 'eve' })).rejects.toMatchObject(refused);
    await expect(off.unfreezeOwner({ owner, actor: 'eve' })).rejects.toMatchObject(refused);
    await expect(off.create(request())).rejects.toMatchObject(refused);
    expect(await everything(db.rows)).toEqual(before);
  });

  test.each(['2020-01-01T00:00:00Z', '0', '-1h', '1', 'tomorrow', ''])(
    'an end %j is refused',
    async (until) => {
      const { id, ownerId } = await make();
      const before = await everything(db.rows);
      await expect(freeze(id, { until })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      const owner = db.service.freezeOwner({ owner: ownerId, until, actor: 'eve' });
      await expect(owner).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(await everything(db.rows)).toEqual(before);
    },
  );

  test('a reason with a secret in it is refused', async () => {
    const { key, apiKey } = await db.service.create(request());
    const before = await everything(db.rows);
    const leaked = freeze(key.id, { reason: `found ${apiKey} in a log` });
    await expect(leaked).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.not.stringContaining(apiKey ?? ''),
    });
    expect(await everything(db.rows)).toEqual(before);
  });
});
