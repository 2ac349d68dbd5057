import { isDeepStrictEqual } from 'node:util';
import { isPlaceTaken } from '../../db/pg-errors.js';
import { read } from '../../db/transaction.js';
import { parseDuration } from '../../domain/duration.js';
import { newId } from '../../domain/id.js';
import type { Policy } from '../../domain/policy.js';
import { parseScopes } from '../../domain/scopes.js';
import { checkPrefix } from '../../domain/text.js';
import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import {
  ALL_TENANTS,
  findPolicies,
  HOLD_POLICIES_TO_CHANGE,
  policyRow,
  storePolicy,
} from '../../repository/policies.js';
import { recordOnTenant } from '../audit/tenant-chain.js';
import { auditedTransaction } from '../audited-transaction.js';
import { actorOf, type ChangeOptions, type ServiceContext, tenantOf } from '../context.js';
import { checkWhole } from '../setting.js';
import { type PolicyView, policyView } from './show-policy.js';

/** The rules to change: null takes one away, and what is left out stays. */
export interface PolicyRequest extends ChangeOptions {
  /** The longest that a key may be given to live, such as `90d`; then none may live for ever. */
  readonly maxLifetime?: string | null | undefined;
  /** Whether every key has to have an end; false is the same as null. */
  readonly requireExpiry?: boolean | null | undefined;
  /** How many live keys an owner may have, at least 1. */
  readonly maxKeys?: number | null | undefined;
  /** What keys may be given: these scopes, and what they cover. */
  readonly scopes?: readonly string[] | null | undefined;
  /** What new secrets may begin with, such as `acme_`. */
  readonly prefixes?: readonly string[] | null | undefined;
}

export interface ChangedPolicy extends PolicyView {
  /** 1 if the policy changed, or with `dryRun` would; 0 if it was so before. */
  readonly changed: 0 | 1;
  /** The chain of the tenant, or the database, if it was found broken: the event of this begins a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

/** As many as a key may have scopes. */
const MOST_PREFIXES = 100;

/**
 * Changes the policy of the caller's tenant; without a tenant, that for all. It changes no key. From when this resolves on,
 * no change is committed that is against it: whoever makes or widens a key then is waited for, at most the lock timeout.
 *
 * Throws `INVALID_INPUT`, `DATABASE_BUSY`, and what {@link auditedTransaction} throws.
 */
export async function setPolicy(context: ServiceContext, request: PolicyRequest): Promise<ChangedPolicy> {
  const rules = parseRules(request);
  const actor = actorOf(context);
  const tenant = tenantOf(context) ?? null;
  const tenantId = tenant ?? ALL_TENANTS;
  await context.ready();
  const changedFrom = ({ own, all }: { readonly own: Policy; readonly all: Policy }) => {
    const policy = { ...own, ...rules };
    const view = policyView(tenant, { own: policy, all: tenant === null ? policy : all });
    return { view, policy, details: beforeAndAfter(own, policy) };
  };
  const untouched = { changed: 0, brokenChains: [] } as const;

  if (request.dryRun) {
    const { view, details } = changedFrom(
      await read(context.engine, (session) => findPolicies(session, tenantId)),
    );
    return { ...view, ...untouched, changed: isEmpty(details) ? 0 : 1 };
  }
  const id = newId();
  return auditedTransaction<ChangedPolicy>(
    context.engine,
    async (session, audit) => {
      const { view, policy, details } = changedFrom(await findPolicies(session, tenantId));
      if (isEmpty(details)) return audit.unchanged({ ...view, ...untouched });
      return audit.recordedBy(async () => {
        const event = { id, actor, action: 'policy.changed', details } as const;
        const brokenChains = await recordOnTenant(session, tenantId, event);
        await storePolicy(session, tenantId, policy);
        return { eventId: id, value: { ...view, changed: 1, brokenChains } };
      });
    },
    { prelude: HOLD_POLICIES_TO_CHANGE, isRace: isPlaceTaken },
  );
}

/** The rules that are named, as a policy has them. */
function parseRules(request: PolicyRequest): Partial<Policy> {
  const { maxLifetime, requireExpiry, maxKeys, scopes, prefixes } = request;
  return {
    ...(maxLifetime !== undefined && { maxLifetimeMs: ifAny(maxLifetime, parseLongest) }),
    ...(requireExpiry !== undefined && { requireExpiry: requireExpiry ?? false }),
    ...(maxKeys !== undefined && { maxKeys: ifAny(maxKeys, checkMaxKeys) }),
    ...(scopes !== undefined && { scopes: ifAny(scopes, (list) => notEmpty(parseScopes(list), 'scopes')) }),
    ...(prefixes !== undefined && { prefixes: ifAny(prefixes, parsePrefixes) }),
  };
}

const ifAny = <Given, Value>(given: Given | null, parse: (given: Given) => Value): Value | null =>
  given === null ? null : parse(given);

/** Neither zero nor `never`: both could be meant as a ban, and as no rule at all. */
function parseLongest(text: string): number {
  const ms = text === 'never' ? 0 : parseDuration(text);
  if (ms > 0) return ms;
  throw invalid('the longest lifetime has to be longer than zero, and to end', 'policy_lifetime');
}

const checkMaxKeys = (count: number): number => checkWhole(count, { least: 1, most: 1_000_000 });

function parsePrefixes(list: readonly string[]): readonly string[] {
  const prefixes = [...new Set(list.map(checkPrefix))].sort();
  if (prefixes.length > MOST_PREFIXES) {
    throw invalid(`a policy has at most ${MOST_PREFIXES} prefixes`, 'prefix');
  }
  return notEmpty(prefixes, 'prefixes');
}

function notEmpty<Item>(list: readonly Item[], what: string): readonly Item[] {
  if (list.length > 0) return list;
  throw invalid(`a policy that allows no ${what} at all would allow nothing`, 'policy_empty');
}

/** Only the rules that change, under the names of the columns. */
function beforeAndAfter(own: Policy, policy: Policy): Readonly<Record<string, unknown>> {
  const before: Readonly<Record<string, unknown>> = policyRow(own);
  const changes = Object.entries(policyRow(policy))
    .filter(([rule, after]) => !isDeepStrictEqual(before[rule], after))
    .map(([rule, after]) => [rule, { before: before[rule], after }]);
  return Object.fromEntries(changes);
}

const isEmpty = (details: object): boolean => Object.keys(details).length === 0;

const invalid = (message: string, reason: ErrorReason): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', message, { details: { reason } });
