import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import type { TestCalls } from '../helpers/named-caller.js';
import { overUrl, type RunSql } from '../helpers/run-sql.js';
import { openKeys } from '../integration/db/opened.js';
import { faultsIn } from './consistency.js';

let database: TestDatabase;
let keys: TestCalls;
beforeAll(async () => {
  database = await testDatabase();
  keys = openKeys(database.url);
});
afterAll(async () => {
  await keys.close();
  await database.drop();
});

const actor = 'tester';
const prune = () => keys.cleanup({ auditOlderThan: '0', actor });
const faults = () => overUrl(database.url, faultsIn);

/** What is found of an alteration that is taken back. */
async function foundAfter(...alteration: readonly string[]): Promise<string[]> {
  return overUrl(database.url, async (run: RunSql) => {
    await run('BEGIN');
    for (const statement of alteration) await run(statement);
    const found = await faultsIn(run);
    await run('ROLLBACK');
    return found;
  });
}

test('what was pruned is whole, and half a pruning is not', async () => {
  const made = [];
  for (const name of ['quiet', 'busy', 'revoked']) {
    made.push((await keys.create({ name, owner: 'pruned', actor })).key.id);
  }
  const [, busy = '', revoked = ''] = made;
  await keys.create({ name: 'elsewhere', owner: 'pruned', tenant: 'other', actor });
  await keys.revoke({ keys: [revoked], actor });
  expect(await faults()).toEqual([]);
  expect((await prune()).deletedEvents).toBeGreaterThan(6);
  expect(await faults()).toEqual([]);

  await keys.rotate({ key: busy, actor });
  await keys.create({ name: 'young', owner: 'pruned', tenant: 'default', actor });
  expect(await faults()).toEqual([]);
  // The event that told of the first pruning goes with the second, and the anchors of the quiet chains outlive it.
  await keys.freezeOwner({ owner: 'pruned', tenant: 'default', actor });
  await keys.unfreezeOwner({ owner: 'pruned', tenant: 'default', actor });
  expect((await prune()).deletedEvents).toBeGreaterThan(1);
  await keys.rotate({ key: busy, actor });
  expect(await faults()).toEqual([]);

  const busyChain = `key_id = '${busy}'`;
  const lost = await foundAfter(`DELETE FROM apikeys.audit_anchors WHERE ${busyChain}`);
  expect(lost.map((line) => line.replace(/: .*| at .*/, ''))).toEqual([
    'key with 1 of 3 events',
    'broken chain',
    'key without the event of its making',
  ]);
  expect(await foundAfter(`DELETE FROM apikeys.audit_events WHERE ${busyChain}`)).toHaveLength(2);
  expect(await foundAfter(`UPDATE apikeys.audit_anchors SET seq = seq + 1 WHERE ${busyChain}`)).toEqual([
    expect.stringMatching(/^key with 1 of 0 events/),
    expect.stringMatching(/^event that its anchor says was pruned/),
  ]);
  expect(
    await foundAfter(`UPDATE apikeys.audit_anchors SET owner_seq = owner_seq + 9 WHERE ${busyChain}`),
  ).toEqual([expect.stringMatching(/^anchor without the event of its pruning/)]);
  expect(await foundAfter(`DELETE FROM apikeys.audit_anchors WHERE key_id IS NULL`)).not.toEqual([]);
});
