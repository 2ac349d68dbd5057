import { expect, test } from 'vitest';
import { nextEvent, verifyLink } from '../../../src/domain/audit.js';
import { findAnchors } from '../../../src/repository/audit-anchors.js';
import { eachEngine, type TestService } from '../../helpers/engines.js';
import { everything } from '../life/stored.js';
import { events, keyChain, ownerChain, unique } from '../service/stored.js';
import { graveyard } from './dead.js';

/** Makes the first `count` events of a chain a year older, as if they had been written then. */
async function age(db: TestService, chain: string, count: number): Promise<void> {
  const all = await events(db.rows, chain);
  let head = { seq: 0, hash: null as Buffer | null };
  for (const [at, event] of all.entries()) {
    const year = at < count ? 365 * 24 * 3_600_000 : 0;
    const { seq: _seq, prevHash: _prev, hash: _hash, ...facts } = event;
    const aged = nextEvent(head, {
      ...facts,
      action: 'key.updated',
      at: new Date(event.at.getTime() - year),
    });
    await db.rows(
      `UPDATE apikeys.audit_events
          SET action = 'key.updated', at = '${aged.at.toISOString()}', hash = '\\x${aged.hash.toString('hex')}',
              prev_hash = ${aged.prevHash === null ? 'NULL' : `'\\x${aged.prevHash.toString('hex')}'`}
        WHERE id = '${event.id}'`,
    );
    head = aged;
  }
  const last = `audit_hash = '\\x${head.hash?.toString('hex')}'`;
  const [event] = all;
  if (event?.keyId) await db.rows(`UPDATE apikeys.keys SET ${last} WHERE id = '${event.keyId}'`);
  else await db.rows(`UPDATE apikeys.owners SET ${last} WHERE owner_id = '${event?.ownerId}'`);
}

