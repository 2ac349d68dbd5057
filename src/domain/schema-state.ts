import type { ErrorCode } from '../errors.js';

/**
 * What a database has against what this version ships:
 *
 * - `missing`: nothing is there yet; `behind`: migrations are pending; `current`: as this version needs it;
 * - `ahead`: made by a newer version; `changed`: a migration that was applied differs from the shipped file;
 * - `unrecorded`: there are tables, and no record of the migrations that made them.
 */
export const SCHEMA_STATES = ['missing', 'behind', 'current', 'ahead', 'changed', 'unrecorded'] as const;

export type SchemaState = (typeof SCHEMA_STATES)[number];

interface SchemaVersions {
  /** The last migration that the database has; 0 if none. */
  readonly version: number;
  /** The last that this version of the program ships. */
  readonly target: number;
}

/** What is wrong with a schema: its code, and its words wherever it is told. */
export const SCHEMA_PROBLEMS: Readonly<
  Record<
    Exclude<SchemaState, 'current'>,
    { readonly code: ErrorCode; readonly describe: (versions: SchemaVersions) => string }
  >
> = {
  missing: { code: 'SCHEMA_MISSING', describe: () => "there is no schema 'apikeys' yet" },
  behind: {
    code: 'SCHEMA_BEHIND',
    describe: ({ version, target }) =>
      `the schema is at version ${version}, and this version of apikeys needs ${target}`,
  },
  ahead: {
    code: 'SCHEMA_AHEAD',
    describe: ({ version, target }) =>
      `the schema is newer than this version of apikeys: it is at ${version}, and this version knows ${target}`,
  },
  changed: {
    code: 'SCHEMA_CHANGED',
    describe: () => 'a migration that the database has applied is not the one that this version ships',
  },
  unrecorded: {
    code: 'SCHEMA_UNRECORDED',
    describe: () => "schema 'apikeys' has tables, but no record of the migrations that made them",
  },
};

/** Of one migration; `unknown`: the database has it, and this version does not ship it. */
export const MIGRATION_STATES = ['applied', 'pending', 'changed', 'unknown'] as const;

export type MigrationState = (typeof MIGRATION_STATES)[number];
