import { expect, test } from 'vitest';
import { onServer } from '../../helpers/engines.js';
import { unique } from '../service/stored.js';
import { graveyard } from './dead.js';

onServer((db) => {
  const { clean } = graveyard(db);

  /** Stores keys without secrets that died one after the other from `days` ago on, in no order of their ids. */
  async function bury(count: number, { days = 60, frozenAt = 'NULL' } = {}): Promise<string> {
    const owner = unique('owner');
    await db.rows(
      `WITH owner AS (INSERT INTO apikeys.owners (tenant_id, owner_id, created_at) VALUES ('default', '${owner}', now()))
       INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, revoked_at,
                                 expires_at, lifetime_ms, frozen_at, audit_seq, audit_hash)
       SELECT id, 'default', '${owner}', 'n', 'rv_00000000', sha256(id::text::bytea), now(), 'test', NULL,
              now() - interval '${days} days' + nth * interval '1 ms', 1, ${frozenAt}, 1, sha256(id::text::bytea)
         FROM generate_series(1, ${count}) AS nth, LATERAL (SELECT gen_random_uuid() AS id WHERE nth > 0) AS drawn`,
    );
    return owner;
  }

  const left = async (owner: string) =>
    (await db.rows(`SELECT count(*)::int AS keys FROM apikeys.keys WHERE owner_id = '${owner}'`))[0]?.keys;

  test('more than is gathered at a time goes to the last key, past more frozen ones than are read at a time', async () => {
    const frozen = await bury(2_500, { days: 90, frozenAt: 'now()' });
    const owner = await bury(20_500);
    expect(await clean()).toMatchObject({ deletedKeys: 20_500, complete: true });
    expect([await left(owner), await left(frozen)]).toEqual([0, 2_500]);
    const [events] = await db.rows(
      `SELECT count(*)::int AS events, count(DISTINCT key_id)::int AS keys, count(DISTINCT xmin::text)::int AS batches,
              count(DISTINCT at)::int AS moments
         FROM apikeys.audit_events WHERE owner_id = '${owner}' AND action = 'key.deleted'`,
    );
    expect(events).toMatchObject({ events: 20_500, keys: 20_500 });
    // The first two batches have the time of the reading before them; each later one has a time of its own.
    expect(Number(events?.moments)).toBeGreaterThan(Number(events?.batches) / 2);
  });

  test.each([1_999, 2_000, 2_001])('%d keys, as many as are read at a time, all go', async (count) => {
    const owner = await bury(count);
    expect(await clean()).toMatchObject({ deletedKeys: count });
    expect(await left(owner)).toBe(0);
  });

  test('batches go in the order of the keys’ ids: what lies side by side in the tables goes together', async () => {
    const owner = await bury(40);
    await clean({ batchSize: 10 });
    const batches = await db.rows(
      `SELECT min(key_id::text) AS first, max(key_id::text) AS last FROM apikeys.audit_events
        WHERE owner_id = '${owner}' AND action = 'key.deleted' GROUP BY xmin ORDER BY xmin::text::bigint`,
    );
    expect(batches).toHaveLength(4);
    for (const [at, batch] of batches.entries()) {
      if (at > 0) expect(String(batches[at - 1]?.last) < String(batch.first)).toBe(true);
    }
  });
});
