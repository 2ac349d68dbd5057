import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { headLineJson } from '../../representation/audit.js';
import type { HeadLine } from '../../service/audit/heads.js';
import { CliError } from '../cli-error.js';
import { globalsOf } from '../options.js';
import { jsonText } from '../output/json.js';
import type { Listing } from '../output/result.js';
import type { Runner } from '../runner.js';

export const auditHeadCommand = (run: Runner) =>
  new Command('head')
    .description('print where every chain stands, to be kept elsewhere')
    .summary('print where every chain of the trail stands')
    .addHelpText(
      'after',
      `
One line of JSON a chain, those of deleted keys included, and last their number
and a checksum. Whoever may rewrite the whole database can make a trail that
holds; against heads that were kept where they cannot write, it is found out.

Examples:
  $ apikeys audit head > heads-$(date +%F).ndjson
  $ apikeys audit verify --head heads-2026-11-21.ndjson`,
    )
    .action((_options, command) =>
      run(globalsOf(command), async ({ options, rendererIn, use }) => {
        refuseFilters(command);
        if (options.output !== undefined && !['json', 'ndjson'].includes(options.output)) {
          throw new CliError('INVALID_USAGE', 'heads are printed as ndjson and in no other format', {
            hint: `Leave out --output ${options.output}.`,
          });
        }
        await use((service) => rendererIn('ndjson').stream(LISTING, service.auditHeads()), {
          patient: true,
        });
      }),
    );

/** `audit` reads its own options wherever they stand, and here they would do nothing. */
export function refuseFilters(command: CommandUnknownOpts): void {
  const given = Object.keys(command.parent?.opts() ?? {});
  const option = command.parent?.options.find((one) => given.includes(one.attributeName()));
  if (option === undefined) return;
  throw new CliError('INVALID_USAGE', `audit ${command.name()} has no ${option.long ?? option.flags}`, {
    hint: `It is about all chains, or with --tenant about those of one tenant. Leave it out.`,
  });
}

const LISTING: Listing<HeadLine> = {
  name: 'heads',
  record: headLineJson,
  columns: [],
  quiet: (line) => jsonText(headLineJson(line), 'line'),
};
