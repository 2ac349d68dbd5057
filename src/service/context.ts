import type { Engine } from '../db/engine.js';
import { requireSchema } from '../db/schema/migrate.js';
import { checkActor, checkTenant } from '../domain/text.js';
import type { TenantScope } from '../repository/tenant-condition.js';
import { keyManagementOff } from './refusals.js';
import type { Settings } from './settings.js';

/** On whose behalf an operation runs. It belongs to the call, so no request names it. */
export interface Caller {
  /** Confines everything to this tenant; all of them unless named. */
  readonly tenant?: string | undefined;
  /** Who does it: the audit trail names them. Reading needs none. */
  readonly actor?: string | undefined;
}

export interface ChangeOptions {
  /** Changes nothing and tells what would change. */
  readonly dryRun?: boolean | undefined;
}

/** What every operation works with. */
export interface ServiceContext {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly caller: Caller;
  /** Resolves once the schema is known to be the one that this version works with. */
  readonly ready: () => Promise<void>;
}

/** A context that is confined to no tenant, and changes nothing; `{ ...context, caller }` is one of somebody's. */
export function serviceContext(engine: Engine, settings: Settings): ServiceContext {
  let checked: Promise<void> | undefined;
  return {
    engine,
    settings,
    caller: {},
    ready() {
      checked ??= requireSchema(engine).catch((error: unknown) => {
        checked = undefined;
        throw error;
      });
      return checked;
    },
  };
}

/** The tenant that the caller is confined to; undefined: all. Throws `INVALID_INPUT`. */
export const tenantOf = ({ caller }: Pick<ServiceContext, 'caller'>): TenantScope =>
  caller.tenant === undefined ? undefined : checkTenant(caller.tenant);

/** Who changes something. Throws `INVALID_INPUT`. */
export const actorOf = ({ caller }: Pick<ServiceContext, 'caller'>): string => checkActor(caller.actor ?? '');

/** Refuses what makes or widens access while the roll-out flag is off. Ending and reading access always goes on. */
export function requireKeyManagement({ settings }: ServiceContext): void {
  if (!settings.keyManagement) throw keyManagementOff();
}
