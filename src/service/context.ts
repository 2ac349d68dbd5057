import type { Engine } from '../db/engine.js';
import { requireSchema } from '../db/schema/migrate.js';
import { ApiKeysError } from '../errors.js';
import type { Settings } from './settings.js';

/** What every operation works with. */
export interface ServiceContext {
  readonly engine: Engine;
  readonly settings: Settings;
  /** Resolves once the schema is known to be the one that this version works with. */
  readonly ready: () => Promise<void>;
}

export function serviceContext(engine: Engine, settings: Settings): ServiceContext {
  let checked: Promise<void> | undefined;
  return {
    engine,
    settings,
    ready() {
      checked ??= requireSchema(engine).catch((error: unknown) => {
        checked = undefined;
        throw error;
      });
      return checked;
    },
  };
}

/** Refuses what makes or widens access while the roll-out flag is off. Ending and reading access always goes on. */
export function requireKeyManagement({ settings }: ServiceContext): void {
  if (settings.keyManagement) return;
  throw new ApiKeysError('FEATURE_DISABLED', 'key management is switched off by configuration', {
    hint: 'Set APIKEYS_ENABLE_API_KEY_MANAGEMENT=true to switch it on. Revoke and freeze work either way.',
  });
}
