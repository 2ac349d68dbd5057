import type { Engine } from '../db/engine.js';
import { type MigrateOptions, migrate, schemaStatus } from '../db/migrate.js';
import type { Key } from '../domain/key.js';
import { serviceContext } from './context.js';
import { type CreateRequest, createKey, type Reveal } from './create-key.js';
import {
  countMatching,
  getKey,
  impactOf,
  type ListFilter,
  type ListRequest,
  listKeys,
  type ResolveOptions,
  resolveKeys,
  showKey,
} from './find-keys.js';
import { type RevokeRequest, revokeKeys } from './revoke-keys.js';
import type { Settings } from './settings.js';

export type ApiKeys = ReturnType<typeof apiKeysOn>;

/** All that can be done with the keys of one database. The engine is the caller's to open; `close` ends it. */
export function apiKeysOn(engine: Engine, settings: Settings) {
  const context = serviceContext(engine, settings);
  return {
    /** See {@link createKey}. */
    create: (request: CreateRequest, reveal?: Reveal) => createKey(context, request, reveal),
    /** See {@link listKeys}. */
    list: (request?: ListRequest) => listKeys(context, request),
    /** See {@link countMatching}. */
    count: (filter?: ListFilter) => countMatching(context, filter),
    /** See {@link getKey}. */
    get: (reference: string, tenant?: string) => getKey(context, reference, tenant),
    /** See {@link showKey}. */
    show: (reference: string, tenant?: string) => showKey(context, reference, tenant),
    /** See {@link resolveKeys}. */
    resolve: (references: readonly string[], options?: ResolveOptions) =>
      resolveKeys(context, references, options),
    /** See {@link impactOf}. */
    impact: (keys: readonly Key[]) => impactOf(context, keys),
    /** See {@link revokeKeys}. */
    revoke: (request: RevokeRequest) => revokeKeys(context, request),
    /** See {@link migrate}. */
    migrate: (options?: MigrateOptions) => migrate(engine, options),
    /** See {@link schemaStatus}. */
    schemaStatus: () => schemaStatus(engine),
    /** Where the keys are, for people, without a password. */
    place: engine.place,
    close: () => engine.close(),
  };
}
