import { expect, test } from 'vitest';
import { onServer } from '../../helpers/engines.js';
import { startProxy } from '../../helpers/wire-proxy.js';
import { patience, scale } from '../../reliability/scale.js';
import { cutPoints } from '../db/cut-points.js';
import { openKeys } from '../db/opened.js';
import { serverIdle } from '../db/stored.js';
import { holdRow } from '../life/held-row.js';
import { chainFaults } from '../life/stored.js';
import { request, unique } from '../service/stored.js';
import { GONE, graveyard } from './dead.js';

/** Every way to lose the connection, or one in so many. */
const STRIDE = scale('CLEANUP_CUTS', { short: 5, long: 1 });

onServer((db) => {
  const graves = graveyard(db);
  const { clean, expired, revoked, rotated, has, remains } = graves;

  test('a key that another session holds is left, without waiting for it, and goes the next time', async () => {
    const [held, free] = [await expired('31 days'), await expired('31 days')];
    const lock = await holdRow(db.database.url, 'keys', `id = '${held.id}'`);
    const start = performance.now();
    try {
      expect(await clean()).toMatchObject({ deletedKeys: 1, complete: true });
    } finally {
      await lock.commit();
    }
    expect(performance.now() - start).toBeLessThan(2_000);
    expect([await has(held.id), await has(free.id)]).toEqual([true, false]);
    expect(await clean()).toMatchObject({ deletedKeys: 1 });
  });

  test('a key that was held when its turn came has a second turn at the end', async () => {
    const keys: string[] = [];
    for (let i = 0; i < 12; i++) keys.push((await expired('31 days')).id);
    const lock = await holdRow(db.database.url, 'keys', `id = '${keys.toSorted()[0]}'`);
    let freed: Promise<void> | undefined;
    // Its own batch is the first, and it is free long before the last.
    const cleaned = await db.service.cleanup({ actor: 'cron', batchSize: 1 }, () => {
      freed ??= lock.commit();
    });
    await freed;
    expect(cleaned).toMatchObject({ deletedKeys: 12, complete: true });
  });

  test('a key whose requests are being counted is left likewise', async () => {
    const key = await expired('31 days');
    await db.engine.use(async (flush) => {
      await flush.script(
        `BEGIN; UPDATE apikeys.key_activity SET total_refused = 1 WHERE key_id = '${key.id}'`,
      );
      expect(await clean()).toMatchObject({ deletedKeys: 0 });
      await flush.script('COMMIT');
    });
    expect(await remains(key.id)).toEqual({ keys: 1, secrets: 1, activity: 1 });
    expect(await clean()).toMatchObject({ deletedKeys: 1 });
  });

  test('a held owner stands in nobody’s way', async () => {
    const key = await expired('31 days');
    const lock = await holdRow(db.database.url, 'owners', `owner_id = '${key.ownerId}'`);
    try {
      expect(await clean()).toMatchObject({ deletedKeys: 1 });
    } finally {
      await lock.commit();
    }
  });

  test('who waits for a key that goes finds none, and a key revived before the batch stays', async () => {
    const key = await expired('31 days');
    const results = await Promise.allSettled([clean(), db.service.rotate({ key: key.id, actor: 'bob' })]);
    const [, rotation] = results;
    if (rotation?.status === 'fulfilled') {
      expect(await db.service.get(key.id)).toMatchObject({ status: 'active' });
    } else {
      expect(rotation?.reason).toMatchObject({ code: 'KEY_NOT_FOUND' });
      expect(await remains(key.id)).toEqual(GONE);
    }
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('rotations, updates, revokes and counting of dying keys meet no deadlock, and leave nothing half-deleted', async () => {
    const owner = unique('owner');
    const wide = db.serviceWith({ maxKeysPerOwner: 0 });
    const ids: string[] = [];
    for (let i = 0; i < 120; i++) ids.push((await wide.create(request({ owner }))).key.id);
    await db.rows(
      `UPDATE apikeys.keys SET expires_at = date_trunc('milliseconds', now()) - interval '31 days' WHERE owner_id = '${owner}'`,
    );
    const failures: string[] = [];
    const attempt = async (work: Promise<unknown>) => {
      await work.catch((error: { code: string }) => failures.push(error.code));
    };
    const rivals = async (at: number) => {
      for (const [nth, id] of ids.entries()) {
        if (nth % 3 !== at) continue;
        if (at === 0) await attempt(wide.rotate({ key: id, grace: '0', actor: 'bob' }));
        if (at === 1) await attempt(wide.update({ key: id, description: 'x', actor: 'bob' }));
        if (at === 2) await attempt(wide.revoke({ keys: [id], actor: 'bob' }));
        await db.rows(
          `UPDATE apikeys.key_activity SET total_refused = total_refused + 1
            WHERE key_id IN ('${id}', '${ids[(nth + 40) % ids.length]}')`,
        );
      }
    };
    const cleaners = async () => {
      let deleted = 0;
      for (let i = 0; i < 10; i++) deleted += (await clean({ batchSize: 7 })).deletedKeys;
      return deleted;
    };
    const [deleted] = await Promise.all([cleaners(), rivals(0), rivals(1), rivals(2)]);
    expect(failures.filter((code) => code !== 'KEY_NOT_FOUND')).toEqual([]);
    const [row] = await db.rows(
      `SELECT (SELECT count(*) FROM apikeys.keys WHERE owner_id = '${owner}')::int AS keys,
              (SELECT count(*) FROM apikeys.audit_events WHERE owner_id = '${owner}' AND action = 'key.deleted')::int AS deleted,
              (SELECT count(*) FROM apikeys.key_activity WHERE NOT EXISTS (SELECT FROM apikeys.keys WHERE id = key_id))::int AS strays,
              (SELECT count(*) FROM apikeys.keys AS key WHERE owner_id = '${owner}' AND NOT EXISTS (
                 SELECT FROM apikeys.secrets WHERE key_id = key.id AND valid_until IS NULL))::int AS halves`,
    );
    expect(row).toEqual({ keys: 120 - deleted, deleted, strays: 0, halves: 0 });
    expect(deleted).toBeGreaterThan(0);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  const which = STRIDE === 1 ? 'any message' : `one message in ${STRIDE}, and COMMIT,`;
  test(`a connection cut before or after ${which} leaves whole batches, and the outcome is known`, {
    timeout: patience(300 / STRIDE, 1_000),
  }, async () => {
    const { hostname, port } = new URL(db.database.url);
    const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
    try {
      const run = async () => {
        const keys = openKeys(proxy.url(db.database.url), { name: 'cut' });
        try {
          return await keys.cleanup({ actor: 'cron' });
        } finally {
          await keys.close();
        }
      };
      const [dead, old] = [await revoked('31 days'), await rotated('31 days')];
      await run();
      expect([await has(dead.id), (await db.service.show(old.id)).secrets.length]).toEqual([false, 1]);
      // What is cut has one key to delete.
      await proxy.reset();
      await revoked('31 days');
      await run();
      const points = cutPoints(proxy.transcript);
      expect(points.length).toBeGreaterThan(40);
      for (const [nth, { rule, label }] of points.entries()) {
        if (nth % STRIDE !== 0 && !label.includes('COMMIT')) continue;
        await proxy.reset();
        const key = await revoked('31 days');
        const cut = proxy.arm(rule);
        const told = await run().then(
          ({ deletedKeys }) => deletedKeys,
          (error: { code: string; message: string }) => {
            expect(error.code).toBe('DATABASE_UNREACHABLE');
            return error.message.includes('1 key,') ? 1 : 0;
          },
        );
        await serverIdle(db.database, 'cut');
        const there = await has(key.id);
        expect({ label, told, fired: cut.hasFired() }).toEqual({ label, told: there ? 0 : 1, fired: true });
        await proxy.reset();
        expect(await clean()).toMatchObject({ deletedKeys: there ? 1 : 0 });
        expect(await remains(key.id)).toEqual(GONE);
      }
      expect(await chainFaults(db.rows)).toEqual([]);
    } finally {
      await proxy.close();
    }
  });
});
