import type { Engine } from '../db/engine.js';
import { schemaStatus } from '../db/schema/migrate.js';
import type { AuditFilter } from './audit/filter.js';
import { type Following, type FollowRequest, follow, nextEvents } from './audit/follow.js';
import { auditHeads } from './audit/heads.js';
import { allEvents, type EventListRequest, listEvents } from './audit/list.js';
import { type VerifyAuditRequest, verifyAudit } from './audit/verify.js';
import { type CleanupProgress, type CleanupRequest, cleanUp } from './cleanup/cleanup.js';
import { serviceContext } from './context.js';
import { diagnose } from './doctor.js';
import { type ApplyRequest, applyGrants, grantsFor } from './grants.js';
import { type CreatedKey, type CreateRequest, createKey, type Reveal } from './keys/create-key.js';
import { getKey, showKey } from './keys/find-keys.js';
import { type FreezeRequest, freezeKeys, type UnfreezeRequest, unfreezeKeys } from './keys/freeze-keys.js';
import { countMatching, type ListFilter, type ListRequest, listKeys } from './keys/list-keys.js';
import { type RevokeRequest, revokeKeys } from './keys/revoke-keys.js';
import {
  changeOver,
  type EndGraceRequest,
  endGrace,
  type RotatedKey,
  type RotateRequest,
  rotateKey,
} from './keys/rotate-key.js';
import {
  hasScopes,
  type ScopeQuestion,
  type ScopesRequest,
  type UpdateRequest,
  updateKey,
  updateScopes,
} from './keys/update-key.js';
import { type MigrateRequest, migrateSchema } from './migrate-schema.js';
import {
  type FreezeOwnerRequest,
  freezeOwner,
  type UnfreezeOwnerRequest,
  unfreezeOwner,
} from './owners/freeze-owner.js';
import type { Settings } from './settings.js';

import { getUsage, type UsageRequest } from './usage/get-usage.js';
import { type BadLine, type ImportRequest, importUsage, type UsageLine } from './usage/import-usage.js';
import { type RecordUsageRequest, recordUsage } from './usage/record-usage.js';
import { createVerifier } from './verify/verify.js';

export type ApiKeys = ReturnType<typeof apiKeysOn>;

/** All that can be done with the keys of one database. The engine is the caller's to open; `close` ends it. */
export function apiKeysOn(engine: Engine, settings: Settings) {
  const context = serviceContext(engine, settings);
  const verifier = createVerifier(context);
  return {
    /** See {@link Verifier}. Counts nothing. */
    verify: verifier.verify,
    /** See {@link Verifier}. */
    explain: verifier.explain,
    /** See {@link getUsage}. */
    usage: (request?: UsageRequest) => getUsage(context, request),
    /** See {@link recordUsage}. */
    recordUsage: (request: RecordUsageRequest) => recordUsage(context, request),
    /** See {@link importUsage}. */
    importUsage: (lines: AsyncIterable<UsageLine | BadLine>, request: ImportRequest) =>
      importUsage(context, lines, request),
    /** See {@link createKey}. */
    create: (request: CreateRequest, reveal?: Reveal<CreatedKey>) => createKey(context, request, reveal),
    /** See {@link listKeys}. */
    list: (request?: ListRequest) => listKeys(context, request),
    /** See {@link countMatching}. */
    count: (filter?: ListFilter) => countMatching(context, filter),
    /** See {@link getKey}. */
    get: (reference: string, tenant?: string) => getKey(context, reference, tenant),
    /** See {@link showKey}. */
    show: (reference: string, tenant?: string) => showKey(context, reference, tenant),
    /** See {@link updateKey}. */
    update: (request: UpdateRequest) => updateKey(context, request),
    /** See {@link updateScopes}. */
    updateScopes: (request: ScopesRequest) => updateScopes(context, request),
    /** See {@link hasScopes}. */
    hasScopes: (question: ScopeQuestion) => hasScopes(context, question),
    /** See {@link rotateKey}. */
    rotate: (request: RotateRequest, reveal?: Reveal<RotatedKey>) => rotateKey(context, request, reveal),
    /** See {@link changeOver}. */
    changeOver: (keyId: string) => changeOver(context, keyId),
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
    /** See {@link listEvents}. */
    events: (request?: EventListRequest) => listEvents(context, request),
    /** See {@link allEvents}. */
    allEvents: (filter?: AuditFilter) => allEvents(context, filter),
    /** See {@link follow}. */
    follow: (request: FollowRequest) => follow(request),
    /** See {@link nextEvents}. */
    nextEvents: (following: Following) => nextEvents(context, following),
    /** See {@link auditHeads}. */
    auditHeads: (request?: { readonly tenant?: string | undefined }) => auditHeads(context, request),
    /** See {@link verifyAudit}. */
    verifyAudit: (request?: VerifyAuditRequest) => verifyAudit(context, request),
    /** See {@link grantsFor}. */
    grantsFor,
    /** See {@link applyGrants}. */
    applyGrants: (request: ApplyRequest) => applyGrants(context, request),
    /** See {@link diagnose}. */
    diagnose: (hostNow: () => Date) => diagnose(context, hostNow),
    /** See {@link cleanUp}. */
    cleanup: (request: CleanupRequest, progress?: CleanupProgress) => cleanUp(context, request, progress),
    /** See {@link migrateSchema}. */
    migrate: (request: MigrateRequest) => migrateSchema(engine, request),
    /** See {@link schemaStatus}. */
    schemaStatus: () => schemaStatus(engine),
    /** Where the keys are, for people, without a password. */
    place: engine.place,
    kind: engine.kind,
    tls: engine.tls,
    sizeBytes: engine.sizeBytes,
    close: () => engine.close(),
  };
}
