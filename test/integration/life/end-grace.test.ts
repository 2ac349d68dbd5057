import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { events, keyChain, request } from '../service/stored.js';
import { chainFaults, everything, secretsOf } from './stored.js';

eachEngine((db) => {
  /** A key with two older secrets that are still valid. */
  const rotatedTwice = async () => {
    const { key } = await db.service.create(request());
    await db.service.rotate({ key: key.id, grace: '1h', actor: 'bob' });
    await db.service.rotate({ key: key.id, grace: '7d', actor: 'bob' });
    return key;
  };
  const endGrace = (key: string, tenant?: string) => db.service.endGrace({ key, tenant, actor: 'carol' });

  test('every older secret ends now, and the newest stays', async () => {
    const { id } = await rotatedTwice();
    const [current, ...older] = await secretsOf(db.rows, id);
    const { key, previous, changed } = await endGrace(id);
    expect(changed).toBe(1);
    expect(key).toEqual(await db.service.get(id));
    const [still, ...ended] = await secretsOf(db.rows, id);
    expect(still).toEqual(current);
    expect(previous.map(({ version, keyPrefix }) => [version, keyPrefix])).toEqual(
      older.map(({ version, key_prefix }) => [version, key_prefix]),
    );
    const [{ at } = { at: undefined }] = (await events(db.rows, keyChain(id))).slice(-1);
    expect(ended.map(({ valid_until }) => valid_until)).toEqual([at, at]);
    expect((await db.service.show(id)).secrets.map(({ retired }) => retired)).toEqual([false, true, true]);
  });

  test('it is one event, and the second time nothing at all', async () => {
    const { id, keyPrefix } = await rotatedTwice();
    await endGrace(keyPrefix);
    const chain = await events(db.rows, keyChain(id));
    expect(chain.slice(3)).toMatchObject([{ action: 'key.grace_ended', actor: 'carol', seq: 4 }]);
    expect(JSON.parse(chain[3]?.details ?? '').previous).toMatchObject([{ version: 2 }, { version: 1 }]);
    const before = await everything(db.rows);
    expect(await endGrace(id)).toMatchObject({ changed: 0, previous: [] });
    expect(await everything(db.rows)).toEqual(before);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('an older secret that has ended keeps its end', async () => {
    const { id } = await rotatedTwice();
    await db.rows(
      `UPDATE apikeys.secrets SET valid_until = '2026-01-01T00:00:00Z' WHERE key_id = '${id}' AND version = 1`,
    );
    expect((await endGrace(id)).previous.map(({ version }) => version)).toEqual([2]);
    expect((await secretsOf(db.rows, id))[2]?.valid_until).toEqual(new Date('2026-01-01T00:00:00Z'));
  });

  test('a key that was never rotated has nothing to end', async () => {
    const { key } = await db.service.create(request());
    const before = await everything(db.rows);
    expect(await endGrace(key.id)).toEqual({ key, previous: [], changed: 0, brokenChains: [] });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('it works on a frozen key, of a frozen owner, with key management switched off', async () => {
    const { id, ownerId } = await rotatedTwice();
    await db.service.freeze({ keys: [id], actor: 'eve' });
    await db.service.freezeOwner({ owner: ownerId, actor: 'eve' });
    const off = db.serviceWith({ keyManagement: false });
    expect(await off.endGrace({ key: id, actor: 'carol' })).toMatchObject({
      changed: 1,
      key: { status: 'frozen' },
      previous: [{ version: 2 }, { version: 1 }],
    });
  });

  test('a key that is not there, or in another tenant, is not found', async () => {
    const { id } = await rotatedTwice();
    await expect(endGrace('rv_ffffffff')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await expect(endGrace(id, 'green')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });
});
