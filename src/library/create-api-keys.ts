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
import { ApiKeysError } from '../errors.js';
import { cleanUp } from '../service/cleanup/cleanup.js';
import { type ServiceContext, serviceContext } from '../service/context.js';
import { createKey } from '../service/keys/create-key.js';
import { getKey } from '../service/keys/find-keys.js';
import { freezeKeys, unfreezeKeys } from '../service/keys/freeze-keys.js';
import { countMatching, listKeys } from '../service/keys/list-keys.js';
import { revokeKeys } from '../service/keys/revoke-keys.js';
import { endGrace, rotateKey } from '../service/keys/rotate-key.js';
import { updateKey, updateScopes } from '../service/keys/update-key.js';
import { migrateSchema } from '../service/migrate-schema.js';
import { freezeOwner, unfreezeOwner } from '../service/owners/freeze-owner.js';
import {
  getUsage,
  type UsageRanking,
  type UsageRequest,
  type UsageSeries,
} from '../service/usage/get-usage.js';
import { createUsageRecorder } from '../service/usage/recorder.js';
import { authenticate } from '../service/verify/authenticate.js';
import { createVerifier } from '../service/verify/verify.js';
import type { ApiKeys } from './api-keys.js';
import { type ApiKeysOptions, type ApplicationPool, type CheckedOptions, checkOptions } from './options.js';

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
  const checked = checkOptions(options);
  const engine = openEngine(options, checked);
  const context = serviceContext(engine, checked.settings);
  const usage = createUsageRecorder(context, checked.usage);
  const verifier = createVerifier(context, { usage });
  let closing: Promise<void> | undefined;
  return {
    verify: verifier.verify,
    authenticate: (request, verifying) => authenticate(verifier, checked.realm, request, verifying),
    checkScope,
    create: (request, reveal) => createKey(context, request, reveal),
    list: (request) => listKeys(context, request),
    count: (filter) => countMatching(context, filter),
    get: (key, { tenant } = {}) => getKey(context, key, tenant),
    update: (request) => updateKey(context, request),
    updateScopes: (request) => updateScopes(context, request),
    rotate: (request, reveal) => rotateKey(context, request, reveal),
    endGrace: (request) => endGrace(context, request),
    revoke: (request) => revokeKeys(context, request),
    freeze: (request) => freezeKeys(context, request),
    unfreeze: (request) => unfreezeKeys(context, request),
    freezeOwner: (request) => freezeOwner(context, request),
    unfreezeOwner: (request) => unfreezeOwner(context, request),
    recordUsage: (keyId, increment) => usage.record(keyId, increment),
    getUsage: usageOn(context),
    usageState: () => usage.state(),
    cleanup: (request, progress) => cleanUp(context, request, progress),
    flush: () => usage.flush(),
    close() {
      closing ??= usage.close().finally(() => engine.close());
      return closing;
    },
  };
}

function openEngine(options: ApiKeysOptions, { timeout, poolSize }: CheckedOptions): Engine {
  const timeouts: Timeouts = timeoutsWithin(timeout);
  if ('connectionString' in options) {
    const { NODE_PG_FORCE_NATIVE } = env;
    if (NODE_PG_FORCE_NATIVE) throw nativeBindings();
    const settings = serverSettings(options.connectionString, loginVariables(env));
    return openServer({ settings, timeouts, max: poolSize });
  }
  if ('pool' in options) {
    if (isPool(options.pool)) return engineOnPool(options.pool, timeouts);
    throw new ApiKeysError('INVALID_CONFIG', 'the option pool is not usable: it is no Pool of pg');
  }
  return embeddedOnFirstUse({
    folder: options.embedded,
    timeouts,
    lockWait: timeout,
    migrate: async (engine) => {
      await migrateSchema(engine, { actor: 'apikeys' });
    },
  });
}

const nativeBindings = (): ApiKeysError =>
  new ApiKeysError(
    'INVALID_CONFIG',
    'the variable NODE_PG_FORCE_NATIVE is not usable: no native bindings work here',
    {
      hint: 'Unset NODE_PG_FORCE_NATIVE.',
    },
  );

/** By its shape: a class from another copy of `pg` is another class. */
function isPool(pool: ApplicationPool): pool is pg.Pool {
  return typeof pool.connect === 'function' && 'totalCount' in pool && 'options' in pool;
}

function usageOn(context: ServiceContext): ApiKeys['getUsage'] {
  function usageOf(request: UsageRequest & { readonly key: string }): Promise<UsageSeries>;
  function usageOf(request?: UsageRequest & { readonly key?: undefined }): Promise<UsageRanking>;
  function usageOf(request: UsageRequest): Promise<UsageSeries | UsageRanking>;
  function usageOf(request?: UsageRequest): Promise<UsageSeries | UsageRanking> {
    return getUsage(context, request);
  }
  return usageOf;
}
