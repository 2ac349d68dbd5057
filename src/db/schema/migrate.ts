import { sql } from 'kysely';
import { type MigrationState, SCHEMA_PROBLEMS, type SchemaState } from '../../domain/schema-state.js';
import { ApiKeysError } from '../../errors.js';
import { build } from '../builder.js';
import type { Engine, Session } from '../engine.js';
import { rowsGuarded } from '../pg-errors.js';
import { read, type TransactionOptions, transaction } from '../transaction.js';
import { loadMigrations, type Migration } from './migrations.js';

export interface MigrationStatus {
  readonly version: number;
  readonly name: string;
  readonly state: MigrationState;
  readonly appliedAt: Date | null;
  readonly appliedBy: string | null;
}

export interface SchemaStatus {
  readonly state: SchemaState;
  /** The last migration that the database has; 0 if none. */
  readonly version: number;
  /** The last migration that this version of the program ships. */
  readonly target: number;
  readonly migrations: readonly MigrationStatus[];
}

export interface MigrateOptions {
  /** Names what would be applied and changes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly migrations?: readonly Migration[];
  /** Runs in the transaction of the migrations, after the last of them, if any was applied. */
  readonly afterwards?: (session: Session, applied: readonly MigrationStatus[]) => Promise<void>;
  /** See {@link TransactionOptions}. */
  readonly isRace?: TransactionOptions['isRace'];
}

/** Tells what the database has against what this version ships. Changes nothing and takes no lock. */
export async function schemaStatus(
  engine: Engine,
  migrations: readonly Migration[] = loadMigrations(),
): Promise<SchemaStatus> {
  return compare(await lookAtRecord(engine), migrations);
}

/** Each query with a snapshot of its own: a migration may commit between the two. */
const lookAtRecord = (engine: Engine): Promise<SchemaRecord> =>
  read(engine, readRecord, { isolation: 'READ COMMITTED', end: 'ROLLBACK' });

/**
 * Applies all pending migrations in one transaction: all or none. Any number may run at once: one works, the
 * others wait for it and then find nothing to do. Works behind a pooler in transaction mode.
 *
 * Resolves to the state after (with `dryRun`: the state now) and the migrations that were, or would be, applied. Throws
 * `SCHEMA_AHEAD`, `SCHEMA_CHANGED` and `SCHEMA_UNRECORDED`, `DATABASE_BUSY` if another migration holds the lock for too
 * long.
 */
export async function migrate(engine: Engine, options: MigrateOptions = {}): Promise<SchemaStatus> {
  const migrations = options.migrations ?? loadMigrations();
  if (options.dryRun) {
    const status = await schemaStatus(engine, migrations);
    pendingOf(status, migrations);
    return { ...status, migrations: status.migrations.filter(({ state }) => state === 'pending') };
  }
  const target = migrations.length;
  return transaction(
    engine,
    async (connection) => {
      await connection.rows(takeLock);
      // In a statement of its own: the snapshot of the one that waited is older than what it waited for.
      const pending = pendingOf(compare(await readRecord(connection), migrations), migrations);
      const applied: MigrationStatus[] = [];
      for (const migration of pending) {
        await connection.script(migration.sql);
        const [row] = await connection.rows(record(migration));
        applied.push(statusOf(migration, row));
      }
      if (applied.length > 0) await options.afterwards?.(connection, applied);
      return { state: 'current', version: target, target, migrations: applied };
    },
    {
      wasCommitted: async (session) => {
        await session.rows(takeLock);
        return (await readRecord(session)).applied.length >= target;
      },
      ...(options.isRace && { isRace: options.isRace }),
    },
  );
}

/** Throws unless the schema is the one that this version works with, and shows the role in use its rows. */
export async function requireSchema(engine: Engine): Promise<void> {
  const record = await lookAtRecord(engine);
  if (record.guarded.length > 0) throw rowsGuarded(record.guarded);
  const status = compare(record, loadMigrations());
  if (status.state !== 'current') throw unusable(status, status.state, engine.location);
}

const takeLock = sql<unknown>`SELECT pg_advisory_xact_lock(${sql.lit(0x61_70_69_6b_65_79)})`;

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: Buffer;
  readonly applied_at: Date;
  readonly applied_by: string;
}

