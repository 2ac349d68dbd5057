import { parseMoment } from '../../domain/duration.js';
import { recordedUsageJson } from '../../representation/usage.js';
import { defineCommand } from '../definition/command.js';
import { ONE_KEY } from '../input/key-arguments.js';
import { keyReference } from '../input/key-reference.js';
import { wholeNumber } from '../input/whole-number.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import type { Result } from '../output/result.js';

export const usageRecord = defineCommand({
  name: 'record',
  description: 'add usage to a key',
  arguments: ONE_KEY,
  options: {
    requests: { value: '<n>', description: 'requests to add', parse: wholeNumber },
    spendCents: { value: '<n>', description: 'cents to add', parse: wholeNumber },
    at: { value: '<time>', description: 'when: a UTC day, or an RFC 3339 time (default: now)' },
  },
  atLeastOne: { of: ['requests', 'spendCents'], missing: 'nothing to record was given' },
  examples: ['apikeys usage record rv_1a2b3c4d --requests 10 --spend-cents 25'],
  result: 'usage-record',
  dryRun: 'refused',
  async run(context, { key: argument, requests, spendCents, at }) {
    const { renderer, use } = context;
    const increment = { requests, spendCents, at: at === undefined ? undefined : parseMoment(at) };
    const reference = await keyReference(context, argument);
    const { key, brokenChains } = await use(async (service) => {
      const found = await service.get(reference);
      return { key: found, ...(await service.storeUsage(found.id, increment)) };
    });
    const document = recordedUsageJson({
      keyId: key.id,
      requestCount: requests ?? 0,
      spendCents: spendCents ?? 0,
      brokenChains,
    });
    const result: Result<typeof document> = {
      document,
      rows: [document],
      columns: [
        { name: 'key_id', header: 'id', value: ({ key_id }) => key_id },
        {
          name: 'request_count',
          header: 'requests',
          value: ({ request_count }) => request_count,
          align: 'right',
        },
        { name: 'spend_cents', header: 'cents', value: ({ spend_cents }) => spend_cents, align: 'right' },
      ],
      quiet: [key.id],
      footer: 'Recorded.',
    };
    await renderer.result(result, { done: document.changed === 0 ? undefined : 'the usage was recorded' });
    await noteBrokenChains(renderer, brokenChains);
    return undefined;
  },
});