eachEngine((db) => {
  const graves = graveyard(db);
  const { clean, live } = graves;
  const anchorOf = async (keyId: string | null, ownerId: string, tenantId = 'default') => {
    const found = await db.engine.use((session) => findAnchors(session, [{ keyId, ownerId, tenantId }]));
    return found[0];
  };
  const usage = async (owner: string) =>
    (
      await db.rows(
        `SELECT day::text, request_count::int AS requests FROM apikeys.usage_daily WHERE owner_id = '${owner}' ORDER BY day, key_id`,
      )
    ).map(({ day, requests }) => `${day} ${requests}`);
  const record = (key: { id: string; ownerId: string }, day: string, requests: number) =>
    db.rows(
      `INSERT INTO apikeys.usage_daily VALUES ('${key.id}', ${day}, 'default', '${key.ownerId}', ${requests}, 1)`,
    );
  const today = `(now() AT TIME ZONE 'UTC')::date`;

  test('nothing of the history is touched without being asked for', async () => {
    const key = await graves.expired('400 days');
    await record(key, `'2020-01-01'`, 1);
    await age(db, keyChain(key.id), 1);
    expect(await clean()).toMatchObject({ deletedKeys: 1, deletedUsageDays: 0, deletedEvents: 0 });
    expect(await usage(key.ownerId)).toHaveLength(1);
    expect(await events(db.rows, keyChain(key.id))).toHaveLength(2);
    const asked = { usageOlderThan: '300d', auditOlderThan: '300d' };
    expect(await clean(asked)).toMatchObject({ deletedUsageDays: 1, deletedEvents: 1 });
  });

  test('usage days go once they have ended for that long, in batches, and the owner’s chain has their sums', async () => {
    const key = await live();
    for (const [ago, requests] of [
      [0, 1],
      [1, 2],
      [2, 4],
      [3, 8],
      [4, 16],
    ])
      await record(key, `${today} - ${ago}`, requests ?? 0);
    const other = await live();
    await record(other, `${today} - 2`, 32);
    const terms = { usageOlderThan: '1d', batchSize: 2, tenant: 'default' };
    const before = await everything(db.rows);
    expect(await clean({ ...terms, dryRun: true })).toMatchObject({ deletedUsageDays: 4 });
    expect(await everything(db.rows)).toEqual(before);
    expect(await clean(terms)).toMatchObject({ deletedUsageDays: 4, deletedKeys: 0, deletedEvents: 0 });
    expect((await usage(key.ownerId)).map((line) => line.split(' ')[1])).toEqual(['2', '1']);
    const pruned = (await events(db.rows, ownerChain(key.ownerId))).filter(
      ({ action }) => action === 'usage.pruned',
    );
    const sums = pruned.map(({ details }) => JSON.parse(details));
    expect(sums).toMatchObject([
      { days: 2, request_count: 24, spend_cents: 2 },
      { days: 1, request_count: 4, spend_cents: 1 },
    ]);
    expect(await clean(terms)).toMatchObject({ deletedUsageDays: 0 });
    expect(await chainOf(db, ownerChain(key.ownerId))).toEqual([]);
  });

  test('events of a chain go from its beginning; an anchor says where it goes on, and an event vouches for it', async () => {
    const key = await live();
    await db.service.freeze({ keys: [key.id], actor: 'ops' });
    await db.service.unfreeze({ keys: [key.id], actor: 'ops' });
    await age(db, keyChain(key.id), 2);
    const [, second, third] = await events(db.rows, keyChain(key.id));
    const terms = { auditOlderThan: '300d' };
    const before = await everything(db.rows);
    expect(await clean({ ...terms, dryRun: true })).toMatchObject({ deletedEvents: 2 });
    expect(await everything(db.rows)).toEqual(before);
    expect(await clean(terms)).toMatchObject({ deletedEvents: 2, deletedKeys: 0 });

    expect(await events(db.rows, keyChain(key.id))).toEqual([third]);
    const anchor = await anchorOf(key.id, key.ownerId);
    expect(anchor).toMatchObject({ seq: 2, hash: second?.hash, ownerSeq: 2, prunedBy: 'cron' });
    expect(third && anchor && verifyLink(anchor, third)).toBeNull();
    const vouching = (await events(db.rows, ownerChain(key.ownerId))).find(
      ({ seq }) => seq === anchor?.ownerSeq,
    );
    expect(vouching).toMatchObject({ action: 'audit.pruned', actor: 'cron' });
    expect(JSON.parse(vouching?.details ?? '')).toEqual({
      before: expect.any(String),
      events: 2,
      chains: [{ key_id: key.id, seq: 2, hash: second?.hash.toString('hex'), state: expect.any(Object) }],
    });
    expect(await clean(terms)).toMatchObject({ deletedEvents: 0 });
  });

  test('the chain of the database is pruned as an owner’s is, and holds', async () => {
    const key = await live();
    const lines = async function* () {
      for (const line of [1, 2]) yield { line, key: key.id, requests: 1, spendCents: 0, at: undefined };
    };
    for (let run = 0; run < 3; run++) await db.service.importUsage(lines(), { actor: 'ops' });
    const chain = ownerChain('');
    await age(db, chain, 2);
    expect(await clean({ auditOlderThan: '300d', tenant: 'default' })).toMatchObject({ deletedEvents: 0 });
    expect(await clean({ auditOlderThan: '300d' })).toMatchObject({ deletedEvents: 2 });
    expect((await events(db.rows, chain)).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await anchorOf(null, '', '')).toMatchObject({ seq: 2, ownerSeq: 4 });
    await db.service.importUsage(lines(), { actor: 'ops' });
    const { broken } = await db.service.verifyAudit();
    expect(broken.filter(({ ownerId }) => ownerId === '')).toEqual([]);
  });

  test('a chain of which nothing is left goes on from its anchor', async () => {
    const key = await live();
    await age(db, keyChain(key.id), 1);
    await clean({ auditOlderThan: '300d' });
    expect(await events(db.rows, keyChain(key.id))).toEqual([]);
    await db.service.revoke({ keys: [key.id], actor: 'eve' });
    const [event] = await events(db.rows, keyChain(key.id));
    const anchor = await anchorOf(key.id, key.ownerId);
    expect(event && anchor && verifyLink(anchor, event)).toBeNull();
    expect(event?.seq).toBe(2);
  });

  test('an owner’s chain is pruned too, its anchor moves on, and what tells of a pruning starts no other', async () => {
    const owner = unique('owner');
    const key = await live({ owner });
    await age(db, ownerChain(owner), 1);
    expect(await clean({ auditOlderThan: '300d' })).toMatchObject({ deletedEvents: 1 });
    expect(await anchorOf(null, owner)).toMatchObject({ seq: 1, ownerSeq: 2 });
    await db.service.freezeOwner({ owner, actor: 'ops' });
    // The first pruning is a year old by now, and so is the freeze.
    await db.rows(
      `UPDATE apikeys.audit_events SET at = at - interval '1 year' WHERE owner_id = '${owner}' AND key_id IS NULL AND action = 'audit.pruned'`,
    );
    expect(await clean({ auditOlderThan: '300d', dryRun: true })).toMatchObject({ deletedEvents: 0 });
    expect(await clean({ auditOlderThan: '300d' })).toMatchObject({ deletedEvents: 0 });
    expect(await graves.has(key.id)).toBe(true);
  });

  test('an old event behind one that stays, stays: a chain is never cut in the middle', async () => {
    const key = await live();
    await db.service.freeze({ keys: [key.id], actor: 'ops' });
    await db.rows(
      `UPDATE apikeys.audit_events SET at = at - interval '1 year' WHERE key_id = '${key.id}' AND seq = 2`,
    );
    expect(await clean({ auditOlderThan: '300d', dryRun: true })).toMatchObject({ deletedEvents: 0 });
    expect(await clean({ auditOlderThan: '300d' })).toMatchObject({ deletedEvents: 0, complete: true });
    expect(await events(db.rows, keyChain(key.id))).toHaveLength(2);
  });

  test('a chain that does not hold is left to be seen, and the others go all the same', async () => {
    const owner = unique('owner');
    const [broken, sound] = [await live({ owner }), await live({ owner })];
    for (const { id } of [broken, sound]) await age(db, keyChain(id), 1);
    await db.rows(`UPDATE apikeys.audit_events SET actor = 'mallory' WHERE key_id = '${broken.id}'`);
    expect(await clean({ auditOlderThan: '300d', batchSize: 1 })).toMatchObject({ deletedEvents: 1 });
    expect(await events(db.rows, keyChain(broken.id))).toHaveLength(1);
    expect(await events(db.rows, keyChain(sound.id))).toHaveLength(0);
  });

  test('many chains and batches: every event is counted once, and with a tenant no other is touched', async () => {
    const tenant = unique('tenant');
    const mine = [];
    for (let i = 0; i < 5; i++) mine.push(await live({ tenant, owner: `o${i % 2}` }));
    const other = await live();
    for (const { id } of [...mine, other]) await age(db, keyChain(id), 1);
    const terms = { auditOlderThan: '300d', batchSize: 2, tenant };
    expect(await clean({ ...terms, dryRun: true })).toMatchObject({ deletedEvents: 5 });
    expect(await clean(terms)).toMatchObject({ deletedEvents: 5 });
    expect(await events(db.rows, keyChain(other.id))).toHaveLength(1);
    expect(await clean({ auditOlderThan: '300d' })).toMatchObject({ deletedEvents: 1 });
  });
});

/** What is wrong with the links of one chain that was never pruned. */
async function chainOf(db: TestService, chain: string): Promise<unknown[]> {
  const all = await events(db.rows, chain);
  return all.flatMap((event, at) => verifyLink(all[at - 1] ?? { seq: 0, hash: null }, event) ?? []);
}
