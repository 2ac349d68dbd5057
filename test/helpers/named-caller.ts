import type { Engine } from '../../src/db/engine.js';
import type * as filter from '../../src/service/audit/filter.js';
import type * as follow from '../../src/service/audit/follow.js';
import type * as events from '../../src/service/audit/list.js';
import type * as create from '../../src/service/keys/create-key.js';
import type * as list from '../../src/service/keys/list-keys.js';
import type * as rotate from '../../src/service/keys/rotate-key.js';
import { type ConfinedService, createService, type Service } from '../../src/service/service.js';
import { DEFAULT_SETTINGS, type Settings } from '../../src/service/settings.js';
import type * as usage from '../../src/service/usage/get-usage.js';

/** A tenant and an actor beside the request. */
export interface NamedCaller {
  readonly tenant?: string | undefined;
  readonly actor?: string | undefined;
}

export type CreateRequest = create.CreateRequest & NamedCaller;
export type RotateRequest = rotate.RotateRequest & NamedCaller;
export type ListFilter = list.ListFilter & NamedCaller;
export type ListRequest = list.ListRequest & NamedCaller;
export type EventListRequest = events.EventListRequest & NamedCaller;
export type AuditFilter = filter.AuditFilter & NamedCaller;
export type FollowRequest = follow.FollowRequest & NamedCaller;
export type UsageRequest = usage.UsageRequest & NamedCaller;

/** The first parameter may name the caller. */
type Named<Call> = Call extends (request: infer Request, ...rest: infer Rest) => infer Result
  ? (request: Request & NamedCaller, ...rest: Rest) => Result
  : never;

/** As {@link Named}, where there may be no request at all. */
type OptionallyNamed<Call> = Call extends (request?: infer Request, ...rest: infer Rest) => infer Result
  ? (request?: NonNullable<Request> & NamedCaller, ...rest: Rest) => Result
  : never;

const CHANGES = [
  'create',
  'update',
  'updateScopes',
  'rotate',
  'endGrace',
  'revoke',
  'freeze',
  'unfreeze',
  'freezeOwner',
  'unfreezeOwner',
  'cleanup',
  'migrate',
  'applyGrants',
  'hasScopes',
  'setPolicy',
] as const satisfies readonly (keyof ConfinedService)[];

const READS = [
  'list',
  'allKeys',
  'count',
  'getUsage',
  'verifyAudit',
] as const satisfies readonly (keyof ConfinedService)[];

/** What a filter names is another's actor, and not the caller. */
const FILTERS = ['follow', 'events', 'allEvents'] as const satisfies readonly (keyof ConfinedService)[];

type Adapted =
  | (typeof CHANGES)[number]
  | (typeof READS)[number]
  | (typeof FILTERS)[number]
  | 'get'
  | 'show'
  | 'auditHeads'
  | 'policy'
  | 'importUsage'
  | 'recordUsage';

type GetUsage = (request?: UsageRequest) => Promise<usage.UsageSeries | usage.UsageRanking>;

/** A service whose calls name the tenant and the actor beside the request, as most tests do. */
export type TestCalls = Omit<Service, Adapted> & {
  readonly [Name in (typeof CHANGES)[number] | 'follow']: Named<ConfinedService[Name]>;
} & {
  readonly [Name in Exclude<
    (typeof READS)[number] | (typeof FILTERS)[number],
    'getUsage' | 'follow'
  >]: OptionallyNamed<ConfinedService[Name]>;
} & {
  /** Stores it. */
  readonly recordUsage: (
    request: NamedCaller & { readonly keyId: string } & Parameters<ConfinedService['storeUsage']>[1],
  ) => ReturnType<ConfinedService['storeUsage']>;
  readonly usage: GetUsage;
  readonly getUsage: GetUsage;
  readonly importUsage: (
    lines: Parameters<ConfinedService['importUsage']>[0],
    request?: NonNullable<Parameters<ConfinedService['importUsage']>[1]> & NamedCaller,
  ) => ReturnType<ConfinedService['importUsage']>;
  readonly get: (reference: string, tenant?: string) => ReturnType<Service['get']>;
  readonly show: (reference: string, tenant?: string) => ReturnType<Service['show']>;
  readonly auditHeads: (caller?: NamedCaller) => ReturnType<Service['auditHeads']>;
  readonly policy: (caller?: NamedCaller) => ReturnType<Service['policy']>;
};

/** The service on an engine, as tests call it. */
export const testKeysOn = (engine: Engine, settings: Partial<Settings> = {}): TestCalls =>
  withNamedCaller(createService({ engine, settings: { ...DEFAULT_SETTINGS, ...settings } }));

/** Takes the tenant and the actor out of each request, and makes the call on their behalf. */
function withNamedCaller(service: Service): TestCalls {
  const asNamed = ({ tenant, actor }: NamedCaller) => service.as({ tenant, actor: actor ?? '' });
  const adapted: Record<string, unknown> = {
    recordUsage: ({ keyId, ...request }: NamedCaller & { readonly keyId: string }) =>
      asNamed(request).storeUsage(keyId, without(request)),
    importUsage: (lines: never, request: NamedCaller = {}) =>
      asNamed(request).importUsage(lines, without(request)),
    get: (reference: string, tenant?: string) => service.as({ tenant }).get(reference),
    show: (reference: string, tenant?: string) => service.as({ tenant }).show(reference),
    auditHeads: ({ tenant }: NamedCaller = {}) => service.as({ tenant }).auditHeads(),
    policy: ({ tenant }: NamedCaller = {}) => service.as({ tenant }).policy(),
    usage: (request: NamedCaller = {}) => service.as({ tenant: request.tenant }).getUsage(without(request)),
  };
  for (const name of [...CHANGES, ...READS]) {
    adapted[name] = (request: NamedCaller = {}, ...rest: unknown[]) =>
      Reflect.apply(asNamed(request)[name], undefined, [without(request), ...rest]);
  }
  for (const name of FILTERS) {
    adapted[name] = ({ tenant, ...filter }: NamedCaller = {}) =>
      Reflect.apply(service.as({ tenant })[name], undefined, [filter]);
  }
  return { ...service, ...adapted } as unknown as TestCalls;
}

function without<Request extends NamedCaller>(request: Request): Omit<Request, keyof NamedCaller> {
  const { tenant, actor, ...rest } = request;
  return rest;
}
