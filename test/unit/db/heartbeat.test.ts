import { afterEach, expect, test, vi } from 'vitest';
import { SilenceWatch } from '../../../src/db/embedded/heartbeat.js';

afterEach(() => vi.restoreAllMocks());

test('a silence that has lasted long enough since it was looked at is waited for, until it is looked at again', () => {
  const clock = vi.spyOn(performance, 'now');
  const at = (ms: number) => clock.mockReturnValue(ms);
  const watch = new SilenceWatch(100);
  const hasFallenSilent = (ms: number): boolean => {
    at(ms);
    return watch.hasFallenSilent('/nonexistent/lock', 'token');
  };
  expect(hasFallenSilent(1_000)).toBe(false);
  expect(hasFallenSilent(1_099.9)).toBe(false);
  at(1_100.1);
  expect(watch.left('token')).toBeGreaterThan(0);
  expect(hasFallenSilent(1_101)).toBe(true);
});
