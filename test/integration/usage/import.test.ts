import { expect, test } from 'vitest';
import { serviceContext } from '../../../src/service/context.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { importUsage, type UsageLine } from '../../../src/service/usage/import-usage.js';
import { eachEngine, onServer, type TestService } from '../../helpers/engines.js';
import { request, unique } from '../service/stored.js';

const line = (number: number, key: string, requests = 1): UsageLine => ({
  line: number,
  key,
  requests,
  spendCents: 0,
  at: undefined,
});

async function* linesOf(key: string, count: number, reach?: (line: number) => Promise<void>) {
  for (let number = 1; number <= count; number++) {
    await reach?.(number);
    yield line(number, key);
  }
}

const requestsOf = async (db: TestService, id: string): Promise<number> => {
  const [row] = await db.rows(
    `SELECT total_requests::float8 AS requests FROM apikeys.key_activity WHERE key_id = '${id}'`,
  );
  return Number(row?.requests);
};

/** The work of one caller, on an engine of either kind. */
const contextOn = ({ engine }: TestService) => ({
  ...serviceContext(engine, DEFAULT_SETTINGS),
  caller: { actor: 'test' },
});

eachEngine((db) => {
  const importing = (lines: AsyncIterable<UsageLine>, importId?: string) =>
    importUsage(contextOn(db), lines, { importId });

  test('a run beside it that is further counts each line once, and each reports what it has stored', async () => {
    const { key } = await db.service.create(request());
    const importId = unique('log');
    // The first run has read half of its input when the second counts all of it.
    let second: Awaited<ReturnType<typeof importing>> | undefined;
    const first = await importing(
      linesOf(key.id, 3_000, async (number) => {
        if (number === 1_501) second = await importing(linesOf(key.id, 3_000), importId);
      }),
      importId,
    );
    expect(await requestsOf(db, key.id)).toBe(3_000);
    expect(second).toMatchObject({ counted: 3_000, skipped: 0 });
    expect(first).toMatchObject({ counted: 0, skipped: 3_000, requests: 0 });
  });

  test('a run beside it that has seen less of a growing input counts nothing twice', async () => {
    const { key } = await db.service.create(request());
    const importId = unique('log');
    let less: Awaited<ReturnType<typeof importing>> | undefined;
    const all = await importing(
      linesOf(key.id, 3_000, async (number) => {
        if (number === 3_000) less = await importing(linesOf(key.id, 1_500), importId);
      }),
      importId,
    );
    expect(await requestsOf(db, key.id)).toBe(3_000);
    expect(less).toMatchObject({ counted: 1_500 });
    expect(all).toMatchObject({ counted: 1_500, skipped: 1_500, requests: 1_500 });
  });

  test('another input under the same id is refused, and nothing of it is counted', async () => {
    const { key } = await db.service.create(request());
    const { key: other } = await db.service.create(request());
    const importId = unique('log');
    await importing(linesOf(key.id, 10), importId);
    await expect(importing(linesOf(other.id, 20), importId)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('another input'),
    });
    expect(await requestsOf(db, other.id)).toBe(0);
    // One that grew is the same.
    expect(await importing(linesOf(key.id, 12), importId)).toMatchObject({ counted: 2, skipped: 10 });
  });

  test('goes on where no digest of what was counted is kept', async () => {
    const { key } = await db.service.create(request());
    const importId = unique('log');
    await importing(linesOf(key.id, 3), importId);
    await db.rows('UPDATE apikeys.usage_sources SET digest = NULL');
    expect(await importing(linesOf(key.id, 5), importId)).toMatchObject({ counted: 2, skipped: 3 });
  });

  test('a key that is deleted in the middle ends it there, and what is reported is what is stored', async () => {
    const { key: kept } = await db.service.create(request());
    const { key: gone } = await db.service.create(request());
    await importing(linesOf(gone.id, 1));
    async function* lines() {
      yield line(1, gone.id);
      for (let number = 2; number <= 5_000; number++) yield line(number, kept.id);
      // The first batch is counted, and knows both.
      await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${gone.id}'`);
      await db.rows(`DELETE FROM apikeys.key_activity WHERE key_id = '${gone.id}'`);
      await db.rows(`DELETE FROM apikeys.keys WHERE id = '${gone.id}'`);
      yield line(5_001, kept.id);
      yield line(5_002, gone.id);
    }
    await expect(importing(lines())).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('line 5002: no key matches'),
    });
    expect(await requestsOf(db, kept.id)).toBe(5_000);
  });

  test('usage recorded for a key that is no more is an error, not a success', async () => {
    const { key } = await db.service.create(request());
    await db.service.recordUsage({ keyId: key.id, requests: 2, actor: 'test' });
    expect(await requestsOf(db, key.id)).toBe(2);
    await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${key.id}'`);
    await db.rows(`DELETE FROM apikeys.key_activity WHERE key_id = '${key.id}'`);
    await db.rows(`DELETE FROM apikeys.keys WHERE id = '${key.id}'`);
    await expect(db.service.recordUsage({ keyId: key.id, requests: 2, actor: 'test' })).rejects.toMatchObject(
      {
        code: 'KEY_NOT_FOUND',
      },
    );
  });

  test('thousands of references are found as one is: by id, prefix and name, and ambiguous names are told', async () => {
    const twin = unique('twin');
    const { key: a } = await db.service.create(request({ name: twin }));
    await db.service.create(request({ name: twin }));
    const { key: b } = await db.service.create(request({ name: unique('single') }));
    // A key named like another's id does not make that id ambiguous.
    await db.service.create(request({ name: a.id }));
    const references = [a.id, a.id.toUpperCase(), b.name, b.keyPrefix, twin, 'nobody'];
    async function* lines() {
      for (const [index, key] of references.entries()) yield line(index + 1, key);
      for (let number = 7; number < 2_500; number++) yield line(number, `absent-${number}`);
    }
    const found = await importUsage(contextOn(db), lines(), {
      dryRun: true,
    });
    expect(found).toMatchObject({ counted: 4 });
    expect(found.badLines.slice(0, 2)).toEqual([
      { line: 5, reason: 'more than one key matches' },
      { line: 6, reason: 'no key matches' },
    ]);
  });
});

onServer((db) => {
  test('many runs of one input at once count each line once', async () => {
    const { key } = await db.service.create(request());
    const importId = unique('log');
    const runs = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        importUsage(contextOn(db), linesOf(key.id, 20_000 - index * 2_000), {
          importId,
        }),
      ),
    );
    expect(await requestsOf(db, key.id)).toBe(20_000);
    expect(runs.reduce((sum, { counted }) => sum + counted, 0)).toBe(20_000);
    for (const [index, { counted, skipped }] of runs.entries())
      expect(counted + skipped).toBe(20_000 - index * 2_000);
  });
});
