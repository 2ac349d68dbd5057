import { counted } from '../../domain/counted.js';
import { cleanedJson } from '../../representation/cleanup.js';
import type { CleanupJson } from '../../representation/schemas/cleanup.js';
import { defineCommand } from '../definition/command.js';
import { wholeNumber } from '../input/whole-number.js';
import type { Column, Formatter, Result } from '../output/result.js';

export const cleanup = defineCommand({
  name: 'cleanup',
  group: 'Operations',
  description: 'delete what has been dead long enough',
  options: {
    olderThan: {
      value: '<duration>',
      description: 'keep the dead for this long (default: APIKEYS_RETENTION, 30d)',
    },
    batchSize: {
      value: '<n>',
      description: 'keys a transaction at most, 1 to 10000 (default: 500)',
      parse: wholeNumber,
    },
    maxRuntime: {
      value: '<duration>',
      description: 'stop after this time, such as 10m; the next run goes on',
    },
    usageOlderThan: { value: '<duration>', description: 'also delete usage days older than this' },
    auditOlderThan: { value: '<duration>', description: 'also delete audit events older than this' },
  },
  notes: `Deletes keys that expired or were revoked that long ago, and old secrets that
retired as long ago. Never a live key, nor a frozen one unless it is revoked.
Usage and audit events stay, unless one of the last two options says so.

It may overlap with itself and be stopped at any time; each batch is whole.`,
  examples: ['apikeys cleanup --dry-run', 'apikeys cleanup -q --max-runtime 10m        # for cron'],
  result: 'cleanup',
  dryRun: 'shown',
  async run(context, options) {
    const request = { ...options, dryRun: context.options.dryRun };
    const progress = context.progress('Deleting');
    const cleaned = await context
      .use((service) => service.cleanup(request, context.showsProgress ? progress.update : undefined))
      .finally(progress.end);
    const document = cleanedJson(cleaned);
    const result: Result<CleanupJson> = {
      document,
      rows: [document],
      columns: COLUMNS,
      quiet: [],
      human: (ui) => words(document, ui),
    };
    await context.renderer.result(result, { done: doneByCleanup(document) });
    return undefined;
  },
});

const column = (name: keyof CleanupJson): Column<CleanupJson> => ({
  name,
  header: name.replaceAll('_', ' '),
  value: (row) => row[name],
});

const COLUMNS = [
  column('deleted_keys'),
  column('deleted_secrets'),
  column('older_than'),
  column('cutoff'),
  column('dry_run'),
  column('skipped'),
  column('complete'),
  column('deleted_usage_days'),
  column('deleted_events'),
];

function doneByCleanup(cleaned: CleanupJson): string | undefined {
  const { dry_run, deleted_keys, deleted_secrets, deleted_usage_days, deleted_events } = cleaned;
  const deleted = deleted_keys + deleted_secrets + deleted_usage_days + deleted_events;
  return dry_run || deleted === 0 ? undefined : 'cleanup has deleted what was due';
}

/** `Deleted 3 keys and 5 secrets that were dead for 30d.` */
function words(cleaned: CleanupJson, ui: Formatter): string {
  if (cleaned.skipped) return 'Another cleanup is at work; this one did nothing.';
  const amount = (count: number, what: string): string => counted(count, what, ui.number(count));
  const history = [
    ...(cleaned.deleted_usage_days > 0 ? [amount(cleaned.deleted_usage_days, 'usage day')] : []),
    ...(cleaned.deleted_events > 0 ? [amount(cleaned.deleted_events, 'audit event')] : []),
  ];
  const dead = `${amount(cleaned.deleted_keys, 'key')} and ${amount(cleaned.deleted_secrets, 'secret')} dead for ${cleaned.older_than}`;
  const all = [dead, ...history].join(', ');
  if (cleaned.dry_run) return `Would delete ${all}. Nothing was changed.`;
  return `Deleted ${all}.${cleaned.complete ? '' : ' Time was up: the next run goes on.'}`;
}
