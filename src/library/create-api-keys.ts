import { env } from 'node:process';
import type pg from 'pg';
import { embeddedOnFirstUse } from '../db/embedded/lazy.js';
import type { Engine, Timeouts } from '../db/engine.js';
import { engineOnPool } from '../db/server/application-pool.js';
import { loginVariables } from '../db/server/libpq-variables.js';
import { openServer } from '../db/server/server.js';
import { serverSettings } from '../db/server/server-settings.js';
import { timeoutsWithin } from '../db/timeouts.js';
import { checkScope } from '../domain/scopes.js';
import { ApiKeysError, invariant } from '../errors.js';
import { migrateSchema } from '../service/migrate-schema.js';
import { type ChangingCaller, createService } from '../service/service.js';
import { authenticate } from '../service/verify/authenticate.js';
import type { ApiKeys } from './api-keys.js';
import { argument, checked, idArgument } from './check.js';
import { checkedChanging } from './checked-changing.js';
import { checkedReading } from './checked-reading.js';
import { type ApiKeysOptions, type ApplicationPool, type CheckedOptions, checkOptions } from './options.js';
import { INCREMENT, VERIFY } from './requests.js';
import { texts } from './shape.js';

/**
 * The keys of one database, for an application. One instance for the whole process: callers of `verify` at the same time
 * share a round trip, and usage is added up in it.
 *
 * Nothing is opened before it is needed. A server has to have the schema (`apikeys migrate`), which is checked once; the
 * built-in PostgreSQL makes it by itself. Throws `INVALID_CONFIG`.
 *
 * @example
 * const keys = createApiKeys({ connectionString: 'postgres://app@localhost/app', defaultExpiry: '30d' });
 * await keys.close();
 */
export function createApiKeys(options: ApiKeysOptions): ApiKeys {
  const settings = checkOptions(options);
  const engine = openEngine(options, settings);
  const service = createService({ engine, settings: settings.settings, usage: settings.usage });
  return {
    ...checkedReading(() => service),
    as: (caller: ChangingCaller) => checkedChanging(service, caller),
    authenticate: async (request, verifying) =>
      authenticate(service, settings.realm, request, checked(VERIFY, verifying)),
    checkScope: (granted, wanted) =>
      checkScope(argument('what is granted', texts, granted), argument('what is wanted', texts, wanted)),
    recordUsage: (keyId, increment) => service.recordUsage(idArgument(keyId), checked(INCREMENT, increment)),
    usageState: () => service.usageState(),
    flush: () => service.flush(),
    schemaStatus: () => service.schemaStatus(),
    close: () => service.close(),
    location: service.location,
  };
}

function openEngine(options: ApiKeysOptions, { timeout, poolSize }: CheckedOptions): Engine {
  const timeouts: Timeouts = timeoutsWithin(timeout);
  if ('connectionString' in options && options.connectionString !== undefined) {
    const { NODE_PG_FORCE_NATIVE } = env;
    if (NODE_PG_FORCE_NATIVE) throw nativeBindings();
    const settings = serverSettings(options.connectionString, loginVariables(env));
    return openServer({ settings, timeouts, max: poolSize });
  }
  if ('pool' in options && options.pool !== undefined) {
    if (isPool(options.pool)) return engineOnPool(options.pool, timeouts);
    throw new ApiKeysError('INVALID_CONFIG', 'the option pool is not usable: it is no Pool of pg');
  }
  invariant('embedded' in options, 'the options name no database, and were taken');
  return embeddedOnFirstUse({
    folder: options.embedded,
    timeouts,
    lockWait: timeout,
    migrate: (engine) => migrateSchema(engine, { actor: 'apikeys' }),
  });
}

const nativeBindings = (): ApiKeysError =>
  new ApiKeysError(
    'INVALID_CONFIG',
    'the variable NODE_PG_FORCE_NATIVE is not usable: no native bindings work here; unset it',
  );

/** By its shape: a class from another copy of `pg` is another class. */
function isPool(pool: ApplicationPool): pool is pg.Pool {
  return typeof pool.connect === 'function' && 'totalCount' in pool && 'options' in pool;
}
