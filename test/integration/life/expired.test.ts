import { expect, test } from 'vitest';
import { untilBlocked } from '../../helpers/blocked.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { request, unique } from '../service/stored.js';
import { holdRow } from './held-row.js';
import { chainFaults, everything, expire, HOUR, secretsOf } from './stored.js';

const full = { code: 'LIMIT_REACHED' };

eachEngine((db) => {
  const make = async (owner = unique('owner')) => (await db.service.create(request({ owner }))).key;
  const rotate = (key: string, grace?: string) => db.service.rotate({ key, grace, actor: 'bob' });
  const fill = async (owner: string, count: number) => {
    for (let i = 0; i < count; i++) await make(owner);
  };
  const version = async (owner: string) => {
    const [row] = await db.rows(`SELECT version FROM apikeys.owners WHERE owner_id = '${owner}'`);
    return row?.version;
  };

  test('an expired key that is rotated is live again', async () => {
    const key = await make();
    await expire(db.rows, key.id);
    expect((await db.service.get(key.id)).status).toBe('expired');
    const rotated = await rotate(key.id);
    expect(rotated.key).toMatchObject({ id: key.id, status: 'active' });
    const [current] = await secretsOf(db.rows, key.id);
    expect((rotated.key.expiresAt?.getTime() ?? 0) - (current?.created_at.getTime() ?? 0)).toBe(
      90 * 24 * HOUR,
    );
  });

  test('its old secrets stay dead: they end when the key had ended, whatever the grace', async () => {
    const key = await make();
    await rotate(key.id, '7d');
    await expire(db.rows, key.id);
    const { expiresAt: ended } = await db.service.get(key.id);
    await rotate(key.id, '7d');
    const [, second, first] = await secretsOf(db.rows, key.id);
    expect([second?.valid_until, first?.valid_until]).toEqual([ended, ended]);
    expect((await db.service.show(key.id)).secrets.map(({ retired }) => retired)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('dead secrets do not count among the live ones', async () => {
    const key = await make();
    await rotate(key.id, '7d');
    await rotate(key.id, '7d');
    await expire(db.rows, key.id);
    expect((await rotate(key.id, '7d')).key.status).toBe('active');
  });

  test('it needs room within its owner’s limit', async () => {
    const owner = unique('owner');
    const key = await make(owner);
    await expire(db.rows, key.id);
    await fill(owner, 10);
    const before = await everything(db.rows);
    await expect(rotate(key.id)).rejects.toMatchObject(full);
    await expect(db.service.update({ key: key.id, expires: '1d', actor: 'bob' })).rejects.toMatchObject(full);
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a live key needs no room: with the limit reached it is rotated and updated', async () => {
    const owner = unique('owner');
    const key = await make(owner);
    await fill(owner, 9);
    await rotate(key.id);
    await db.service.update({ key: key.id, expires: '1d', actor: 'bob' });
    expect(await version(owner)).toBe(12);
  });

  test('an update to a later end makes it live again, with the same secret', async () => {
    const key = await make();
    await expire(db.rows, key.id);
    const secrets = await secretsOf(db.rows, key.id);
    const { key: updated, changed } = await db.service.update({ key: key.id, expires: '7d', actor: 'bob' });
    expect({ changed, status: updated.status }).toEqual({ changed: 1, status: 'active' });
    expect(await secretsOf(db.rows, key.id)).toEqual(secrets);
  });

  test('an update of anything else leaves it expired, and needs no room', async () => {
    const owner = unique('owner');
    const key = await make(owner);
    await expire(db.rows, key.id);
    await fill(owner, 10);
    const { key: updated } = await db.service.update({ key: key.id, name: 'old', actor: 'bob' });
    expect(updated).toMatchObject({ name: 'old', status: 'expired' });
  });

  test.each([
    ['a rotation', (id: string) => rotate(id)],
    ['an update', (id: string) => db.service.update({ key: id, expires: '7d', actor: 'bob' })],
  ])('%s that revives raises the owner’s version', async (_what, revive) => {
    const owner = unique('owner');
    const key = await make(owner);
    await expire(db.rows, key.id);
    expect(await version(owner)).toBe(1);
    await revive(key.id);
    expect(await version(owner)).toBe(2);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('an expired key that is frozen is rotated, and stays frozen', async () => {
    const key = await make();
    await expire(db.rows, key.id);
    await db.service.freeze({ keys: [key.id], actor: 'eve' });
    const { key: rotated } = await rotate(key.id);
    expect(rotated.status).toBe('frozen');
    expect(rotated.expiresAt?.getTime()).toBeGreaterThan(Date.now());
  });
});

onServer((db) => {
  const make = async (owner: string) => (await db.service.create(request({ owner }))).key.id;
  const rotate = (key: string) => db.service.rotate({ key, actor: 'bob' });

  test.each([
    ['rotating an expired key', true, rotate],
    [
      'updating an expired key',
      true,
      (key: string) => db.service.update({ key, expires: '1d', actor: 'bob' }),
    ],
    ['rotating a key that will expire', false, rotate],
    [
      'updating a key that will expire',
      false,
      (key: string) => db.service.update({ key, expires: '1d', actor: 'bob' }),
    ],
  ])('%s waits for whoever holds its owner', async (_what, isExpired, revive) => {
    const owner = unique('owner');
    const expired = await make(owner);
    if (isExpired) await expire(db.rows, expired);
    const lock = await holdRow(db.database.url, 'owners', `owner_id = '${owner}'`);
    let done = false;
    const revived = revive(expired).then(() => {
      done = true;
    });
    await untilBlocked(db.database, { by: lock.pid });
    expect(done).toBe(false);
    await lock.commit();
    await revived;
  });

  test('rotating a key without an end does not wait for its owner', async () => {
    const owner = unique('owner');
    const live = (await db.service.create(request({ owner, expires: 'never' }))).key.id;
    const lock = await holdRow(db.database.url, 'owners', `owner_id = '${owner}'`);
    try {
      expect((await rotate(live)).key.status).toBe('active');
    } finally {
      await lock.commit();
    }
  });

  test('a key that expires while its rotation waits for it needs room all the same', async () => {
    const owner = unique('owner');
    const one = db.serviceWith({ maxKeysPerOwner: 1 });
    const { key } = await one.create(request({ owner }));
    const lock = await holdRow(db.database.url, 'keys', `id = '${key.id}'`);
    const rotated = one.rotate({ key: key.id, actor: 'bob' }).then(
      () => 'done',
      ({ code }) => code,
    );
    await untilBlocked(db.database, { by: lock.pid });
    // A second key and the end of the first come between the look at it and the lock.
    await db.database.query(
      `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, audit_seq, audit_hash)
       SELECT gen_random_uuid(), tenant_id, owner_id, 'other', 'rv_00000000', sha256(gen_random_uuid()::text::bytea), created_at, created_by, 1, audit_hash
         FROM apikeys.keys WHERE id = $1`,
      [key.id],
    );
    await lock.run(`UPDATE apikeys.keys SET expires_at = now() - interval '1 h' WHERE id = '${key.id}'`);
    await lock.commit();
    expect(await rotated).toBe('LIMIT_REACHED');
    await one.revoke({ keys: ['other'], actor: 'bob' });
    expect((await one.rotate({ key: key.id, actor: 'bob' })).key.status).toBe('active');
  });

  test('a key that is given an end while its rotation waits for it takes its owner first', async () => {
    const owner = unique('owner');
    const { id } = (await db.service.create(request({ owner, expires: 'never' }))).key;
    const key = await holdRow(db.database.url, 'keys', `id = '${id}'`);
    const held = await holdRow(db.database.url, 'owners', `owner_id = '${owner}'`);
    let done = false;
    const rotated = rotate(id).then(() => {
      done = true;
    });
    await untilBlocked(db.database, { by: key.pid });
    await key.run(
      `UPDATE apikeys.keys SET expires_at = now() - interval '1 h', lifetime_ms = 1000 WHERE id = '${id}'`,
    );
    await key.commit();
    await untilBlocked(db.database, { by: held.pid });
    expect(done).toBe(false);
    // Owners come before keys: while it waits for its owner, it must not hold the key.
    await held.run(`SELECT FROM apikeys.keys WHERE id = '${id}' FOR UPDATE NOWAIT`);
    await held.commit();
    await rotated;
    expect((await db.service.get(id)).status).toBe('active');
  });

  test('expired keys revived and new keys made at once never exceed the limit', async () => {
    const owner = unique('owner');
    const ids = await Promise.all(Array.from({ length: 8 }, () => make(owner)));
    for (const id of ids) await expire(db.rows, id);
    const five = db.serviceWith({ maxKeysPerOwner: 5 });
    const all: Promise<unknown>[] = ids.map((key, index) =>
      index % 2 === 0
        ? five.rotate({ key, actor: 'bob' })
        : five.update({ key, expires: '1d', actor: 'bob' }),
    );
    for (let i = 0; i < 4; i++) all.push(five.create(request({ owner })));
    const codes = (await Promise.allSettled(all)).map((one) =>
      one.status === 'fulfilled' ? 'done' : one.reason.code,
    );
    expect(codes.filter((code) => code === 'done')).toHaveLength(5);
    expect(codes.filter((code) => code === 'LIMIT_REACHED')).toHaveLength(7);
    expect(await five.count({ owner, status: 'active' })).toBe(5);
  });
});
