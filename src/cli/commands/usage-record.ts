import { Command, Option } from '@commander-js/extra-typings';
import { parseTimeExpression } from '../../domain/duration.js';
import { quote } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { recordedUsageJson } from '../../representation/usage.js';
import { CliError } from '../cli-error.js';
import { globalsOf, refuseDryRun, wholeNumber } from '../options.js';
import { noteBrokenChains } from '../output/broken-chains.js';
import type { Runner } from '../runner.js';

export const usageRecordCommand = (run: Runner) =>
  new Command('record')
    .description('add usage to a key')
    .argument('<key>', "the key's id, key prefix or name")
    .addOption(new Option('--requests <n>', 'requests to add').argParser(wholeNumber))
    .addOption(new Option('--spend-cents <n>', 'cents to add').argParser(wholeNumber))
    .option('--at <time>', 'when, an RFC 3339 time (default: now)')
    .addHelpText(
      'after',
      `
Examples:
  $ apikeys usage record rv_1a2b3c4d --requests 10 --spend-cents 25`,
    )
    .action((reference, { requests, spendCents, at }, command) =>
      run(globalsOf(command), async ({ options, renderer, use }) => {
        refuseDryRun(options, 'usage record');
        if (requests === undefined && spendCents === undefined) throw nothingGiven();
        const increment = { requests, spendCents, at: at === undefined ? undefined : timeOf(at) };
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
        await renderer.result({
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
        });
        await noteBrokenChains(renderer, brokenChains);
        return undefined;
      }),
    );

function timeOf(text: string): Date {
  const moment = parseTimeExpression(text);
  if (moment.kind === 'at') return moment.at;
  throw new CliError('INVALID_INPUT', `${quote(text)} is not a time with a zone`, {
    hint: 'Write an RFC 3339 time such as 2030-01-31T12:00:00Z.',
  });
}

function nothingGiven(): ApiKeysError {
  return new CliError('INVALID_USAGE', 'nothing to record was given', {
    hint: 'Give --requests, --spend-cents or both.',
  });
}
