import { beforeAll, describe, expect, test } from 'vitest';
import { usageSchema } from '../../src/representation/schemas/usage.js';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();
const owner = newOwner();
/** A terminal wide enough for every column. */
const PLAIN = { terminal: true, env: { NO_COLOR: '1', COLUMNS: '120' } };
const RANGE = ['--since', '2026-01-30T00:00:00Z', '--until', '2026-02-03T00:00:00Z'];

beforeAll(async () => {
  const records = [
    ['first', owner, '2026-01-30T23:00:00Z', 2, 5],
    ['second', owner, '2026-01-30T01:00:00Z', 3, 1],
    ['second', owner, '2026-02-02T12:00:00Z', 7, 0],
    ['other', newOwner(), '2026-02-02T12:00:00Z', 100, 1],
    ['elsewhere', owner, '2026-02-01T12:00:00Z', 1000, 10],
  ] as const;
  const ids = new Map<string, string>();
  for (const [name, of, at, requests, cents] of records) {
    const tenant = name === 'elsewhere' ? ['--tenant', 'acme'] : [];
    const id = ids.get(name) ?? (await cli.create(name, ['--owner', of, ...tenant])).id;
    ids.set(name, id);
    const counts = ['--requests', String(requests), '--spend-cents', String(cents)];
    await cli.json(['usage', 'record', id, ...counts, '--at', at]);
  }
  // A day of usage outlives its key.
  await cli.database.query(`UPDATE apikeys.usage_daily SET key_id = gen_random_uuid() WHERE key_id = $1`, [
    ids.get('first'),
  ]);
});

const seriesOf = async (...args: string[]) => {
  const found = usageSchema.parse(await cli.json(['usage', ...args, ...RANGE]));
  if (!('series' in found)) throw new Error('no series');
  return found;
};
const counts = (found: Awaited<ReturnType<typeof seriesOf>>) =>
  found.series.map(({ period, request_count, spend_cents }) => [period, request_count, spend_cents]);

describe('usage over time', () => {
  test('of an owner is every day of the range, deleted keys and all tenants included', async () => {
    const found = await seriesOf('--owner', owner, '--by', 'day');
    expect(found).toMatchObject({
      key_id: null,
      tenant_id: null,
      owner_id: owner,
      name: null,
      from: '2026-01-30',
      to: '2026-02-03',
      by: 'day',
      request_count: 1012,
      spend_cents: 16,
    });
    expect(counts(found)).toEqual([
      ['2026-01-30', 5, 6],
      ['2026-01-31', 0, 0],
      ['2026-02-01', 1000, 10],
      ['2026-02-02', 7, 0],
      ['2026-02-03', 0, 0],
    ]);
  });

  test('of all keys, by week and month, within a tenant or across them', async () => {
    const all = await seriesOf('--by', 'week');
    expect(all).toMatchObject({ key_id: null, owner_id: null, tenant_id: null });
    expect(counts(all)).toEqual([
      ['2026-W05', 1005, 16],
      ['2026-W06', 107, 1],
    ]);
    const confined = await seriesOf('--by', 'month', '--tenant', 'acme');
    expect(confined).toMatchObject({ tenant_id: 'acme', owner_id: null, request_count: 1000 });
    expect(counts(confined)).toEqual([
      ['2026-01', 0, 0],
      ['2026-02', 1000, 10],
    ]);
    expect(await seriesOf('--by', 'month', '--owner', owner, '--tenant', 'default')).toMatchObject({
      tenant_id: 'default',
      owner_id: owner,
      request_count: 12,
    });
  });

  test('of an owner whom nobody knows is nothing, day by day', async () => {
    const found = await seriesOf('--owner', 'nobody', '--by', 'day');
    expect(found).toMatchObject({ owner_id: 'nobody', request_count: 0 });
    expect(found.series).toHaveLength(5);
  });

  test('is rows for csv, tsv, and one object for ndjson', async () => {
    const args = ['usage', '--owner', owner, '--by', 'month', ...RANGE];
    expect((await cli.apikeys([...args, '-o', 'csv'])).stdout).toBe(
      'period,request_count,spend_cents\n2026-01,5,6\n2026-02,1007,10\n',
    );
    expect((await cli.apikeys(args)).stdout).toBe('2026-01\t5\t6\n2026-02\t1007\t10\n');
    const line = (await cli.apikeys([...args, '-o', 'ndjson'])).stdout;
    expect(usageSchema.parse(JSON.parse(line))).toMatchObject({ by: 'month' });
    expect((await cli.apikeys([...args, '-q'])).stdout).toBe('1012\n');
  });

  test('on a terminal is a chart that says whose it is', async () => {
    const chart = async (...args: string[]) =>
      (await cli.apikeys(['usage', ...args, ...RANGE, '-o', 'table'], PLAIN)).stdout;
    const ofOwner = await chart('--owner', owner, '--by', 'day');
    expect(ofOwner).toContain(`Owner ${owner} from 2026-01-30 to 2026-02-03 (UTC): 1,012 requests, 16 cents`);
    expect(ofOwner).toMatch(/2026-02-01 +1,000 +10 +█+/);
    expect(await chart('--by', 'week')).toContain('All keys from');
    expect(await chart('--by', 'week', '--tenant', 'acme')).toContain('All keys of tenant acme from');
  });

  test.each(['--by day', 'first'])('a limit of the top keys does not go with %s', async (more) => {
    const { exitCode, stderr } = await cli.apikeys(['usage', '--limit', '3', ...more.split(' ')]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('exclude each other');
  });
});

describe('the top keys on a terminal', () => {
  const top = (...args: string[]) => cli.apikeys(['usage', ...args, ...RANGE, '-o', 'table'], PLAIN);

  test('have their key prefix, share and a bar, and the total says whose it is', async () => {
    const { stdout, stderr } = await top('--owner', owner);
    const [header, first, second, deleted] = stdout.split('\n');
    expect(header).toMatch(/^KEY +NAME +REQUESTS +SHARE +CENTS/);
    expect(first).toMatch(/^rv_[0-9a-f]{8} +elsewhere +1,000 +98 % +10 +acme +█+$/);
    expect(second).toMatch(/^rv_[0-9a-f]{8} +second +10 +< 1 % +1 +default +▏$/);
    expect(deleted).toMatch(/^[0-9a-f-]{36} +\(deleted\) +2 /);
    expect(stderr).toContain(
      `All keys of owner ${owner} from 2026-01-30 to 2026-02-03 (UTC): 1,012 requests`,
    );
  });

  test('say 1 cent and 1 request, and nothing of a further look to whoever looked', async () => {
    const one = newOwner();
    const { id } = await cli.create('single', ['--owner', one]);
    await cli.json(['usage', 'record', id, '--requests', '1', '--spend-cents', '1']);
    const { stderr } = await cli.apikeys(['usage', '--owner', one, '-o', 'table'], PLAIN);
    expect(stderr).toContain(', today so far: 1 request, 1 cent.');
    const none = await top('--owner', 'nobody');
    expect(none.stderr).toBe('No requests of owner nobody from 2026-01-30 to 2026-02-03 (UTC).\n');
    const today = await cli.apikeys(['usage', '--owner', 'nobody', '-o', 'table'], PLAIN);
    expect(today.stderr).toMatch(/--since\s30d/);
    const chart = await cli.apikeys(['usage', id, '-o', 'table'], PLAIN);
    expect(chart.stdout).toContain('1 request, 1 cent');
    expect(chart.stdout).toMatch(/\d{4}-\d\d-\d\d \(so far\) +1 +1 /);
  });
});
