import { beforeAll, describe, expect, test } from 'vitest';
import { KEY_SORTS, type KeySort } from '../../../src/domain/key.js';
import { eachEngine } from '../../helpers/engines.js';
import type { ListFilter, ListRequest } from '../../helpers/named-caller.js';
import { insert, type PlainKey, population, sorted, statusOf } from './population.js';

const HOUR = 3_600_000;
const SIZE = 300;

interface Case {
  readonly filter: ListFilter;
  readonly has: (key: PlainKey) => boolean;
}

const status = (wanted: string) => (key: PlainKey) => statusOf(key) === wanted;
const scope =
  (...granting: readonly string[]) =>
  (key: PlainKey) =>
    key.scopes.some((one) => granting.includes(one));
const name = (wanted: RegExp) => (key: PlainKey) => wanted.test(key.name);
const expiring = (hours: number) => (key: PlainKey) => {
  const left = (key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now();
  return !key.revoked && left > 0 && left <= hours * HOUR;
};
const unused = (hours: number) => (key: PlainKey) => {
  const since = Date.now() - hours * HOUR;
  return key.createdAt.getTime() <= since && (key.lastUsedAt?.getTime() ?? Number.NEGATIVE_INFINITY) <= since;
};
const both = (...all: readonly Case[]): Case => ({
  filter: Object.assign({}, ...all.map(({ filter }) => filter)),
  has: (key) => all.every(({ has }) => has(key)),
});

const everyone: Case = { filter: {}, has: () => true };
const blue: Case = { filter: { tenant: 'blue' }, has: ({ tenant }) => tenant === 'blue' };
const alice: Case = { filter: { owner: 'alice' }, has: ({ owner }) => owner === 'alice' };
const frozen: Case = { filter: { status: 'frozen' }, has: status('frozen') };
const orders: Case = {
  filter: { scope: 'orders:eu:write' },
  has: scope('orders:eu:write', 'orders:eu:*', 'orders:*', '*'),
};

const CASES: readonly Case[] = [
  everyone,
  blue,
  alice,
  both(blue, alice),
  frozen,
  { filter: { status: 'active' }, has: status('active') },
  { filter: { status: 'expired' }, has: status('expired') },
  { filter: { status: 'revoked' }, has: status('revoked') },
  both(frozen, blue),
  both(frozen, orders),
  orders,
  { filter: { scope: 'orders' }, has: scope('orders', '*') },
  { filter: { scope: 'orders:*' }, has: scope('orders:*', '*') },
  { filter: { scope: 'orders:eu:*' }, has: scope('orders:eu:*', 'orders:*', '*') },
  { filter: { scope: 'read' }, has: scope('read', '*') },
  { filter: { scope: '*' }, has: scope('*') },
  { filter: { scope: 'nothing' }, has: scope('*') },
  {
    filter: { scope: 'read,orders:eu:write' },
    has: (key) => scope('read', '*')(key) && orders.has(key),
  },
  { filter: { name: 'ci' }, has: name(/^ci$/) },
  { filter: { name: 'ci-*' }, has: name(/^ci-/) },
  { filter: { name: 'ci*' }, has: name(/^ci/) },
  { filter: { name: '*ci*' }, has: name(/ci/) },
  { filter: { name: '*1' }, has: name(/1$/) },
  { filter: { name: 'c*1' }, has: name(/^c.*1$/) },
  { filter: { name: 'ci_1' }, has: name(/^ci_1$/) },
  { filter: { name: 'ci_*' }, has: name(/^ci_/) },
  { filter: { name: 'ci%1' }, has: name(/^ci%1$/) },
  { filter: { name: '%' }, has: name(/^%$/) },
  { filter: { name: '_' }, has: name(/^_$/) },
  { filter: { name: '\\' }, has: name(/^\\$/) },
  { filter: { name: 'ci\\1' }, has: name(/^ci\\1$/) },
  { filter: { name: 'ci\\*' }, has: name(/^ci\\/) },
  { filter: { name: '*\\\\*' }, has: name(/\\\\/) },
  { filter: { name: '*' }, has: () => true },
  { filter: { name: '**' }, has: () => true },
  { filter: { name: '日*' }, has: name(/^日/) },
  { filter: { name: 'nai\u0308ve' }, has: name(/^na\u00efve$/) },
  { filter: { name: "o'*" }, has: name(/^o'/) },
  { filter: { expiringWithin: '2h' }, has: expiring(2) },
  { filter: { expiringWithin: '7d' }, has: expiring(168) },
  { filter: { expiringWithin: '0' }, has: () => false },
  { filter: { unusedFor: '1h' }, has: unused(1) },
  { filter: { unusedFor: '2d' }, has: unused(48) },
  { filter: { unusedFor: '30d' }, has: unused(720) },
  both({ filter: { expiringWithin: '30d' }, has: expiring(720) }, alice),
  both({ filter: { unusedFor: '1d' }, has: unused(24) }, frozen, blue),
  both({ filter: { unusedFor: '1h', name: '*1' }, has: unused(1) }, { filter: {}, has: name(/1$/) }, orders),
];

const ORDERS = KEY_SORTS.flatMap((sort) => [
  { sort, descending: false },
  { sort, descending: true },
]);

eachEngine((db) => {
  const keys = population(SIZE);
  beforeAll(() => insert(db.rows, keys));

  const pages = async (request: ListRequest) => {
    const found: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await db.service.list({ ...request, cursor });
      found.push(page.keys.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  };

  test('the population has keys of every kind', () => {
    const ordinary = CASES.filter(({ filter }) => filter.expiringWithin !== '0');
    for (const { filter, has } of ordinary) {
      expect(keys.filter(has).length, JSON.stringify(filter)).toBeGreaterThan(0);
    }
  });

  test.each(CASES.map(({ filter, has }) => [JSON.stringify(filter), filter, has] as const))(
    '%s finds the same keys as a look at the rows, in every order, and counts them',
    async (_text, filter, has) => {
      const expected = keys.filter(has);
      for (const order of ORDERS) {
        const { keys: found } = await db.service.list({ ...filter, ...order, limit: 1_000 });
        expect(found.map(({ id }) => id)).toEqual(sorted(expected, order.sort, order.descending));
      }
      const soonestFirst = filter.expiringWithin !== undefined;
      const byDefault = filter.status === 'expired' || soonestFirst ? 'expires' : 'created';
      const { keys: found } = await db.service.list({ ...filter, limit: 1_000 });
      expect(found.map(({ id }) => id)).toEqual(sorted(expected, byDefault, !soonestFirst));
      expect(await db.service.count(filter)).toBe(expected.length);
      expect(await db.service.count(filter, { most: 7 })).toBe(Math.min(7, expected.length));
    },
  );

  describe.each(ORDERS)('by $sort, descending $descending,', ({ sort, descending }) => {
    test.each([
      [1, alice],
      [7, everyone],
      [17, frozen],
      [99, everyone],
      [SIZE, everyone],
    ] as const)('pages of %i hold every key once, each page full but the last', async (limit, wanted) => {
      const found = await pages({ ...wanted.filter, sort, descending, limit });
      expect(found.flat()).toEqual(sorted(keys.filter(wanted.has), sort, descending));
      expect(found.slice(0, -1).every((page) => page.length === limit)).toBe(true);
    });

    test('its cursors belong to no other order', async () => {
      const { nextCursor } = await db.service.list({ sort, descending, limit: 1 });
      const others = ORDERS.filter((order) => order.sort !== sort || order.descending !== descending);
      for (const other of others) {
        const mixed = db.service.list({ ...other, limit: 1, cursor: nextCursor ?? '' });
        await expect(mixed).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      }
    });
  });

  test('a cursor of the order by default is one of its name', async () => {
    const named = { sort: 'created' as KeySort, descending: true };
    const { nextCursor, keys: first } = await db.service.list({ limit: 5 });
    const second = await db.service.list({ ...named, limit: 5, cursor: nextCursor ?? '' });
    expect([...first, ...second.keys].map(({ id }) => id)).toEqual(
      sorted(keys, 'created', true).slice(0, 10),
    );
  });

  test.each<ListRequest>([
    { scope: 'a b' },
    { scope: '' },
    { name: '' },
    { name: 'a\0b' },
    { name: 'x'.repeat(201) },
    { expiringWithin: '14' },
    { expiringWithin: '-1d' },
    { unusedFor: '1mo' },
    { unusedFor: '' },
  ])('%j is refused', async (filter) => {
    await expect(db.service.list(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(db.service.count(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
