import { SCHEMA_PROBLEMS } from '../../domain/schema-state.js';
import { schemaJson } from '../../representation/migration.js';
import type { MigrateJson } from '../../representation/schemas/migration.js';
import { cautionsOf } from '../cautions.js';
import { defineCommand } from '../definition/command.js';
import type { Column } from '../output/result.js';
import { utcTime } from '../output/time.js';

export const migrate = defineCommand({
  name: 'migrate',
  group: 'Operations',
  description: 'bring the schema up to date',
  options: { status: { description: 'show what is applied and what is pending; change nothing' } },
  // It changes nothing by itself.
  excludes: { status: ['dryRun'] },
  notes: `All pending migrations are applied in one transaction, and any number of runs
may overlap. The embedded database migrates itself.`,
  examples: ['apikeys migrate --dry-run', 'apikeys migrate --status --json'],
  result: 'migrate',
  dryRun: 'shown',
  async run({ options, renderer, use }, { status }) {
    const dryRun = options.dryRun ?? false;
    const { schema, cautions } = await use(
      async (service) => ({
        schema: await (status ? service.schemaStatus() : service.migrate({ dryRun })),
        cautions: await service.cautions(),
      }),
      { patient: true },
    );
    const changed = status ? 0 : schema.migrations.length;
    const document = schemaJson(schema, { changed, dryRun });
    const result = {
      document,
      rows: document.migrations,
      columns: COLUMNS,
      quiet: [],
      empty: 'Nothing to do: the schema is up to date.',
      footer: status ? whyUnusable(document) : summary(document),
    };
    await renderer.result(result, { done: dryRun || changed === 0 ? undefined : 'the schema was migrated' });
    for (const caution of cautionsOf(cautions)) await renderer.note(`warning: ${caution}`);
    return undefined;
  },
});

const COLUMNS: readonly Column<MigrateJson['migrations'][number]>[] = [
  { name: 'version', header: 'version', value: ({ version }) => version, align: 'right', priority: 3 },
  { name: 'name', header: 'name', value: ({ name }) => name, priority: 3 },
  { name: 'state', header: 'state', value: ({ state }) => state, priority: 3 },
  {
    name: 'applied_at',
    header: 'applied at',
    value: ({ applied_at }) => applied_at,
    cell: ({ applied_at }, ui) => (applied_at === null ? ui.dim('-') : utcTime(new Date(applied_at))),
    priority: 1,
  },
  { name: 'applied_by', header: 'applied by', value: ({ applied_by }) => applied_by, priority: 0 },
];

/** Where a list of migrations does not tell by itself why nothing works. */
function whyUnusable({ state, version, target }: MigrateJson): string | undefined {
  if (state !== 'unrecorded' && state !== 'changed' && state !== 'ahead') return undefined;
  const problem = SCHEMA_PROBLEMS[state].describe({ version, target });
  return `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`;
}

function summary({ changed, dry_run }: MigrateJson): string | undefined {
  if (changed === 0) return undefined;
  const what = changed === 1 ? '1 migration' : `${changed} migrations`;
  return dry_run ? `Would apply ${what}. Nothing was changed.` : `Applied ${what}.`;
}
