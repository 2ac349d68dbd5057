import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../src/db/builder.js';
import type { Session } from '../../src/db/engine.js';
import { KEY_SORTS, type KeySort } from '../../src/domain/key.js';
import { latestEvents } from '../../src/repository/audit.js';
import { findEndedKeys, findRetiredSecrets, IN_ORDER } from '../../src/repository/cleanup.js';
import { findPage, type PageRequest } from '../../src/repository/key-list.js';
import { findKeys } from '../../src/repository/key-records.js';
import { findCandidates } from '../../src/repository/key-references.js';
import { countLiveKeys } from '../../src/repository/keys.js';
import { findOwners } from '../../src/repository/owners.js';
import { findSecrets } from '../../src/repository/secrets.js';
import { usageToday } from '../../src/repository/usage.js';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { explain, type Plan } from '../helpers/plan.js';
import { overUrl } from '../helpers/run-sql.js';
import {
  BIG_TENANT,
  COMMON_NAME,
  MIDDLE_TENANT,
  SHARED_OWNER,
  SMALL_OWNER,
  seedKeys,
} from '../helpers/seed.js';
import { BOUNDED, FLAT, type ListCase } from './list-cases.js';
import { patience, scale } from './scale.js';

/** From here on plans are those of large tables; below, what is listed can be looked for the slow way too. */
const MANY = 100_000;
const KEYS = scale('LIST_KEYS', { short: 20_000, long: 1_000_000 });
/** A page of 50, and one more to know whether another follows. */
const PAGE = 51;
/** Each key shown is read four times at most: in the list, itself, its owner, its activity. The rest was passed over. */
const FLAT_ROWS = 15 * PAGE;
/** Each of these through the few levels of an index. */
const FLAT_PAGES = 30 * PAGE;
/** What the planner, knowing nothing, takes for one row in 200 it reads and sorts, while that seems to be a few. */
const GUESSED_ROWS = 2.2 * Math.min(KEYS, 20_000);

let database: TestDatabase;
let client: pg.Client;

beforeAll(
  async () => {
    database = await testDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(`SET timezone = 'UTC'`);
    for (const table of ['owners', 'keys', 'key_activity', 'secrets', 'usage_daily', 'audit_events']) {
      await client.query(`ALTER TABLE apikeys.${table} SET (autovacuum_enabled = false)`);
    }
    await overUrl(database.url, (run) => seedKeys(run, { keys: KEYS, analyse: false }));
  },
  patience(KEYS, 1),
);

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** The plans of all queries of `work`, which gets their rows too. */
async function plansOf(work: (session: Session) => Promise<unknown>): Promise<Plan[]> {
  const plans: Plan[] = [];
  await work({
    async rows(query) {
      const compiled = query.compile(build);
      plans.push(await explain(client, compiled));
      const { rows } = await client.query(compiled.sql, [...compiled.parameters]);
      return rows;
    },
  });
  return plans;
}

const SORTED_BY: Readonly<Record<KeySort, string>> = {
  created: 'key.created_at',
  name: 'key.name',
  expires: `COALESCE(key.expires_at, 'infinity')`,
  'last-used': `COALESCE(activity.last_used_at, '-infinity')`,
};

/** Any key may have been deleted since its page was shown, so the position needs no key of that id. */
const NO_ID = '00000000-0000-7000-8000-000000000000';

/** The same from either end. */
const DEPTHS = [0.01, 0.05, 0.5, 0.95, 0.99];
const known = new Map<string, Promise<readonly string[]>>();

const MATCHING = `
  FROM apikeys.keys AS key
  JOIN apikeys.owners AS owner ON owner.tenant_id = key.tenant_id AND owner.owner_id = key.owner_id
  JOIN apikeys.key_activity AS activity ON activity.key_id = key.id
 WHERE`;

/** What these shares of the matching keys lie behind, in ascending order. A case is asked for several times. */
function sortValues({ where }: ListCase, sort: KeySort): Promise<readonly string[]> {
  const question = `
    SELECT percentile_disc('{${DEPTHS}}'::float8[]) WITHIN GROUP (ORDER BY ${SORTED_BY[sort]})::text[] AS values
    ${MATCHING} ${where}`;
  const answer =
    known.get(question) ??
    client.query<{ values: string[] | null }>(question).then(({ rows }) => {
      const values = rows[0]?.values;
      if (!values) throw new Error('nothing matches, so the plan shows nothing');
      return values;
    });
  known.set(question, answer);
  return answer;
}

