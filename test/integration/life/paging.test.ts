import { expect, test } from 'vitest';
import { KEY_SORTS, type KeySort } from '../../../src/domain/key.js';
import { eachEngine } from '../../helpers/engines.js';
import { insert, population, sorted } from './population.js';

const cases: [KeySort, boolean][] = KEY_SORTS.flatMap((sort) => [
  [sort, false],
  [sort, true],
]);

eachEngine((db) => {
  /** Every page of a list; `between` runs after each page but the last. */
  const pages = async (sort: KeySort, descending: boolean, between: () => Promise<void>) => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await db.service.list({ sort, descending, limit: 7, cursor });
      found.push(...page.keys.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
      if (cursor !== undefined) await between();
    } while (cursor !== undefined);
    return found;
  };

  test.each(cases)(
    'by %s, descending %s, keys made and deleted between two pages neither repeat nor hide others',
    async (sort, descending) => {
      const all = population(80);
      const [staying, doomed, later] = [all.slice(0, 50), all.slice(50, 60), all.slice(60)];
      await insert(db.rows, [...staying, ...doomed]);
      const [added, deleted] = [[...later], [...doomed]];
      const seen = await pages(sort, descending, async () => {
        await insert(db.rows, added.splice(0, 4));
        for (const { id } of deleted.splice(0, 2)) {
          await db.rows(`DELETE FROM apikeys.keys WHERE id = '${id}'`);
        }
      });
      await db.rows('DELETE FROM apikeys.keys');
      await db.rows('DELETE FROM apikeys.key_activity');
      expect([added, deleted]).toEqual([[], []]);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(staying.map(({ id }) => id)));
      expect(seen).toEqual(sorted(all, sort, descending).filter((id) => seen.includes(id)));
    },
  );
});
