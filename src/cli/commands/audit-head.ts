import { headLineJson } from '../../representation/audit.js';
import type { HeadLine } from '../../service/audit/heads.js';
import { CliError } from '../cli-error.js';
import { defineCommand } from '../definition/command.js';
import { jsonText } from '../output/json.js';
import type { Listing } from '../output/result.js';

export const auditHead = defineCommand({
  name: 'head',
  description: 'print where every chain stands, to be kept elsewhere',
  summary: 'print where every chain of the trail stands',
  notes: `One line of JSON a chain, those of deleted keys included, and last their number
and a checksum. Whoever may rewrite the whole database can make a trail that
holds; against heads that were kept where they cannot write, it is found out.`,
  examples: [
    'apikeys audit head > heads-$(date +%F).ndjson',
    'apikeys audit verify --head heads-2026-11-21.ndjson',
  ],
  result: 'audit-head',
  async run({ options, rendererIn, use }) {
    if (options.output !== undefined && !['json', 'ndjson'].includes(options.output)) {
      throw new CliError('INVALID_USAGE', 'heads are printed as ndjson and in no other format', {
        hint: `Leave out --output ${options.output}.`,
      });
    }
    await use((service) => rendererIn('ndjson').stream(LISTING, service.auditHeads()), { patient: true });
    return undefined;
  },
});

const LISTING: Listing<HeadLine> = {
  name: 'heads',
  record: headLineJson,
  columns: [],
  quiet: (line) => jsonText(headLineJson(line), 'line'),
};