/** The first page, and pages behind each of {@link DEPTHS}. */
async function pagesOf(listed: ListCase, order: string): Promise<[string, PageRequest][]> {
  const sort = KEY_SORTS.find((name) => order.startsWith(name)) ?? 'created';
  const descending = order.endsWith('desc');
  const values = await sortValues(listed, sort);
  const first: PageRequest = { ...listed.filter, sort, descending, limit: PAGE };
  const pages: [string, PageRequest][] = [['first page', first]];
  for (const [index, value] of (descending ? values.toReversed() : values).entries()) {
    pages.push([`behind ${DEPTHS[index]}`, { ...first, after: { value, id: NO_ID } }]);
  }
  return pages;
}

/** The ids of a page, asked for as plainly as can be. */
async function plainly({ where }: ListCase, { sort, descending, after }: PageRequest): Promise<string[]> {
  const direction = descending ? 'DESC' : 'ASC';
  const behind = descending ? '<' : '>';
  const type = sort === 'name' ? 'text' : 'timestamptz';
  const { rows } = await client.query<{ id: string }>(
    `SELECT key.id ${MATCHING} ${where}
        AND ($1::text IS NULL OR (${SORTED_BY[sort]}, key.id) ${behind} ($1::${type}, $2::uuid))
      ORDER BY ${SORTED_BY[sort]} ${direction}, key.id ${direction} LIMIT ${PAGE}`,
    [after?.value ?? null, after?.id ?? NO_ID],
  );
  return rows.map(({ id }) => id);
}

async function eachPage(
  listed: ListCase,
  order: string,
  check: (plan: Plan, about: string) => void,
): Promise<void> {
  for (const [which, request] of await pagesOf(listed, order)) {
    const found: string[] = [];
    const plans = await plansOf(async (session) => {
      for (const { id } of await findPage(session, request)) found.push(id);
    });
    for (const plan of plans) check(plan, `${which}:\n${plan.text}`);
    if (KEYS < MANY) expect(found, which).toEqual(await plainly(listed, request));
  }
}

const withOrders = <Case extends ListCase>(cases: readonly Case[]): [string, string, Case][] =>
  cases.flatMap((listed) =>
    listed.orders.map((order): [string, string, Case] => [listed.name, order, listed]),
  );

function isFlat(plan: Plan, about: string): void {
  expect(plan.rowsRead, about).toBeLessThanOrEqual(FLAT_ROWS);
  expect(plan.pages, about).toBeLessThanOrEqual(FLAT_PAGES);
  expect(plan.rowsSorted, about).toBeLessThanOrEqual(FLAT_ROWS);
}

// The order of these two matters: statistics once gathered cannot be forgotten.
describe(`${KEYS} keys of which the planner knows nothing, as after an import`, () => {
  test.each(withOrders(FLAT))('%s, %s: reads little more than the page', async (_name, order, listed) => {
    // The frozen owners are looked for among all owners then.
    const more = listed.filter.status === 'frozen' ? KEYS / 9 : 0;
    await eachPage(listed, order, (plan, about) => {
      expect(plan.rowsRead, about).toBeLessThanOrEqual(GUESSED_ROWS + more);
    });
  });
});

