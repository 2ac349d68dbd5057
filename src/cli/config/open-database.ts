import { defaultEmbeddedFolder, openEmbedded } from '../../db/embedded/engine.js';
import type { Engine } from '../../db/engine.js';
import { openServer } from '../../db/server/server.js';
import { locationOf, serverSettings } from '../../db/server/server-settings.js';
import { timeoutsWithin } from '../../db/timeouts.js';
import { migrateSchema } from '../../service/migrate-schema.js';
import { createService, type Service } from '../../service/service.js';
import { CliError } from '../cli-error.js';
import type { Config } from './config.js';

export interface OpenOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Statements may take minutes. */
  readonly patient: boolean;
  /** Takes the embedded database's lock from a holder that does not run on this machine, and tells from whom. */
  readonly breakLock?: ((from: string) => void) | undefined;
  /** Told for whom the embedded database has to be waited. */
  readonly waiting?: ((holder: string) => void) | undefined;
  /** Told before the embedded database is made, which happens once. */
  readonly preparing?: ((folder: string) => Promise<void>) | undefined;
}

/** Opens the database that the configuration names. */
export async function openDatabase(config: Config, options: OpenOptions): Promise<Service> {
  return createService({ engine: await openEngine(config, options), settings: config.settings });
}

/** Where the configured database is, without opening it. */
export function locationOfDatabase({ database }: Config, env: OpenOptions['env']): string {
  if (database.kind === 'server') return locationOf(serverSettings(database.url, env));
  return database.folder ?? defaultEmbeddedFolder(env);
}

async function openEngine({ database, timeout, actor }: Config, options: OpenOptions): Promise<Engine> {
  const { env, signal, patient, breakLock, waiting, preparing } = options;
  const timeouts = timeoutsWithin(timeout, patient);
  if (database.kind === 'server') {
    if (breakLock !== undefined) {
      throw new CliError('INVALID_USAGE', '--break-lock is for the embedded database; nothing was done', {
        hint: 'Leave it out: a server keeps its own locks.',
      });
    }
    return openServer({ settings: serverSettings(database.url, env), timeouts, signal });
  }
  const folder = database.folder ?? defaultEmbeddedFolder(env);
  return openEmbedded({
    folder,
    timeouts,
    lockWait: timeout,
    signal,
    breakLock,
    waiting,
    preparing,
    migrate: (engine) => migrateSchema(engine, { actor }),
  });
}
