import { beforeAll, expect, test } from 'vitest';
import type { KeyJson } from '../../../src/representation/schemas/key.js';
import { overUrl } from '../../helpers/run-sql.js';
import { insert, type PlainKey, population, sorted, statusOf } from '../../integration/life/population.js';
import { errorOf, useCli } from '../apikeys.js';

const cli = useCli();
const keys = population(120);
beforeAll(() => overUrl(cli.database.url, (rows) => insert(rows, keys)));

type Page = { keys: KeyJson[]; next_cursor: string | null };

const list = (...args: string[]) => cli.json<Page>(['list', ...args]);
const ids = (page: Page): string[] => page.keys.map(({ id }) => id);

const HOUR = 3_600_000;
const cases: [string, (key: PlainKey) => boolean][] = [
  ['--owner alice', ({ owner }) => owner === 'alice'],
  ['--tenant blue', ({ tenant }) => tenant === 'blue'],
  ['--status frozen', (key) => statusOf(key) === 'frozen'],
  ['--scope orders:eu:write', ({ scopes }) => scopes.some((one) => /^(orders:(eu:)?)?\*$|:write$/.test(one))],
  ['--name ci-*', ({ name }) => name.startsWith('ci-')],
  ['--name ci\\1', ({ name }) => name === 'ci\\1'],
  [
    '--expiring-within 7d',
    ({ revoked, expiresAt }) => {
      const left = (expiresAt?.getTime() ?? 0) - Date.now();
      return !revoked && left > 0 && left < 168 * HOUR;
    },
  ],
  [
    '--unused-for 1d --status active',
    (key) =>
      statusOf(key) === 'active' &&
      Math.max(key.createdAt.getTime(), key.lastUsedAt?.getTime() ?? 0) < Date.now() - 24 * HOUR,
  ],
];

test.each(cases)('list %s finds those keys, and --count counts them', async (options, has) => {
  const flags = options.split(' ');
  const expected = options.includes('--expiring-within')
    ? sorted(keys.filter(has), 'expires', false)
    : sorted(keys.filter(has), 'created', true);
  expect(expected.length).toBeGreaterThan(0);
  expect(ids(await list(...flags, '--all'))).toEqual(expected);
  expect(await cli.json(['list', ...flags, '--count'])).toEqual({ count: expected.length });
});

test.each([
  ['name', false],
  ['expires', false],
  ['last-used', true],
] as const)('list --sort %s, --desc %s, has that order, over its pages too', async (sort, descending) => {
  const flags = ['--sort', sort, ...(descending ? ['--desc'] : [])];
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await list(
      ...flags,
      '--limit',
      '47',
      ...(cursor === null ? [] : ['--cursor', cursor]),
    );
    found.push(...ids(page));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(found).toEqual(sorted(keys, sort, descending));
  expect(ids(await list(...flags, '--all'))).toEqual(found);
});

test('a cursor of another order is exit 2', async () => {
  const { next_cursor } = await list('--sort', 'name', '--limit', '5');
  for (const flags of [[], ['--sort', 'name', '--desc'], ['--sort', 'expires']]) {
    const refused = await cli.apikeys(['list', ...flags, '--cursor', next_cursor ?? '', '--json']);
    expect(refused.exitCode).toBe(2);
    expect(errorOf(refused).code).toBe('INVALID_INPUT');
  }
});

test.each([
  '--sort owner',
  '--status dead',
  '--name ',
  '--expiring-within 14',
  '--unused-for never',
  '--limit 0',
  '--limit x',
  '--all --limit 5',
  '--count --cursor x',
])('list %s is exit 2', async (options) => {
  expect((await cli.apikeys(['list', ...options.split(' ')])).exitCode).toBe(2);
});