describe(`${KEYS} keys`, () => {
  beforeAll(
    async () => {
      // Of an empty table the planner reads nothing whole, too.
      await client.query(`
      WITH limited AS (UPDATE apikeys.keys SET limited = true WHERE hashtext(id::text) % 20 = 0 RETURNING id)
      INSERT INTO apikeys.limits (key_id, quota_requests, quota_period) SELECT id, 10, 'day' FROM limited`);
      await client.query('VACUUM ANALYZE');
    },
    patience(KEYS, 0.2),
  );

  test.each(withOrders(FLAT))(
    '%s, %s: reads little more than the page, by an index',
    async (_name, order, listed) => {
      await eachPage(listed, order, (plan, about) => {
        isFlat(plan, about);
        expect(plan.readWhole, about).toEqual([]);
      });
    },
  );

  test.each(withOrders(BOUNDED))('%s, %s: reads a part of the keys', async (_name, order, listed) => {
    await eachPage(listed, order, (plan, about) => {
      // A small table is rather read as a whole.
      const most = KEYS < MANY ? 2.2 * KEYS : listed.share * KEYS;
      expect(plan.rowsRead, about).toBeLessThanOrEqual(most);
    });
  });

  test('one page of 1,000 keys reads as little for each', async () => {
    const [plan] = await plansOf((session) =>
      findPage(session, { sort: 'created', descending: true, limit: 1_001 }),
    );
    expect(plan?.rowsRead, plan?.text).toBeLessThanOrEqual(Math.max(10 * 1_001, 2.2 * 20_000));
  });

  test('show, by id, prefix and name, with a tenant and without: every query reads a few rows', async () => {
    const { rows } = await client.query<{ id: string; name: string; key_prefix: string; tenant_id: string }>(
      `SELECT id, name, key_prefix, tenant_id FROM apikeys.keys WHERE name LIKE 'ci-%' ORDER BY md5(name) LIMIT 5`,
    );
    expect(rows).toHaveLength(5);
    for (const { id, name, key_prefix, tenant_id } of rows) {
      for (const [reference, tenant] of [id, name, key_prefix].flatMap((reference) => [
        [reference, undefined] as const,
        [reference, tenant_id] as const,
      ])) {
        const plans = await plansOf(async (session) => {
          const candidates = await findCandidates(session, reference, { tenant }, 6);
          expect(new Set(candidates.map((candidate) => candidate.id))).toEqual(new Set([id]));
          await findKeys(session, [id]);
          await usageToday(session, [id]);
          await findSecrets(session, id);
          await latestEvents(session, id, 10);
        });
        expect(plans).toHaveLength(5);
        for (const plan of plans) {
          expect(plan.rowsRead, plan.text).toBeLessThanOrEqual(20);
          expect(plan.readWhole, plan.text).toEqual([]);
        }
      }
    }
  });

  test.each([undefined, BIG_TENANT, MIDDLE_TENANT])(
    'a name that many keys have is found at once (tenant %s)',
    async (tenant) => {
      const [plan] = await plansOf((session) => findCandidates(session, COMMON_NAME, { tenant }, 6));
      const { rows } = await client.query('SELECT count(*)::int AS all FROM apikeys.keys WHERE name = $1', [
        COMMON_NAME,
      ]);
      // Of a tenant that has few of them, all of that name may be read, and of no other.
      const most = tenant === MIDDLE_TENANT ? 5 * rows[0].all : FLAT_ROWS;
      expect(plan?.rowsRead, plan?.text).toBeLessThanOrEqual(most);
    },
  );

  test('the keys that count against a limit, and the tenants of an owner, are found by an index', async () => {
    const plans = await plansOf(async (session) => {
      await countLiveKeys(session, { tenantId: BIG_TENANT, ownerId: SMALL_OWNER });
      await countLiveKeys(session, { tenantId: MIDDLE_TENANT, ownerId: SHARED_OWNER });
      await findOwners(session, SHARED_OWNER, undefined, 6);
    });
    for (const plan of plans) {
      expect(plan.rowsRead, plan.text).toBeLessThanOrEqual(20);
      expect(plan.readWhole, plan.text).toEqual([]);
    }
  });

  test('the walks of a cleanup read what they give, from wherever they go on', async () => {
    const scope = { cutoff: new Date(), tenant: undefined };
    await client.query(`BEGIN; ${IN_ORDER}`);
    try {
      const plans = await plansOf(async (session) => {
        const dead = await findEndedKeys(session, scope, undefined, PAGE);
        await findEndedKeys(session, scope, dead.at(-1), PAGE);
        const retired = await findRetiredSecrets(session, scope, undefined, PAGE);
        expect(await findRetiredSecrets(session, scope, retired.at(-1), PAGE)).toHaveLength(PAGE);
      });
      expect(plans).toHaveLength(4);
      for (const plan of plans) isFlat(plan, plan.text);
    } finally {
      await client.query('ROLLBACK');
    }
  });
});
