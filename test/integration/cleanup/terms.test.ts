import { afterEach, describe, expect, test, vi } from 'vitest';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { chainFaults, everything } from '../life/stored.js';
import { request, unique } from '../service/stored.js';
import { graveyard } from './dead.js';

eachEngine((db) => {
  const graves = graveyard(db);
  const { clean, expired, revoked, rotated, has } = graves;
  const batches = async () => {
    const [row] = await db.rows(
      `SELECT count(DISTINCT xmin::text)::int AS batches FROM apikeys.audit_events WHERE action = 'key.deleted'`,
    );
    return Number(row?.batches);
  };

  afterEach(() => vi.restoreAllMocks());

  test('nothing to do is done', async () => {
    expect(await clean()).toEqual({
      deletedKeys: 0,
      deletedSecrets: 0,
      deletedUsageDays: 0,
      deletedEvents: 0,
      olderThan: 30 * 24 * 3_600_000,
      cutoff: expect.any(Date),
      dryRun: false,
      skipped: false,
      complete: true,
    });
  });

  test('the cutoff is the database’s clock less the retention', async () => {
    const [before] = await db.rows(`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`);
    const { cutoff, olderThan } = await clean({ olderThan: '12h' });
    const [after] = await db.rows('SELECT clock_timestamp() AS now');
    expect(olderThan).toBe(12 * 3_600_000);
    const age = (now: unknown) => (now instanceof Date ? now.getTime() - cutoff.getTime() : Number.NaN);
    expect(age(before?.now)).toBeLessThanOrEqual(olderThan);
    expect(age(after?.now)).toBeGreaterThanOrEqual(olderThan);
  });

  test('the configured retention is what counts where none is named', async () => {
    const key = await expired('2 days');
    expect(await clean()).toMatchObject({ deletedKeys: 0 });
    const strict = db.serviceWith({ retention: 24 * 3_600_000 });
    expect(await strict.cleanup({ actor: 'cron' })).toMatchObject({ deletedKeys: 1 });
    expect(await has(key.id)).toBe(false);
  });

  test('a dry run gives the numbers of the real one, and changes nothing', async () => {
    const key = await rotated('40 days');
    await expired('31 days');
    await db.rows(`UPDATE apikeys.keys SET expires_at = now() - interval '31 days' WHERE id = '${key.id}'`);
    await revoked('31 days');
    await rotated('31 days');
    await rotated('29 days');
    for (const frozen of [await expired('31 days'), await rotated('31 days'), await revoked('31 days')]) {
      await db.service.freezeOwner({ owner: frozen.ownerId, actor: 'ops' });
    }
    await db.rows(
      `INSERT INTO apikeys.usage_daily SELECT id, day, tenant_id, owner_id, 5, 1
         FROM apikeys.keys, unnest('{2020-01-01,2020-01-02}'::date[]) AS day WHERE id = '${key.id}'`,
    );
    const terms = { usageOlderThan: '365d', auditOlderThan: '365d' };
    const before = await everything(db.rows);
    const foreseen = await clean({ ...terms, dryRun: true });
    expect(await everything(db.rows)).toEqual(before);
    expect(foreseen).toMatchObject({ deletedKeys: 4, deletedSecrets: 6, deletedUsageDays: 2, dryRun: true });
    const { cutoff: _, dryRun: _dry, ...numbers } = foreseen;
    expect(await clean(terms)).toMatchObject({ ...numbers, dryRun: false });
  });

  test('keys go in batches of the size named, all of them', async () => {
    for (let i = 0; i < 7; i++) await expired('31 days');
    const before = await batches();
    expect(await clean({ batchSize: 3 })).toMatchObject({ deletedKeys: 7 });
    expect((await batches()) - before).toBe(3);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('keys that died in the same millisecond are all found', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(`'${(await expired('31 days')).id}'`);
    await db.rows(`UPDATE apikeys.keys SET expires_at = '2020-01-01' WHERE id IN (${ids})`);
    expect(await clean({ batchSize: 2 })).toMatchObject({ deletedKeys: 5 });
  });

  describe('with a maximal run time', () => {
    test('of nothing, nothing is deleted, and that is not all', async () => {
      const key = await expired('31 days');
      expect(await clean({ maxRuntime: '0' })).toMatchObject({
        deletedKeys: 0,
        complete: false,
        skipped: false,
      });
      expect(await has(key.id)).toBe(true);
      expect(await clean()).toMatchObject({ deletedKeys: 1, complete: true });
    });

    test('it stops between two batches once that has passed, and the next run goes on', async () => {
      for (let i = 0; i < 5; i++) await expired('31 days');
      // The clock stands still but for a minute after each batch.
      let now = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => now);
      const first = await db.service.cleanup({ batchSize: 2, maxRuntime: '1m', actor: 'test' }, () => {
        now += 60_000;
      });
      vi.restoreAllMocks();
      expect(first).toMatchObject({ deletedKeys: 2, complete: false });
      expect(await clean({ batchSize: 2, maxRuntime: '1m' })).toMatchObject({
        deletedKeys: 3,
        complete: true,
      });
    });

    test('nothing left to do is complete, however late', async () => {
      expect(await clean({ maxRuntime: '0' })).toMatchObject({ complete: true });
    });
  });

  test('with a tenant it is confined to it', async () => {
    const [mine, other] = [unique('tenant'), unique('tenant')];
    const here = await expired('31 days', { tenant: mine });
    const there = await expired('31 days', { tenant: other });
    const old = await rotated('31 days', { tenant: other });
    expect(await clean({ tenant: mine, dryRun: true })).toMatchObject({ deletedKeys: 1, deletedSecrets: 1 });
    expect(await clean({ tenant: mine })).toMatchObject({ deletedKeys: 1, deletedSecrets: 1 });
    expect([await has(here.id), await has(there.id)]).toEqual([false, true]);
    expect((await db.service.show(old.id)).secrets).toHaveLength(2);
    expect(await clean()).toMatchObject({ deletedKeys: 1, deletedSecrets: 2 });
  });

  test('progress is told after each batch, and reaches its total', async () => {
    for (let i = 0; i < 5; i++) await expired('31 days');
    const told: [number, number][] = [];
    await db.service.cleanup({ actor: 'cron', batchSize: 2 }, (done, total) => told.push([done, total]));
    expect(told).toEqual([
      [4, 10],
      [8, 10],
      [10, 10],
    ]);
  });

  test.each([
    ['a batch of none', { batchSize: 0 }],
    ['a batch too large', { batchSize: 10_001 }],
    ['half a key', { batchSize: 1.5 }],
    ['a bare number', { olderThan: '30' }],
    ['a month', { maxRuntime: '1mo' }],
    ['a negative time', { usageOlderThan: '-1d' }],
    ['never', { auditOlderThan: 'never' }],
    ['no tenant', { tenant: '' }],
    ['nobody', { actor: '' }],
  ])('%s is refused, and nothing is deleted', async (_what, wrong) => {
    const key = await expired('31 days');
    await expect(clean(wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await has(key.id)).toBe(true);
    await clean();
  });

  test('goes on while the making of keys is switched off', async () => {
    await expired('31 days');
    const off = db.serviceWith({ keyManagement: false });
    expect(await off.cleanup({ actor: 'cron' })).toMatchObject({ deletedKeys: 1 });
  });
});

onServer((db) => {
  const graves = graveyard(db);
  const lock = (tenant: number) => `SELECT pg_advisory_xact_lock(${0x61_6b_63_6c}, ${tenant})`;

  test('it is skipped while another is at work, and says so', async () => {
    const key = await graves.expired('31 days');
    await db.engine.use(async (other) => {
      await other.script(`BEGIN; ${lock(0)}`);
      expect(await graves.clean()).toMatchObject({ skipped: true, complete: true, deletedKeys: 0 });
      // A dry run stands in nobody's way, and another tenant's is another.
      expect(await graves.clean({ dryRun: true })).toMatchObject({ skipped: false, deletedKeys: 1 });
      expect(await graves.clean({ tenant: 'elsewhere' })).toMatchObject({ skipped: false });
      await other.script('ROLLBACK');
    });
    expect(await graves.has(key.id)).toBe(true);
    expect(await graves.clean()).toMatchObject({ skipped: false, deletedKeys: 1 });
  });

  test('eight at once delete everything once', async () => {
    const owner = unique('owner');
    const wide = db.serviceWith({ maxKeysPerOwner: 0 });
    for (let i = 0; i < 60; i++) await wide.create(request({ owner }));
    await db.service.revoke({ owner, actor: 'eve' });
    const done = await Promise.all(
      Array.from({ length: 8 }, () => graves.clean({ olderThan: '0', batchSize: 3 })),
    );
    expect(done.reduce((sum, { deletedKeys }) => sum + deletedKeys, 0)).toBe(60);
    expect(done.some(({ skipped }) => !skipped)).toBe(true);
    const [row] = await db.rows(
      `SELECT count(*)::int AS events, count(DISTINCT key_id)::int AS keys FROM apikeys.audit_events
        WHERE action = 'key.deleted' AND owner_id = '${owner}'`,
    );
    expect(row).toEqual({ events: 60, keys: 60 });
    expect(await chainFaults(db.rows)).toEqual([]);
  });
});
