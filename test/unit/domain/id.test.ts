import { validate, version } from 'uuid';
import { afterEach, expect, test, vi } from 'vitest';
import { newId } from '../../../src/domain/id.js';

afterEach(() => vi.restoreAllMocks());

const made = (count: number) => Array.from({ length: count }, newId);

test('ids are UUIDs of version 7, and none comes twice', () => {
  const ids = made(10_000);
  for (const id of ids) expect(validate(id) && version(id) === 7, id).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});

test('each sorts after those before it: within a millisecond, and when the clock steps back', () => {
  const now = Date.now() + 60_000;
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
  const ids = made(1_000);
  clock.mockReturnValue(now - 5_000);
  ids.push(...made(1_000));
  clock.mockReturnValue(now + 1);
  ids.push(...made(1_000));
  expect(ids).toEqual([...ids].sort());
});

test('an id tells the millisecond in which it was made', () => {
  const now = Date.now() + 120_000;
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
  const [first, second] = made(2);
  clock.mockReturnValue(now + 1);
  const timesOf = [first, second, newId()].map((id) =>
    Number.parseInt((id ?? '').replace('-', '').slice(0, 12), 16),
  );
  expect(timesOf).toEqual([now, now, now + 1]);
});