/** What the database says of itself. */
interface SchemaRecord {
  readonly applied: readonly Applied[];
  /** Whether schema `apikeys` has any table. */
  readonly hasTables: boolean;
  /** Tables of keys whose policies bind the role in use: a look-up would find nothing, and not say so. */
  readonly guarded: readonly string[];
}

/** In one statement, so that a migration that commits meanwhile is seen whole; and tables are looked for where no record is. */
async function readRecord(session: Session): Promise<SchemaRecord> {
  const [found] = await session.rows(sql<{ recorded: boolean; tables: boolean; guarded: string[] }>`
    SELECT recorded, ARRAY(SELECT relname::text FROM pg_catalog.pg_class
                            WHERE relnamespace = to_regnamespace('apikeys') AND relrowsecurity
                              AND relname IN ('keys', 'secrets', 'owners') AND row_security_active(oid)) AS guarded,
           recorded OR EXISTS (
             SELECT FROM pg_catalog.pg_class
              WHERE relnamespace = to_regnamespace('apikeys') AND relkind IN ('r', 'p')) AS tables
      FROM (SELECT to_regclass('apikeys.schema_migrations') IS NOT NULL AS recorded) AS record`);
  const hasTables = found?.tables ?? false;
  const guarded = found?.guarded ?? [];
  return { applied: found?.recorded ? await appliedMigrations(session) : [], hasTables, guarded };
}

async function appliedMigrations(session: Session): Promise<Applied[]> {
  return session.rows(build.selectFrom('apikeys.schema_migrations').selectAll().orderBy('version'));
}

const record = ({ version, name, checksum }: Migration) =>
  build
    .insertInto('apikeys.schema_migrations')
    .values({
      version,
      name,
      checksum,
      applied_at: sql`date_trunc('milliseconds', clock_timestamp())`,
      applied_by: sql`current_user`,
    })
    .returningAll();

const NOT_APPLIED = { appliedAt: null, appliedBy: null };

function statusOf({ version, name, checksum }: Migration, row: Applied | undefined): MigrationStatus {
  if (row === undefined) return { version, name, state: 'pending', ...NOT_APPLIED };
  const state = row.checksum.equals(checksum) ? 'applied' : 'changed';
  return { version, name, state, appliedAt: row.applied_at, appliedBy: row.applied_by };
}

function compare({ applied, hasTables }: SchemaRecord, migrations: readonly Migration[]): SchemaStatus {
  const shipped = migrations.map((migration) =>
    statusOf(
      migration,
      applied.find(({ version }) => version === migration.version),
    ),
  );
  const unknown = applied
    .filter(({ version }) => !migrations.some((migration) => migration.version === version))
    .map(
      ({ version, name, applied_at, applied_by }): MigrationStatus => ({
        version,
        name,
        state: 'unknown',
        appliedAt: applied_at,
        appliedBy: applied_by,
      }),
    );
  const version = applied.at(-1)?.version ?? 0;
  const has = (state: MigrationStatus['state']): boolean => shipped.some((one) => one.state === state);
  const state =
    version === 0
      ? hasTables
        ? 'unrecorded'
        : 'missing'
      : unknown.length > 0
        ? 'ahead'
        : has('changed')
          ? 'changed'
          : has('pending')
            ? 'behind'
            : 'current';
  return { state, version, target: migrations.length, migrations: [...shipped, ...unknown] };
}

function pendingOf(status: SchemaStatus, migrations: readonly Migration[]): Migration[] {
  const { state } = status;
  if (state === 'ahead' || state === 'changed' || state === 'unrecorded') throw unusable(status, state);
  return migrations.filter(({ version }) => version > status.version);
}

/** Of a schema that this version does not work with; with `location`, of one among many. */
function unusable(
  { version, target }: SchemaStatus,
  state: Exclude<SchemaState, 'current'>,
  location?: string,
): ApiKeysError {
  const { code, describe } = SCHEMA_PROBLEMS[state];
  const where = location === undefined ? '' : `the database at ${location}: `;
  const details = state === 'behind' || state === 'ahead' ? { version, target } : {};
  return new ApiKeysError(code, `${where}${describe({ version, target })}; nothing was changed`, { details });
}
