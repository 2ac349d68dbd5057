import { expect, test } from 'vitest';
import type { Key } from '../../../src/domain/key.js';
import { untilBlocked } from '../../helpers/blocked.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { withHint } from '../../helpers/with-hint.js';
import { events, keyChain, request, unique } from '../service/stored.js';
import { holdRow } from './held-row.js';
import { chainFaults, everything, expire } from './stored.js';

const ABSENT = '00000000-0000-7000-8000-000000000001';
const ids = (keys: readonly Key[]): string[] => keys.map(({ id }) => id);

eachEngine((db) => {
  const make = async (more = {}) => (await db.service.create(request(more))).key;
  const revokeOwner = (owner: string, more = {}) =>
    db.service.revoke({ owner, actor: 'eve', reason: 'left', ...more });

  test('all keys of an owner are revoked, expired and frozen ones too, and no others', async () => {
    const owner = unique('owner');
    const [active, expired, frozen] = [await make({ owner }), await make({ owner }), await make({ owner })];
    const before = await make({ owner });
    await db.service.revoke({ keys: [before.id], reason: 'first', actor: 'bob' });
    await expire(db.rows, expired.id);
    await db.service.freeze({ keys: [frozen.id], actor: 'bob' });
    const stranger = await make();
    const { keys, changed } = await revokeOwner(owner);
    expect(changed).toBe(3);
    expect(ids(keys)).toEqual([active.id, expired.id, frozen.id]);
    for (const { id } of keys) {
      expect(await db.service.get(id)).toMatchObject({ status: 'revoked', revokedReason: 'left' });
      expect((await events(db.rows, keyChain(id))).at(-1)).toMatchObject({
        action: 'key.revoked',
        actor: 'eve',
        reason: 'left',
      });
    }
    expect(await db.service.get(before.id)).toMatchObject({ revokedReason: 'first', revokedBy: 'bob' });
    expect((await db.service.get(stranger.id)).status).toBe('active');
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('an owner without a key to revoke is success', async () => {
    const { ownerId } = await make();
    await revokeOwner(ownerId);
    const before = await everything(db.rows);
    expect(await revokeOwner(ownerId)).toEqual({
      keys: [],
      changed: 0,
      impact: null,
      owner: null,
      brokenChains: [],
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('an owner that is not there is not found, nor one of another tenant', async () => {
    const owner = unique('owner');
    await make({ owner, tenant: 'blue' });
    const absent = { code: 'OWNER_NOT_FOUND' };
    await expect(revokeOwner(unique('nobody'))).rejects.toMatchObject(absent);
    await expect(revokeOwner(owner, { tenant: 'green' })).rejects.toMatchObject(absent);
    await expect(revokeOwner(unique('nobody'), { dryRun: true })).rejects.toMatchObject(absent);
    await expect(revokeOwner('')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('an owner id that two tenants have needs the tenant', async () => {
    const owner = unique('owner');
    const [blue, red] = [await make({ owner, tenant: 'blue' }), await make({ owner, tenant: 'red' })];
    const before = await everything(db.rows);
    for (const dryRun of [false, true]) {
      await expect(withHint(revokeOwner(owner, { dryRun }))).rejects.toMatchObject({
        code: 'OWNER_AMBIGUOUS',
        message: expect.stringMatching(/"blue".*"red"/),
        hint: expect.stringContaining('--tenant'),
      });
    }
    expect(await everything(db.rows)).toEqual(before);
    expect(ids((await revokeOwner(owner, { tenant: 'red' })).keys)).toEqual([red.id]);
    expect((await db.service.get(blue.id)).status).toBe('active');
  });

  test('with an unknown one among several nothing is revoked, and all unknown ones are named', async () => {
    const [one, two] = [await make(), await make()];
    const before = await everything(db.rows);
    const named = { keys: [one.id, ABSENT, two.keyPrefix, 'nobody'], actor: 'eve' };
    for (const dryRun of [false, true]) {
      await expect(db.service.revoke({ ...named, dryRun })).rejects.toMatchObject({
        code: 'KEY_NOT_FOUND',
        message: expect.stringMatching(new RegExp(`${ABSENT}.*nobody`)),
      });
    }
    expect(await everything(db.rows)).toEqual(before);
    const { keys, changed } = await db.service.revoke({ ...named, ignoreMissing: true });
    expect({ changed, ids: ids(keys) }).toEqual({ changed: 2, ids: [one.id, two.id] });
  });

  test('when none of several is found and that may be, nothing is done', async () => {
    const before = await everything(db.rows);
    expect(
      await db.service.revoke({ keys: [ABSENT, 'nobody'], ignoreMissing: true, actor: 'eve' }),
    ).toMatchObject({ keys: [], changed: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a dry run tells what would be revoked and what is at stake, and changes nothing', async () => {
    const owner = unique('owner');
    const [used, unused, gone] = [await make({ owner }), await make({ owner }), await make({ owner })];
    await db.service.revoke({ keys: [gone.id], actor: 'bob' });
    await db.rows(`UPDATE apikeys.key_activity SET last_used_at = '2026-01-02T03:04:05Z', total_requests = 99
                    WHERE key_id = '${used.id}'`);
    await db.rows(
      `INSERT INTO apikeys.usage_daily (key_id, day, tenant_id, owner_id, request_count, spend_cents)
       SELECT '${used.id}', (now() AT TIME ZONE 'UTC')::date - back, 'default', '${owner}', 7 + back, 300 + back
         FROM generate_series(0, 1) AS back`,
    );
    const before = await everything(db.rows);
    const planned = await revokeOwner(owner, { dryRun: true });
    expect(planned.changed).toBe(2);
    expect(planned.keys).toEqual([await db.service.get(used.id), await db.service.get(unused.id)]);
    const atStake = (impact: typeof planned.impact) =>
      impact?.map(({ key, usageToday }) => ({ id: key.id, lastUsedAt: key.lastUsedAt, ...usageToday }));
    expect(atStake(planned.impact)).toEqual([
      { id: used.id, lastUsedAt: new Date('2026-01-02T03:04:05Z'), requestCount: 7, spendCents: 300 },
      { id: unused.id, lastUsedAt: null, requestCount: 0, spendCents: 0 },
    ]);
    const named = await db.service.revoke({ keys: [gone.id, used.id], dryRun: true, actor: 'eve' });
    expect(named.changed).toBe(1);
    expect(ids(named.keys)).toEqual([gone.id, used.id]);
    expect(atStake(named.impact)).toMatchObject([{ id: used.id, requestCount: 7 }]);
    expect(await everything(db.rows)).toEqual(before);
    expect((await revokeOwner(owner)).changed).toBe(planned.changed);
  });
});

onServer((db) => {
  test('an owner’s revoke waits for a create that is under way, and covers its key', async () => {
    const owner = unique('owner');
    await db.service.create(request({ owner }));
    let revoked: Promise<{ keys: readonly Key[]; changed: number }> | undefined;
    let early = false;
    const { key } = await db.service.create(request({ owner }), async () => {
      revoked = db.service.revoke({ owner, actor: 'eve' });
      void revoked.then(() => {
        early = true;
      });
      await untilBlocked(db.database);
      expect(early).toBe(false);
    });
    const done = await revoked;
    expect(done?.changed).toBe(2);
    expect(ids(done?.keys ?? [])).toContain(key.id);
  });

  test('a create waits for an owner’s revoke that is under way, and its key lives', async () => {
    const owner = unique('owner');
    const { key: first } = await db.service.create(request({ owner }));
    // The revoke holds the owner and waits for its key.
    const lock = await holdRow(db.database.url, 'keys', `id = '${first.id}'`);
    const revoked = db.service.revoke({ owner, actor: 'eve' });
    await untilBlocked(db.database, { by: lock.pid });
    let early = false;
    const created = db.service.create(request({ owner })).then((made) => {
      early = true;
      return made;
    });
    await untilBlocked(db.database, { sessions: 2 });
    expect(early).toBe(false);
    await lock.commit();
    expect(ids((await revoked).keys)).toEqual([first.id]);
    expect((await db.service.get((await created).key.id)).status).toBe('active');
  });

  test('owner-wide changes and changes to single keys at once never end in a deadlock', async () => {
    for (let round = 0; round < 5; round++) {
      const owner = unique('owner');
      const made = await Promise.all(Array.from({ length: 5 }, () => db.service.create(request({ owner }))));
      const all = made.map(({ key }) => key.id);
      for (const id of all.slice(0, 2)) await expire(db.rows, id);
      const outcomes = await Promise.allSettled([
        db.service.revoke({ owner, actor: 'a' }),
        db.service.revoke({ keys: all.toReversed(), actor: 'b' }),
        db.service.freezeOwner({ owner, actor: 'c' }),
        db.service.unfreezeOwner({ owner, actor: 'd' }),
        db.service.freeze({ keys: all, actor: 'e' }),
        ...all.map((key) => db.service.rotate({ key, actor: 'f' })),
        ...all.map((key) => db.service.update({ key, expires: '1d', actor: 'g' })),
        db.service.create(request({ owner })),
      ]);
      const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      expect(['KEY_REVOKED', 'OWNER_FROZEN']).toEqual(expect.arrayContaining([...new Set(codes)]));
    }
    expect(await chainFaults(db.rows)).toEqual([]);
    const [{ deadlocks } = { deadlocks: -1 }] = await db.rows(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(deadlocks).toBe(0);
  });
});
