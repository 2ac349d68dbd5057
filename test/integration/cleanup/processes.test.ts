import { expect, test } from 'vitest';
import { eachEngine, onServer } from '../../helpers/engines.js';
import type { RunSql } from '../../helpers/run-sql.js';
import { graveyard } from './dead.js';

const claimed = (rows: RunSql, source: string, ago: string) =>
  rows(`INSERT INTO apikeys.usage_sources VALUES ('${source}', 7, NULL, now() - interval '${ago}')`);

const known = async (rows: RunSql) =>
  (await rows(`SELECT source_id FROM apikeys.usage_sources ORDER BY source_id`)).map(
    ({ source_id }) => source_id,
  );

eachEngine((db) => {
  const { clean } = graveyard(db);

  test('processes that have counted nothing for 30 days are forgotten, batch by batch; imports never are', async () => {
    for (let at = 0; at < 5; at++) await claimed(db.rows, `ended-${at}`, `${31 + at} days`);
    await claimed(db.rows, 'idle', '29 days');
    await claimed(db.rows, 'import:of-last-year', '365 days');
    const all = await known(db.rows);
    await clean({ dryRun: true });
    await clean({ tenant: 'default' });
    expect(await known(db.rows)).toEqual(all);

    // Whatever else is deleted: one that is idle may have a flush to repeat.
    expect(await clean({ olderThan: '0', batchSize: 2 })).toMatchObject({ complete: true, skipped: false });
    expect(await known(db.rows)).toEqual(['idle', 'import:of-last-year']);
  });
});

onServer((db) => {
  const { clean } = graveyard(db);

  test('one that is counting again is left, without waiting for it', async () => {
    await claimed(db.rows, 'back', '31 days');
    await db.engine.use(async (flush) => {
      await flush.script(`BEGIN; UPDATE apikeys.usage_sources SET position = 8 WHERE source_id = 'back'`);
      await clean();
      await flush.script('COMMIT');
    });
    expect(await known(db.rows)).toEqual(['back']);
  });
});
