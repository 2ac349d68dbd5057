import type { Engine } from '../db/engine.js';
import { isPlaceTaken } from '../db/pg-errors.js';
import { migrate, type SchemaStatus } from '../db/schema/migrate.js';
import { newId } from '../domain/id.js';
import { checkActor } from '../domain/text.js';
import { recordOnDatabase } from './audit/tenant-chain.js';

export interface MigrateOptions {
  /** Names what would be applied and changes nothing. */
  readonly dryRun?: boolean | undefined;
}

interface MigrateRequest extends MigrateOptions {
  /** Who does it: the audit trail names them. */
  readonly actor: string;
}

/** Brings the schema up to date, see {@link migrate}, with an event that names the versions that were applied. */
export async function migrateSchema(
  engine: Engine,
  { dryRun, actor }: MigrateRequest,
): Promise<SchemaStatus> {
  const by = checkActor(actor);
  const id = newId();
  return migrate(engine, {
    dryRun,
    isRace: isPlaceTaken,
    async afterwards(session, applied) {
      const versions = applied.map(({ version }) => version);
      await recordOnDatabase(session, { id, actor: by, action: 'schema.migrated', details: { versions } });
    },
  });
}
