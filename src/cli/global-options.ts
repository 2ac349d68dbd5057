import type { OptionSpecs, OptionValues } from './definition/values.js';
import { COLOUR_MODES } from './output/colour.js';
import { FORMATS } from './output/format.js';
import { TIME_STYLES } from './output/time.js';

/** The options that every command takes, before or after its name. */
export const GLOBAL_OPTIONS = {
  json: { description: 'one JSON object on stdout; the same as -o json' },
  output: {
    short: 'o',
    value: '<format>',
    description: 'table on a terminal, tsv elsewhere, unless named',
    choices: FORMATS,
  },
  quiet: { short: 'q', description: 'only what a script wants: the raw key, or ids' },
  dryRun: { short: 'n', description: 'show what would change and change nothing' },
  input: { negated: true, description: 'never ask; fail where a question would be needed' },
  yes: { short: 'y', description: 'answer yes to the question whether to go on' },
  tenant: { value: '<tenant>', description: 'confine everything to this tenant' },
  actor: { value: '<name>', description: 'whom the audit trail names' },
  config: { value: '<file>', description: 'read this YAML file' },
  databaseUrlFile: { value: '<file>', description: 'read the database URL from this file' },
  embedded: { description: 'use the built-in PostgreSQL' },
  breakLock: { description: 'take its lock from a process on a machine or in a container that is gone' },
  time: {
    value: '<style>',
    description: 'in tables: relative to now, or absolute in UTC',
    choices: TIME_STYLES,
  },
  pager: { negated: true, description: 'no pager for what is longer than the screen' },
  color: { value: '<when>', description: 'colour the output', choices: COLOUR_MODES },
  debug: { description: 'say more about a failure' },
} as const satisfies OptionSpecs;

export type GlobalOptions = OptionValues<typeof GLOBAL_OPTIONS>;
