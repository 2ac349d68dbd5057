import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { makeKey, recorderOn, storedUsage, unique, verifierOn } from './recorders.js';

const MOST = Number.MAX_SAFE_INTEGER;
const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

const deleteKey = (id: string): readonly string[] => [
  `DELETE FROM apikeys.secrets WHERE key_id = '${id}'`,
  `DELETE FROM apikeys.key_activity WHERE key_id = '${id}'`,
  `DELETE FROM apikeys.keys WHERE id = '${id}'`,
];

eachEngine((db) => {
  const usageOf = (id: string) => storedUsage(db.rows, id);
  const now = async (): Promise<Date> => {
    const [row] = await db.rows(`SELECT clock_timestamp() AS now`);
    if (!(row?.now instanceof Date)) throw new Error('no clock');
    return row.now;
  };

  test('what is recorded is stored once flushed: by key and UTC day, and in the totals', async () => {
    const [a, b] = [await makeKey(db), await makeKey(db)];
    const recorder = recorderOn(db.engine);
    const before = await now();
    recorder.record(a.id, { requests: 3, spendCents: 7, at: new Date('2026-01-31T23:59:59.999Z') });
    recorder.record(a.id, { requests: 4, at: new Date('2026-02-01T00:00:00.000Z') });
    recorder.record(a.id.toUpperCase(), { spendCents: 5, at: new Date('2026-02-01T12:00:00.000+05:30') });
    recorder.record(b.id);
    expect(recorder.state().pending).toBe(3);
    await recorder.close();
    expect(recorder.state()).toEqual({ pending: 0, dropped: 0, lastError: null });
    expect(await usageOf(a.id)).toEqual({
      activity: {
        requests: 7,
        spend: 12,
        refused: 0,
        last_used_at: new Date('2026-02-01T06:30:00.000Z'),
        old_secret_used_at: null,
        refused_at: null,
      },
      days: [
        { day: '2026-01-31', requests: 3, spend: 7 },
        { day: '2026-02-01', requests: 4, spend: 5 },
      ],
    });
    const { activity, days } = await usageOf(b.id);
    expect(days).toEqual([{ day: before.toISOString().slice(0, 10), requests: 1, spend: 0 }]);
    const used = activity?.last_used_at;
    if (!(used instanceof Date)) throw new Error('it was not used');
    // The recorder's reading of the clock is late by the time it took to arrive, which moves what it stamps back.
    expect(used.getTime()).toBeGreaterThan(before.getTime() - 1_000);
    expect(used.getTime()).toBeLessThanOrEqual((await now()).getTime());
  });

  test('the last use only moves forward, and never beyond the clock', async () => {
    const { id } = await makeKey(db);
    const recorder = recorderOn(db.engine);
    recorder.record(id, { at: new Date('2026-03-01T00:00:00Z') });
    await recorder.flush();
    recorder.record(id, { at: new Date('2026-02-01T00:00:00Z') });
    await recorder.flush();
    expect((await usageOf(id)).activity?.last_used_at).toEqual(new Date('2026-03-01T00:00:00Z'));
    // Two days to come are one: today.
    recorder.record(id, { requests: 10, at: new Date(Date.now() + 30 * DAY) });
    recorder.record(id, { requests: 20, at: new Date(Date.now() + 31 * DAY) });
    await recorder.close();
    const { activity, days } = await usageOf(id);
    const today = (await now()).toISOString().slice(0, 10);
    expect(days.at(-1)).toEqual({ day: today, requests: 30, spend: 0 });
    expect(Number(activity?.last_used_at)).toBeLessThanOrEqual(Number(await now()));
  });

  test('a key that does not exist, or no longer, fails nothing and leaves nothing', async () => {
    const [gone, kept] = [await makeKey(db), await makeKey(db)];
    const unknown = randomUUID();
    const recorder = recorderOn(db.engine);
    recorder.record(gone.id, { requests: 1 });
    await recorder.flush();
    for (const id of [gone.id, kept.id, unknown]) recorder.record(id, { requests: 5 });
    for (const statement of deleteKey(gone.id)) await db.rows(statement);
    await recorder.close();
    expect(await usageOf(unknown)).toEqual({ activity: undefined, days: [] });
    expect((await usageOf(gone.id)).activity).toBeUndefined();
    expect((await usageOf(gone.id)).days).toMatchObject([{ requests: 1 }]);
    expect((await usageOf(kept.id)).activity).toMatchObject({ requests: 5 });
  });

  test('counters stop at the largest number that JSON can hold, and the others of the batch go on', async () => {
    const [full, other] = [await makeKey(db), await makeKey(db)];
    const recorder = recorderOn(db.engine);
    for (let n = 0; n < 3; n++) {
      recorder.record(full.id, { requests: MOST, spendCents: MOST });
      recorder.record(full.id, { requests: MOST, spendCents: 1 });
      recorder.record(other.id);
      await recorder.flush();
    }
    await recorder.close();
    expect((await usageOf(full.id)).activity).toMatchObject({ requests: MOST, spend: MOST });
    expect((await usageOf(full.id)).days).toMatchObject([{ requests: MOST, spend: MOST }]);
    expect((await usageOf(other.id)).activity).toMatchObject({ requests: 3 });
  });

  test('what is no key, no count or no time is refused, and stays without effect', async () => {
    const { id } = await makeKey(db);
    const recorder = recorderOn(db.engine);
    const refused = (work: () => void): void =>
      expect(work).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    for (const keyId of ['', 'rv_1a2b3c4d', `${id}'`, `{${id}}`]) refused(() => recorder.record(keyId));
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, MOST + 1]) {
      refused(() => recorder.record(id, { requests: count }));
      refused(() => recorder.record(id, { spendCents: count }));
    }
    for (const time of [Number.NaN, -1, Date.UTC(10_000, 0)]) {
      refused(() => recorder.record(id, { at: new Date(time) }));
    }
    recorder.record(id, { requests: 0 });
    expect(recorder.state().pending).toBe(0);
    await recorder.close();
  });

  test('verify counts what it lets through and what it refuses apart', async () => {
    const { id, raw } = await makeKey(db, { scopes: ['read'] });
    const { apiKey } = await db.service.rotate({ key: id, actor: 'test' });
    const recorder = recorderOn(db.engine);
    const verifier = verifierOn(db.engine, { usage: recorder });
    for (let n = 0; n < 5; n++) await verifier.verify(apiKey ?? '', { spendCents: 2 });
    expect(await usageOf(id)).toMatchObject({ days: [] });
    await recorder.flush();
    expect(await usageOf(id)).toMatchObject({
      activity: { requests: 5, spend: 10, refused: 0, old_secret_used_at: null, refused_at: null },
      days: [{ requests: 5, spend: 10 }],
    });
    await verifier.verify(raw);
    await verifier.verify(apiKey ?? '', { scopes: ['write'], spendCents: 99 });
    await verifier.verify(apiKey ?? '', { count: false, spendCents: 99 });
    await verifier.verify(apiKey ?? '', { tenant: unique('tenant') });
    await verifier.verify('rv_unknown');
    await verifier.explain(apiKey ?? '');
    await db.service.freeze({ keys: [id], actor: 'test' });
    await verifier.verify(apiKey ?? '');
    await recorder.close();
    const { activity, days } = await usageOf(id);
    expect(activity).toMatchObject({ requests: 6, spend: 10, refused: 2 });
    expect(activity?.old_secret_used_at).toBeInstanceOf(Date);
    expect(activity?.refused_at).toBeInstanceOf(Date);
    expect(Number(activity?.refused_at)).toBeGreaterThanOrEqual(Number(activity?.last_used_at));
    expect(days).toMatchObject([{ requests: 6, spend: 10 }]);
  });

  test('after close nothing is counted, and what is not counted is told', async () => {
    const { id, raw } = await makeKey(db);
    const recorder = recorderOn(db.engine);
    await recorder.close();
    recorder.record(id);
    expect(await verifierOn(db.engine, { usage: recorder }).verify(raw)).toMatchObject({ valid: true });
    expect(recorder.state()).toMatchObject({ pending: 0, dropped: 2 });
  });

  describe('the flush begins by itself', () => {
    const until = async (done: () => Promise<boolean>): Promise<void> => {
      while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    test('after the interval', async () => {
      const { id } = await makeKey(db);
      const recorder = recorderOn(db.engine, { flushInterval: 50 });
      recorder.record(id);
      await until(async () => (await usageOf(id)).activity?.requests === 1);
      await recorder.close();
    });

    test('when much is waiting', async () => {
      const made = [await makeKey(db), await makeKey(db), await makeKey(db)];
      const recorder = recorderOn(db.engine, { flushInterval: 3_600_000, batchSize: 2, maxPending: 4 });
      for (const { id } of made) recorder.record(id);
      await until(async () => recorder.state().pending < made.length);
      await recorder.close();
      for (const { id } of made) expect((await usageOf(id)).activity).toMatchObject({ requests: 1 });
    });
  });

  test('many batches of one flush are all stored, while more comes in', async () => {
    const made = [];
    for (let n = 0; n < 7; n++) made.push(await makeKey(db));
    const recorder = recorderOn(db.engine, { batchSize: 2, flushInterval: 3_600_000 });
    const flushes = [];
    for (let round = 0; round < 30; round++) {
      for (const { id } of made) recorder.record(id);
      flushes.push(recorder.flush());
    }
    await Promise.all(flushes);
    expect(recorder.state().pending).toBe(0);
    for (const { id } of made) expect((await usageOf(id)).activity).toMatchObject({ requests: 30 });
    await recorder.close();
  });
});

onServer((db) => {
  test('a host clock that is days off moves no usage to another day', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * DAY });
    const { id } = await makeKey(db);
    const recorder = recorderOn(db.engine);
    recorder.record(id);
    await recorder.flush();
    recorder.record(id);
    await recorder.close();
    const { days } = await storedUsage(db.rows, id);
    const [row] = await db.rows(`
      SELECT (now() AT TIME ZONE 'UTC')::date::text AS today, now() - last_used_at < interval '1 minute' AS recent
        FROM apikeys.key_activity WHERE key_id = '${id}'`);
    expect(days).toEqual([{ day: row?.today, requests: 2, spend: 0 }]);
    expect(row?.recent).toBe(true);
  });
});
