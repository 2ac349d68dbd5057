import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { chainFaults, everything, secretsOf } from '../life/stored.js';
import { events, keyChain, request, secretOf, unique } from '../service/stored.js';
import { GONE, graveyard } from './dead.js';

eachEngine((db) => {
  const graves = graveyard(db);
  const { clean, live, expired, revoked, rotated, has, remains } = graves;

  test.each([
    ['one that expired 31 days ago', () => expired('31 days')],
    ['one that was revoked 31 days ago', () => revoked('31 days')],
    [
      'one that was revoked just now and had expired 31 days before',
      async () => {
        const key = await expired('31 days');
        await db.service.revoke({ keys: [key.id], actor: 'eve' });
        return key;
      },
    ],
    ['one that was revoked, never expires', () => revoked('31 days', { expires: 'never' })],
    [
      'one that expired and whose freeze has lapsed',
      async () => {
        const key = await expired('31 days');
        await graves.thaw(key.id);
        return key;
      },
    ],
    [
      'one that is frozen and was revoked',
      async () => {
        const key = await live();
        await graves.freeze(key.id);
        await db.service.revoke({ keys: [key.id], actor: 'eve' });
        await db.rows(
          `UPDATE apikeys.keys SET revoked_at = now() - interval '31 days' WHERE id = '${key.id}'`,
        );
        return key;
      },
    ],
    [
      'one that was revoked, of a frozen owner',
      async () => {
        const key = await revoked('31 days');
        await db.service.freezeOwner({ owner: key.ownerId, actor: 'ops' });
        return key;
      },
    ],
    [
      'an expired one whose owner’s freeze has lapsed',
      async () => {
        const key = await expired('31 days');
        await db.service.freezeOwner({ owner: key.ownerId, actor: 'ops' });
        await db.rows(
          `UPDATE apikeys.owners SET frozen_until = now() - interval '1 minute' WHERE owner_id = '${key.ownerId}'`,
        );
        return key;
      },
    ],
    [
      'one without an activity row',
      async () => {
        const key = await expired('31 days');
        await db.rows(`DELETE FROM apikeys.key_activity WHERE key_id = '${key.id}'`);
        return key;
      },
    ],
  ])('deletes %s', async (_what, make) => {
    const key = await make();
    expect(await clean()).toMatchObject({
      deletedKeys: 1,
      deletedSecrets: 1,
      complete: true,
      skipped: false,
    });
    expect(await remains(key.id)).toEqual(GONE);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test.each([
    ['one that is live', () => live()],
    ['one that never expires', () => live({ expires: 'never' })],
    ['one that expired 29 days ago', () => expired('29 days')],
    ['one that was revoked 29 days ago', () => revoked('29 days')],
    [
      'one that expired long ago and is frozen',
      async () => {
        const key = await expired('90 days');
        await graves.freeze(key.id);
        return key;
      },
    ],
    [
      'one that expired long ago, of a frozen owner',
      async () => {
        const key = await expired('90 days');
        await db.service.freezeOwner({ owner: key.ownerId, until: '1h', actor: 'ops' });
        return key;
      },
    ],
    [
      'one that expired long ago and was rotated since',
      async () => {
        const key = await expired('90 days');
        return (await db.service.rotate({ key: key.id, actor: 'bob' })).key;
      },
    ],
    [
      'one that expired long ago and was given a later end since',
      async () => {
        const key = await expired('90 days');
        return (await db.service.update({ key: key.id, expires: '1d', actor: 'bob' })).key;
      },
    ],
  ])('leaves %s exactly as it is', async (_what, make) => {
    const key = await make();
    // A rotation leaves the old secret, which is another matter.
    await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${key.id}' AND valid_until IS NOT NULL`);
    const before = await everything(db.rows);
    expect(await clean()).toMatchObject({ deletedKeys: 0, deletedSecrets: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('deletes a retired secret of a live key: its prefix finds nothing, the current one still does', async () => {
    const key = await rotated('31 days');
    const [current, old] = await secretsOf(db.rows, key.id);
    expect(await clean()).toMatchObject({ deletedKeys: 0, deletedSecrets: 1 });
    expect(await secretsOf(db.rows, key.id)).toEqual([current]);
    expect((await db.service.get(key.keyPrefix)).id).toBe(key.id);
    await expect(db.service.get(old?.key_prefix ?? '')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    const [, , last] = await events(db.rows, keyChain(key.id));
    expect(last).toMatchObject({ action: 'key.secrets_deleted', actor: 'cron' });
    expect(JSON.parse(last?.details ?? '')).toEqual({
      secrets: [{ version: 1, key_prefix: old?.key_prefix, valid_until: old?.valid_until?.toISOString() }],
    });
    expect(await chainFaults(db.rows)).toEqual([]);
    // The chain goes on from there.
    await db.service.revoke({ keys: [key.id], actor: 'eve' });
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('several retired secrets of a key are one event, and fit into one batch however small', async () => {
    const { key } = await db.service.create(request());
    for (let i = 0; i < 4; i++) await db.service.rotate({ key: key.id, grace: '0', actor: 'bob' });
    await graves.retire(key.id, '31 days');
    const before = (await events(db.rows, keyChain(key.id))).length;
    expect(await clean({ batchSize: 1 })).toMatchObject({ deletedKeys: 0, deletedSecrets: 4 });
    expect(await events(db.rows, keyChain(key.id))).toHaveLength(before + 1);
  });

  test('retired secrets of several keys are an event in the chain of each', async () => {
    const keys = [await rotated('31 days'), await rotated('32 days'), await rotated('33 days')];
    expect(await clean()).toMatchObject({ deletedKeys: 0, deletedSecrets: 3 });
    for (const { id } of keys) {
      expect(await secretsOf(db.rows, id)).toHaveLength(1);
      const last = (await events(db.rows, keyChain(id))).at(-1);
      expect(last?.action).toBe('key.secrets_deleted');
      expect(JSON.parse(last?.details ?? '').secrets).toHaveLength(1);
    }
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('leaves secrets that retired too recently, are in their grace, or belong to a frozen key', async () => {
    const kept = [await rotated('29 days'), await rotated('-1 hours'), await rotated('31 days')];
    await graves.freeze(kept[2]?.id ?? '');
    const ofFrozenOwner = await rotated('31 days');
    await db.service.freezeOwner({ owner: ofFrozenOwner.ownerId, actor: 'ops' });
    const before = await everything(db.rows);
    expect(await clean()).toMatchObject({ deletedKeys: 0, deletedSecrets: 0 });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a key goes with all its secrets, and they count', async () => {
    const key = await rotated('1 hours');
    await db.service.revoke({ keys: [key.id], actor: 'eve' });
    await db.rows(`UPDATE apikeys.keys SET revoked_at = now() - interval '31 days' WHERE id = '${key.id}'`);
    expect(await clean()).toMatchObject({ deletedKeys: 1, deletedSecrets: 2 });
    expect(await remains(key.id)).toEqual(GONE);
  });

  test('each deletion is audited once, and the chain of a deleted key ends with it', async () => {
    const created = await db.service.create(request({ name: 'old "key"\\ é', owner: unique('owner') }));
    await db.service.revoke({ keys: [created.key.id], actor: 'eve' });
    await clean({ olderThan: '0' });
    const chain = await events(db.rows, keyChain(created.key.id));
    expect(chain.map(({ action }) => action)).toEqual(['key.created', 'key.revoked', 'key.deleted']);
    const [, , last] = chain;
    expect(last).toMatchObject({ actor: 'cron', reason: null, ownerId: created.key.ownerId });
    expect(JSON.parse(last?.details ?? '')).toMatchObject({
      name: 'old "key"\\ é',
      key_prefix: created.key.keyPrefix,
      expires_at: created.key.expiresAt?.toISOString(),
    });
    expect(last?.details).not.toContain(secretOf(created));
    expect(await chainFaults(db.rows)).toEqual([]);
    expect(await clean({ olderThan: '0' })).toMatchObject({ deletedKeys: 0, deletedSecrets: 0 });
    expect(await events(db.rows, keyChain(created.key.id))).toHaveLength(3);
  });

  test('usage stays, and still adds up by owner', async () => {
    const owner = unique('owner');
    const dead = await expired('31 days', { owner });
    const other = await live({ owner });
    for (const [id, requests] of [
      [dead.id, 5],
      [other.id, 7],
    ]) {
      await db.rows(
        `INSERT INTO apikeys.usage_daily VALUES ('${id}', '2026-01-01', 'default', '${owner}', ${requests}, 3)`,
      );
    }
    await clean();
    expect(await has(dead.id)).toBe(false);
    const [sum] = await db.rows(
      `SELECT sum(request_count)::int AS requests, sum(spend_cents)::int AS cents FROM apikeys.usage_daily WHERE owner_id = '${owner}'`,
    );
    expect(sum).toEqual({ requests: 12, cents: 6 });
  });

  test('what made a create idempotent is forgotten with the key', async () => {
    const again = request({ owner: unique('owner'), idempotencyKey: 'k' });
    const first = await db.service.create(again);
    await db.service.revoke({ keys: [first.key.id], actor: 'eve' });
    await clean({ olderThan: '0' });
    expect(await db.service.create(again)).toMatchObject({ changed: 1, firstKey: false });
  });

  test('doctor counts as overdue what cleanup deletes, and nothing else', async () => {
    await clean();
    const ownerFreeze = async (id: string, until: string) => {
      const { ownerId } = await db.service.get(id);
      await db.service.freezeOwner({ owner: ownerId, actor: 'ops' });
      await db.rows(`UPDATE apikeys.owners SET frozen_until = ${until} WHERE owner_id = '${ownerId}'`);
    };
    const [lapsed, frozen, ofFrozen, ofLapsed, revokedFrozen] = [
      await expired('60 days'),
      await expired('60 days'),
      await expired('60 days'),
      await expired('60 days'),
      await revoked('60 days'),
    ];
    await graves.thaw(lapsed.id);
    await graves.freeze(frozen.id);
    await ownerFreeze(ofFrozen.id, 'NULL');
    await ownerFreeze(ofLapsed.id, "now() - interval '1 minute'");
    await db.rows(
      `UPDATE apikeys.keys SET frozen_at = now(), frozen_by = 'ops' WHERE id = '${revokedFrozen.id}'`,
    );
    const overdue = async () => (await db.service.diagnose(() => new Date())).keys?.overdue;
    expect(await overdue()).toBe(3);
    expect(await clean()).toMatchObject({ deletedKeys: 3 });
    for (const key of [frozen, ofFrozen]) expect(await has(key.id)).toBe(true);
    expect(await overdue()).toBe(0);
  });
});
