import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../../src/db/builder.js';
import { type EventRequest, eventsQuery } from '../../../src/repository/audit.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { explain } from '../../helpers/plan.js';
import { overUrl } from '../../helpers/run-sql.js';
import { seedChains } from './seed-chains.js';

const KEYS = 5_000;
const LENGTH = 6;
const LIMIT = 51;

let database: TestDatabase;
let client: pg.Client;
let keyId: string;
/** In the middle of all events. */
let middle: { at: Date; id: string };

beforeAll(async () => {
  database = await testDatabase();
  await overUrl(database.url, (run) => seedChains(run, { keys: KEYS, owners: 400, length: LENGTH }));
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const first = async <Row extends pg.QueryResultRow>(sql: string): Promise<Row> => {
    const { rows } = await client.query<Row>(sql);
    if (rows[0] === undefined) throw new Error('nothing was seeded');
    return rows[0];
  };
  keyId = (await first<{ id: string }>('SELECT id FROM apikeys.keys LIMIT 1')).id;
  middle = await first(
    `SELECT at, id FROM apikeys.audit_events ORDER BY at, id OFFSET ${(KEYS * LENGTH) / 2} LIMIT 1`,
  );
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

test.each<[string, () => Partial<EventRequest>, string]>([
  ['the whole trail', () => ({}), 'audit_events_at_idx'],
  ['a page in the middle', () => ({ after: middle }), 'audit_events_at_idx'],
  ['what follows an event', () => ({ after: middle, descending: false }), 'audit_events_at_idx'],
  ['a time', () => ({ until: middle.at }), 'audit_events_at_idx'],
  ['a tenant', () => ({ tenant: 'tenant-3' }), 'audit_events_tenant_at_idx'],
  ['the same, in the middle', () => ({ tenant: 'tenant-3', after: middle }), 'audit_events_tenant_at_idx'],
  [
    'what follows an event of a tenant',
    () => ({ tenant: 'tenant-3', after: middle, descending: false }),
    'audit_events_tenant_at_idx',
  ],
  ['a tenant without events', () => ({ tenant: 'nobody' }), 'audit_events_tenant_at_idx'],
  ['a key', () => ({ keyId }), 'audit_events_key_chain_idx'],
  ['a key, further back', () => ({ keyId, until: middle.at }), 'audit_events_key_chain_idx'],
  ['an owner', () => ({ owner: 'owner-17' }), 'audit_events_owner_at_idx'],
  ['an owner that is in all tenants', () => ({ owner: 'shared' }), 'audit_events_owner_at_idx'],
  ['these, in the middle', () => ({ owner: 'shared', after: middle }), 'audit_events_owner_at_idx'],
  ['an owner of one tenant', () => ({ owner: 'shared', tenant: 'tenant-3' }), 'audit_events_owner_at_idx'],
  ['an owner that does not exist', () => ({ owner: 'nobody' }), 'audit_events_owner_at_idx'],
])('%s is read by an index, and no more of it than a page', async (_what, filter, index) => {
  const request = { descending: true, limit: LIMIT, ...filter() };
  const plan = await explain(client, eventsQuery(request).compile(build));
  expect(plan.indexes, plan.text).toContain(index);
  expect(plan.readWhole, plan.text).toEqual([]);
  // Ten tenants, each with a page, for which a bitmap counts twice; and the keys of the page. Of 30,400.
  expect(plan.rowsRead, plan.text).toBeLessThanOrEqual(21 * LIMIT);
});
