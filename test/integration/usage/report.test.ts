import { beforeAll, expect, test } from 'vitest';
import { serviceContext } from '../../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { getUsage, type UsageSeries } from '../../../src/service/usage/get-usage.js';
import { eachEngine } from '../../helpers/engines.js';
import type { UsageRequest } from '../../helpers/named-caller.js';
import { type MadeKey, makeKey } from '../verify/verifiers.js';

const [TENANT, OWNER] = ['reports', 'reporter'];
const FROM = '2020-12-01';
const TO = '2021-02-28';
const at = (day: string): string => `${day}T12:00:00Z`;

const FORMATS = { day: 'YYYY-MM-DD', week: 'IYYY-"W"IW', month: 'YYYY-MM' } as const;

eachEngine((db) => {
  let key: MadeKey;
  let gone: MadeKey;
  const contextOf = (tenant: string | undefined) => ({
    ...serviceContext(db.engine, DEFAULT_SETTINGS),
    caller: { tenant },
  });
  const usage = ({ tenant, ...request }: UsageRequest = {}) => getUsage(contextOf(tenant), request);
  const series = ({ tenant, ...request }: UsageRequest & { key: string }) =>
    getUsage(contextOf(tenant), request);

  beforeAll(async () => {
    key = await makeKey(db, { tenant: TENANT, owner: OWNER, name: 'kept' });
    gone = await makeKey(db, { tenant: TENANT, owner: OWNER, name: 'gone' });
    // Two days of three, over a year's end that lies within week 53.
    await db.rows(`
      INSERT INTO apikeys.usage_daily (key_id, day, tenant_id, owner_id, request_count, spend_cents)
      SELECT id, day, '${TENANT}', '${OWNER}', 1 + n * n, n
        FROM (VALUES ('${key.id}'::uuid, 1), ('${gone.id}'::uuid, 2)) AS key (id, factor),
             LATERAL (SELECT day::date, factor * (1 + day::date - date '${FROM}') AS n
                        FROM generate_series(timestamp '${FROM}', timestamp '${TO}', interval '1 day') AS day) AS days
       WHERE n % 3 <> 0`);
    for (const table of ['secrets WHERE key_id', 'key_activity WHERE key_id', 'keys WHERE id'])
      await db.rows(`DELETE FROM apikeys.${table} = '${gone.id}'`);
  });

  const bySql = async (id: string, by: keyof typeof FORMATS, from: string, to: string) => {
    const rows = await db.rows(`
      SELECT to_char(time.at, '${FORMATS[by]}') AS period,
             COALESCE(sum(request_count), 0)::float8 AS "requestCount", COALESCE(sum(spend_cents), 0)::float8 AS "spendCents"
        FROM generate_series(timestamp '${from}', timestamp '${to}', interval '1 day') AS time (at)
        LEFT JOIN apikeys.usage_daily AS used ON used.day = time.at::date AND used.key_id = '${id}'
       GROUP BY 1 ORDER BY min(time.at)`);
    return rows.map((row) => ({ ...row }));
  };

  const RANGES = [
    [FROM, TO],
    ['2020-12-30', '2021-01-04'],
    ['2021-01-01', '2021-01-03'],
    ['2020-12-31', '2020-12-31'],
    ['2021-01-31', '2021-02-01'],
    ['2016-02-28', '2016-03-01'],
  ] as const;

  test.each(RANGES)(
    'usage from %s to %s is what SQL says of it, by day, week and month',
    async (from, to) => {
      for (const by of ['day', 'week', 'month'] as const) {
        for (const id of [key.id, gone.id]) {
          const found = await series({ key: id, since: at(from), until: at(to), by });
          const expected = await bySql(id, by, from, to);
          expect(found.series).toEqual(expected);
          expect(found).toMatchObject({
            keyId: id,
            tenantId: TENANT,
            ownerId: OWNER,
            name: id === gone.id ? null : 'kept',
            from,
            to,
            by,
            requestCount: expected.reduce((sum, row) => sum + Number(Reflect.get(row, 'requestCount')), 0),
            spendCents: expected.reduce((sum, row) => sum + Number(Reflect.get(row, 'spendCents')), 0),
          });
        }
      }
    },
  );

  test('the days around New Year are in the week that has their Thursday', async () => {
    const { series: weeks } = await series({
      key: key.id,
      since: at('2020-12-27'),
      until: at('2021-01-04'),
      by: 'week',
    });
    expect(weeks.map(({ period }) => period)).toEqual(['2020-W52', '2020-W53', '2021-W01']);
  });

  test('without a range it is today, by the clock of the database, and empty where nothing was used', async () => {
    const [row] = await db.rows(`SELECT (now() AT TIME ZONE 'UTC')::date::text AS today`);
    expect(await series({ key: key.id })).toMatchObject({
      from: row?.today,
      to: row?.today,
      requestCount: 0,
      spendCents: 0,
      series: [{ period: row?.today, requestCount: 0, spendCents: 0 }],
    });
    expect(await series({ key: 'kept', since: '2d', until: '9999-01-01T00:00:00Z' })).toMatchObject({
      to: row?.today,
      series: { length: 3 },
    });
  });

  test('the top adds up to the whole, keys that are gone included', async () => {
    const request = { owner: OWNER, tenant: TENANT, since: at(FROM), until: at(TO) };
    const all = await usage(request);
    if (!('top' in all)) throw new Error('this is no ranking');
    const [total] = await db.rows(`
      SELECT sum(request_count)::float8 AS requests, sum(spend_cents)::float8 AS spend
        FROM apikeys.usage_daily WHERE owner_id = '${OWNER}'`);
    expect([all.requestCount, all.spendCents]).toEqual([total?.requests, total?.spend]);
    expect(all.top.map(({ keyId, name }) => [keyId, name])).toEqual([
      [gone.id, null],
      [key.id, 'kept'],
    ]);
    expect(all.top.reduce((sum, { requestCount }) => sum + requestCount, 0)).toBe(all.requestCount);
    expect(await usage({ ...request, limit: 1 })).toEqual({ ...all, top: all.top.slice(0, 1) });
    expect(await usage({ ...request, tenant: 'another' })).toMatchObject({ requestCount: 0, top: [] });
    expect(await usage({ ...request, until: at(FROM), since: at(FROM) })).toMatchObject({ requestCount: 7 });
  });

  test('what cannot be meant is refused', async () => {
    const codes = await Promise.all(
      (
        [
          { key: gone.id, tenant: 'another' },
          { key: key.id, owner: 'another' },
          { key: 'gone' },
          { since: '1d', until: '2d' },
          { since: '9998-01-01T00:00:00Z' },
          { since: 'yesterday' },
          { limit: 0 },
        ] as UsageRequest[]
      ).map((request) =>
        usage(request).then(
          () => 'done',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(codes).toEqual([
      'KEY_NOT_FOUND',
      'KEY_NOT_FOUND',
      'KEY_NOT_FOUND',
      'INVALID_INPUT',
      'INVALID_INPUT',
      'INVALID_INPUT',
      'INVALID_INPUT',
    ]);
  });

  test('sums stop at the largest number that JSON can hold', async () => {
    const big = await makeKey(db);
    await db.rows(`
      INSERT INTO apikeys.usage_daily SELECT '${big.id}', day, 'default', '${big.owner}', 9007199254740991, 9007199254740991
        FROM unnest(ARRAY['2019-01-01', '2019-01-02']::date[]) AS day`);
    const range = { since: at('2019-01-01'), until: at('2019-01-02') };
    const most = { requestCount: Number.MAX_SAFE_INTEGER, spendCents: Number.MAX_SAFE_INTEGER };
    const months: UsageSeries = await series({ key: big.id, by: 'month', ...range });
    expect(months).toMatchObject({ ...most, series: [{ period: '2019-01', ...most }] });
    expect(await usage({ owner: big.owner, ...range })).toMatchObject({ ...most, top: [most] });
  });
});
