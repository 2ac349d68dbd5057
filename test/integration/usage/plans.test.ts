import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../../src/db/builder.js';
import { type UsageScope, usageOfAllQuery } from '../../../src/repository/usage-report.js';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { explain } from '../../helpers/plan.js';

const OWNERS = 400;
const DAYS = 60;
const RANGE = { from: '2026-01-05', to: '2026-02-20' };

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await testDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    INSERT INTO apikeys.usage_daily (key_id, day, tenant_id, owner_id, request_count, spend_cents)
    SELECT gen_random_uuid(), date '2026-01-01' + day, 'tenant-' || owner % 10, 'owner-' || owner, 1, 1
      FROM generate_series(1, ${OWNERS}) AS owner, generate_series(0, ${DAYS - 1}) AS day`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const CASES: readonly (readonly [string, UsageScope, string])[] = [
  ['an owner', { ...RANGE, owner: 'owner-7' }, 'usage_daily_owner_idx'],
  ['an owner of a tenant', { ...RANGE, owner: 'owner-7', tenant: 'tenant-7' }, 'usage_daily_owner_idx'],
];

for (const analysed of [false, true]) {
  test.each(CASES)(
    `%s is read by an index alone, ${analysed ? '' : 'not '}analysed`,
    async (_of, scope, index) => {
      if (analysed) await client.query('ANALYZE apikeys.usage_daily');
      const plan = await explain(client, usageOfAllQuery(scope).compile(build));
      expect(plan.indexes, plan.text).toContain(index);
      expect(plan.readWhole, plan.text).toEqual([]);
      // A bitmap counts its rows twice. Of 24,000.
      expect(plan.rowsRead, plan.text).toBeLessThanOrEqual(2 * DAYS);
    },
  );
}

test('a day of all keys is read by the index of days', async () => {
  const scope = { from: '2026-02-02', to: '2026-02-02' };
  const plan = await explain(client, usageOfAllQuery(scope).compile(build));
  expect(plan.readWhole, plan.text).toEqual([]);
  expect(plan.rowsRead, plan.text).toBeLessThanOrEqual(2 * OWNERS);
});
