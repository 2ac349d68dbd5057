/**
 * What a database has against what this version ships:
 *
 * - `missing`: nothing is there yet; `behind`: migrations are pending; `current`: as this version needs it;
 * - `ahead`: made by a newer version; `changed`: a migration that was applied differs from the shipped file;
 * - `unrecorded`: there are tables, and no record of the migrations that made them.
 */
export const SCHEMA_STATES = ['missing', 'behind', 'current', 'ahead', 'changed', 'unrecorded'] as const;

export type SchemaState = (typeof SCHEMA_STATES)[number];

/** Of one migration; `unknown`: the database has it, and this version does not ship it. */
export const MIGRATION_STATES = ['applied', 'pending', 'changed', 'unknown'] as const;

export type MigrationState = (typeof MIGRATION_STATES)[number];
