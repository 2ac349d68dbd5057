import { createService, type Service } from '../../../src/service/service.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import type { TestService } from '../../helpers/engines.js';

/** A service that counts, on the engine of the test; nobody closes it. */
export const countingService = ({ engine }: Pick<TestService, 'engine'>): Service =>
  createService({
    engine,
    settings: DEFAULT_SETTINGS,
    usage: { flushInterval: 3_600_000, batchSize: 1_000, maxPending: 100_000 },
  });

/** How often each was answered. */
export function counts(all: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of all) sums[one] = (sums[one] ?? 0) + 1;
  return sums;
}
