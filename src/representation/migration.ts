import type { MigrationState, SchemaState } from '../domain/schema-state.js';
import type { MigrateJson } from './schemas/migration.js';
import { isoTimeOrNull } from './time.js';

interface SchemaStatus {
  readonly state: SchemaState;
  readonly version: number;
  readonly target: number;
  readonly migrations: readonly Migration[];
}

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly state: MigrationState;
  readonly appliedAt: Date | null;
  readonly appliedBy: string | null;
}

export const schemaJson = (
  { state, version, target, migrations }: SchemaStatus,
  { changed, dryRun }: { readonly changed: number; readonly dryRun: boolean },
): MigrateJson => ({
  state,
  version,
  target,
  changed,
  dry_run: dryRun,
  migrations: migrations.map(migrationJson),
});

const migrationJson = (migration: Migration): MigrateJson['migrations'][number] => ({
  version: migration.version,
  name: migration.name,
  state: migration.state,
  applied_at: isoTimeOrNull(migration.appliedAt),
  applied_by: migration.appliedBy,
});
