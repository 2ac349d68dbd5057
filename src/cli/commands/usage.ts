import { USAGE_PERIODS } from '../../domain/usage-period.js';
import { defineCommand } from '../definition/command.js';
import { optionalKeyReference } from '../input/key-reference.js';
import { wholeNumber } from '../input/whole-number.js';
import { rankingResult } from '../output/usage-ranking.js';
import { seriesResult } from '../output/usage-series.js';
import { usageImport } from './usage-import.js';
import { usageRecord } from './usage-record.js';

export const usage = defineCommand({
  name: 'usage',
  group: 'Checking and usage',
  description: 'requests and spend of a key, an owner or all, or the top keys',
  summary: 'requests and spend of a key, an owner or all',
  arguments: {
    key: { value: '[key]', description: 'an id, key prefix or name; an id if it was deleted; -: a raw key' },
  },
  options: {
    owner: { value: '<owner>', description: 'only keys of this owner, deleted ones too' },
    since: {
      value: '<when>',
      description: 'from this UTC day on: 2030-01-31, or 30d (ago) (default: today)',
    },
    until: { value: '<when>', description: 'up to this UTC day, written alike (default: today)' },
    by: {
      value: '<period>',
      description: "over time; a key's is by day unless named",
      choices: USAGE_PERIODS,
    },
    limit: { value: '<n>', description: 'how many of the top keys (default: 20)', parse: wholeNumber },
  },
  commands: [usageRecord, usageImport],
  // Only the top keys have a number.
  excludes: { limit: ['key', 'by'] },
  examples: [
    'apikeys usage rv_1a2b3c4d --since 30d --by week',
    'apikeys usage --owner alice --since 30d --by day -o csv',
  ],
  result: 'usage',
  async run(context, { key: argument, ...request }) {
    const { now, renderer, use } = context;
    const key = await optionalKeyReference(context, argument);
    const usage = await use((service) => service.getUsage({ key, ...request }));
    // Whoever looked back already is not told to do so.
    const furtherBack = request.since === undefined ? 'Look further back with --since 30d.' : undefined;
    if ('series' in usage) await renderer.result(seriesResult(usage, furtherBack));
    else await renderer.result(rankingResult(usage, { owner: request.owner, furtherBack, now: now() }));
    return undefined;
  },
});
