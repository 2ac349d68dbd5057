import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { onServer } from '../helpers/engines.js';
import { countingService, counts } from '../integration/limits/limited.js';
import { scale } from './scale.js';

const WINDOWS = scale('LIMITS_WINDOWS', { short: 6, long: 50 });
const RATE = 20;

onServer((db) => {
  test(`steady traffic at 95 % of a rate is never refused, through ${WINDOWS} windows`, {
    timeout: 60_000 + WINDOWS * 2_000,
  }, async () => {
    const service = countingService(db);
    const { apiKey } = await service
      .as({ actor: 'test' })
      .create({ name: 'steady', owner: 'steady', rate: `${RATE}/1s` });
    const codes: string[] = [];
    const pause = 1_000 / (RATE * 0.95);
    const began = performance.now();
    for (let n = 0; n < RATE * 0.95 * WINDOWS; n++) {
      await sleep(Math.max(0, began + n * pause - performance.now()));
      // Whatever was late goes now: a slow machine makes no steady traffic.
      if (performance.now() - (began + n * pause) > pause) continue;
      codes.push((await service.verify(apiKey ?? '')).code);
    }
    expect(counts(codes)).toEqual({ VALID: codes.length });
    expect(codes.length).toBeGreaterThan(RATE);
  });

  test('of a burst of ten times the rate, exactly the rate is let through', async () => {
    const service = countingService(db);
    const { apiKey } = await service
      .as({ actor: 'test' })
      .create({ name: 'burst', owner: 'burst', rate: `${RATE}/1h` });
    const answers = await Promise.all(
      Array.from({ length: 10 * RATE }, () => service.verify(apiKey ?? '').then(({ code }) => code)),
    );
    expect(counts(answers)).toEqual({ VALID: RATE, RATE_LIMITED: 9 * RATE });
  });
});
