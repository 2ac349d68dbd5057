import { type CleanupProgress, type CleanupRequest, cleanUp } from '../cleanup/cleanup.js';
import { actorOf, type ServiceContext } from '../context.js';
import { applyGrants, type GrantRequest } from '../grants.js';
import { type CreatedKey, type CreateRequest, createKey, type Reveal } from '../keys/create-key.js';
import { type FreezeRequest, freezeKeys, type UnfreezeRequest, unfreezeKeys } from '../keys/freeze-keys.js';
import { type RevokeRequest, revokeKeys } from '../keys/revoke-keys.js';
import {
  type EndGraceRequest,
  endGrace,
  type RotatedKey,
  type RotateRequest,
  rotateKey,
} from '../keys/rotate-key.js';
import { type ScopesRequest, type UpdateRequest, updateKey, updateScopes } from '../keys/update-key.js';
import { type LimitsRequest, updateLimits } from '../limits/limits.js';
import { type MigrateOptions, migrateSchema } from '../migrate-schema.js';
import {
  type FreezeOwnerRequest,
  freezeOwner,
  type UnfreezeOwnerRequest,
  unfreezeOwner,
} from '../owners/freeze-owner.js';
import { type PolicyRequest, setPolicy } from '../policies/set-policy.js';
import { type BadLine, type ImportRequest, importUsage, type UsageLine } from '../usage/import-usage.js';
import type { UsageIncrement } from '../usage/recorder.js';
import { storeUsage } from '../usage/store-usage.js';

export type ChangeOperations = ReturnType<typeof changeOperations>;

/** What changes something, within the tenant of the caller and in the name of its actor. */
export function changeOperations(context: ServiceContext) {
  return {
    /** See {@link createKey}. */
    create: (request: CreateRequest, reveal?: Reveal<CreatedKey>) => createKey(context, request, reveal),
    /** See {@link updateKey}. */
    update: (request: UpdateRequest) => updateKey(context, request),
    /** See {@link updateScopes}. */
    updateScopes: (request: ScopesRequest) => updateScopes(context, request),
    /** See {@link updateLimits}. */
    updateLimits: (request: LimitsRequest) => updateLimits(context, request),
    /** See {@link rotateKey}. */
    rotate: (request: RotateRequest, reveal?: Reveal<RotatedKey>) => rotateKey(context, request, reveal),
    /** See {@link endGrace}. */
    endGrace: (request: EndGraceRequest) => endGrace(context, request),
    /** See {@link revokeKeys}. */
    revoke: (request: RevokeRequest) => revokeKeys(context, request),
    /** See {@link freezeKeys}. */
    freeze: (request: FreezeRequest) => freezeKeys(context, request),
    /** See {@link unfreezeKeys}. */
    unfreeze: (request: UnfreezeRequest) => unfreezeKeys(context, request),
    /** See {@link freezeOwner}. */
    freezeOwner: (request: FreezeOwnerRequest) => freezeOwner(context, request),
    /** See {@link unfreezeOwner}. */
    unfreezeOwner: (request: UnfreezeOwnerRequest) => unfreezeOwner(context, request),
    /** See {@link setPolicy}. */
    setPolicy: (request: PolicyRequest) => setPolicy(context, request),
    /** See {@link storeUsage}. */
    storeUsage: (keyId: string, increment: UsageIncrement) => storeUsage(context, keyId, increment),
    /** See {@link importUsage}. */
    importUsage: (lines: AsyncIterable<UsageLine | BadLine>, request?: ImportRequest) =>
      importUsage(context, lines, request),
    /** See {@link migrateSchema}. */
    migrate: (request: MigrateOptions = {}) =>
      migrateSchema(context.engine, { ...request, actor: actorOf(context) }),
    /** See {@link applyGrants}. */
    applyGrants: (request: GrantRequest) => applyGrants(context, request),
    /** See {@link cleanUp}. */
    cleanup: (request: CleanupRequest, progress?: CleanupProgress) => cleanUp(context, request, progress),
  };
}
