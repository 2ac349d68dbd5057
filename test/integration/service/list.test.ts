import { expect, test } from 'vitest';
import { encodeCursor } from '../../../src/domain/cursor.js';
import type { Key } from '../../../src/domain/key.js';
import { eachEngine } from '../../helpers/engines.js';
import type { ListFilter } from '../../helpers/named-caller.js';
import { request, unique } from './stored.js';

const ids = (keys: readonly Key[]): string[] => keys.map(({ id }) => id);

eachEngine((db) => {
  const make = async (count: number, more: { owner?: string; tenant?: string; name?: string } = {}) => {
    const made: string[] = [];
    const service = db.serviceWith({ maxKeysPerOwner: 0 });
    for (let i = 0; i < count; i++) made.push((await service.create(request(more))).key.id);
    return made;
  };

  /** Every page of a list; `between` runs after each page but the last. */
  const pages = async (
    filter: ListFilter,
    limit: number,
    between: () => Promise<void> = async () => undefined,
  ) => {
    const found: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await db.service.list({ ...filter, limit, cursor });
      found.push(ids(page.keys));
      cursor = page.nextCursor ?? undefined;
      if (cursor !== undefined) await between();
    } while (cursor !== undefined);
    return found;
  };

  test('keys come newest first', async () => {
    const owner = unique('owner');
    const made = await make(5, { owner });
    const { keys, nextCursor } = await db.service.list({ owner });
    expect(ids(keys)).toEqual(made.toReversed());
    expect(nextCursor).toBeNull();
  });

  test('keys made in the same millisecond come in one order, by their ids', async () => {
    const owner = unique('owner');
    const made = await make(6, { owner });
    await db.rows(`UPDATE apikeys.keys SET created_at = '2026-01-01T00:00:00Z' WHERE owner_id = '${owner}'`);
    expect(await pages({ owner }, 2)).toEqual(
      [0, 2, 4].map((at) =>
        made
          .toSorted()
          .toReversed()
          .slice(at, at + 2),
      ),
    );
  });

  test.each([1, 2, 3, 7, 8])(
    'pages of %i hold every key once, each page full but the last',
    async (limit) => {
      const owner = unique('owner');
      const made = await make(7, { owner });
      const found = await pages({ owner }, limit);
      expect(found.flat()).toEqual(made.toReversed());
      expect(
        found
          .map((page) => page.length)
          .slice(0, -1)
          .every((length) => length === limit),
      ).toBe(true);
      expect(found).toHaveLength(Math.ceil(7 / limit));
    },
  );

  test('keys made and deleted between two pages neither repeat nor hide others', async () => {
    const owner = unique('owner');
    const made = await make(12, { owner });
    const doomed = made.toReversed().filter((_id, index) => index % 3 === 2);
    const left = made.filter((id) => !doomed.includes(id));
    const found = await pages({ owner }, 3, async () => {
      await make(2, { owner });
      const id = doomed.shift();
      if (id === undefined) return;
      await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${id}'`);
      await db.rows(`DELETE FROM apikeys.keys WHERE id = '${id}'`);
    });
    const seen = found.flat();
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(left));
  });

  test('a cursor whose own key was deleted still shows what follows it', async () => {
    const owner = unique('owner');
    const made = await make(4, { owner });
    const first = await db.service.list({ owner, limit: 2 });
    const last = first.keys.at(-1)?.id ?? '';
    await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${last}'`);
    await db.rows(`DELETE FROM apikeys.keys WHERE id = '${last}'`);
    const second = await db.service.list({ owner, limit: 2, cursor: first.nextCursor ?? '' });
    expect(ids(second.keys)).toEqual(made.toReversed().slice(2));
  });

  test('owner and tenant narrow a list and its count, alone and together', async () => {
    const owner = unique('owner');
    const [here, there] = [unique('tenant'), unique('tenant')];
    const inHere = await make(2, { owner, tenant: here });
    const inThere = await make(3, { owner, tenant: there });
    await make(1, { tenant: here });
    const found = async (filter: ListFilter) => {
      const { keys } = await db.service.list(filter);
      expect(await db.service.count(filter)).toBe(keys.length);
      return ids(keys).toReversed();
    };
    expect(await found({ owner, tenant: here })).toEqual(inHere);
    expect(await found({ owner })).toEqual([...inHere, ...inThere]);
    expect(await found({ tenant: here })).toHaveLength(3);
    expect(await found({ owner: unique('nobody') })).toEqual([]);
  });

  test('without a filter all tenants are listed, and counted', async () => {
    await make(1, { tenant: unique('tenant') });
    const all = (await pages({}, 1_000)).flat();
    expect(all).toHaveLength(await db.service.count());
    expect(await db.rows('SELECT count(*) AS keys FROM apikeys.keys')).toEqual([{ keys: all.length }]);
  });

  test('a page has 50 keys unless told otherwise', async () => {
    const owner = unique('owner');
    await make(51, { owner });
    const { keys, nextCursor } = await db.service.list({ owner });
    expect(keys).toHaveLength(50);
    expect((await db.service.list({ owner, cursor: nextCursor ?? '' })).keys).toHaveLength(1);
  });

  test.each([0, -1, 1.5, 1_001, Number.NaN])('a page of %d keys is refused', async (limit) => {
    await expect(db.service.list({ limit })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a page of 1,000 keys is not refused', async () => {
    await expect(db.service.list({ limit: 1_000 })).resolves.toBeDefined();
  });

  const ID = '00000000-0000-7000-8000-000000000001';
  test.each([
    ['noise', 'noise'],
    ['empty', ''],
    ['of another sort', encodeCursor({ sort: 'name:asc', values: ['a'], id: ID })],
    ['without its time', encodeCursor({ sort: 'created:desc', values: [], id: ID })],
    ['with a time that is none', encodeCursor({ sort: 'created:desc', values: ["now' OR 1=1"], id: ID })],
    [
      'with a day that no month has',
      encodeCursor({ sort: 'created:desc', values: ['2026-02-30T00:00:00.000Z'], id: ID }),
    ],
    [
      'with an id that is none',
      Buffer.from('[1,"created:desc",["2026-01-01T00:00:00.000Z"],"x"]').toString('base64url'),
    ],
    ['of 10 kB', 'A'.repeat(10_000)],
  ])('a cursor %s is refused', async (_what, cursor) => {
    await expect(db.service.list({ cursor })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test.each([
    ['owner', { owner: 'a\0b' }],
    ['owner of half a surrogate pair', { owner: '\ud800' }],
    ['tenant', { tenant: '' }],
  ])('a filter by a hostile %s is refused', async (_what, filter) => {
    await expect(db.service.list(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(db.service.count(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('an owner named like a wildcard or like SQL is only itself', async () => {
    for (const owner of ['%', `' OR '1'='1`, '_']) {
      const [id] = await make(1, { owner });
      expect(ids((await db.service.list({ owner })).keys)).toEqual([id]);
    }
  });
});
