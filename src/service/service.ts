import type { Engine } from '../db/engine.js';
import { schemaStatus } from '../db/schema/migrate.js';
import { read } from '../db/transaction.js';
import { findGuardedTables, type GuardedTable } from '../repository/row-security.js';
import { readServer } from '../repository/server-facts.js';
import { type Caller, type ServiceContext, serviceContext } from './context.js';
import { type ChangeOperations, changeOperations } from './operations/change.js';
import { type ReadOperations, readOperations } from './operations/read.js';
import type { Settings } from './settings.js';
import { createUsageRecorder, type UsageIncrement, type UsageRecorderOptions } from './usage/recorder.js';
import { createVerifier, type Verifier } from './verify/verify.js';

/** All that one caller can do who only reads. */
export type ReadingService = ReadOperations & Verifier;

/** All that one caller can do. */
export type ConfinedService = ReadingService & ChangeOperations;

/** The tenant and the actor of a change. */
export interface ChangingCaller extends Caller {
  readonly actor: string;
}

/** The keys of one database, in all that can be done with them. */
export interface Service extends ReadingService {
  /**
   * The same service on somebody's behalf: confined to a tenant, if one is named, and with an actor also for changes. It is
   * cheap to make, as for one request.
   *
   * @example
   * await service.as({ tenant: 'acme', actor: 'alice' }).revoke({ keys: ['CI deploy'] });
   */
  as(caller: ChangingCaller): ConfinedService;
  as(caller: { readonly tenant?: string | undefined }): ReadingService;

  /** See {@link UsageRecorder.record}. */
  recordUsage(keyId: string, increment?: UsageIncrement): void;
  /** See {@link UsageRecorder.state}. */
  usageState: ReturnType<typeof createUsageRecorder>['state'];
  /** See {@link UsageRecorder.flush}. */
  flush(): Promise<void>;

  /** See {@link schemaStatus}. */
  schemaStatus(): ReturnType<typeof schemaStatus>;
  /** Where the keys are, for people, without a password. */
  readonly location: string;
  readonly kind: Engine['kind'];
  readonly tls: Engine['tls'];
  readonly sizeBytes: Engine['sizeBytes'];
  /** Whether the server follows another one: what it answers may be older than a change that was acknowledged. */
  isStandby(): Promise<boolean>;
  /** What a schema that is in order does not make right: the encoding of the database, and policies on its tables. */
  cautions(): Promise<Cautions>;

  /** Stores all usage and closes the engine, also where the usage cannot be stored. Idempotent. */
  close(): Promise<void>;
}

export interface Cautions {
  readonly encoding: string;
  readonly guardedTables: readonly GuardedTable[];
}

export interface ServiceOptions {
  /** The service closes it. */
  readonly engine: Engine;
  readonly settings: Settings;
  /** With it, what is verified is counted. */
  readonly usage?: UsageRecorderOptions | undefined;
}

/** The one service under every face: what the command line and the library can do is done here. */
export function createService({ engine, settings, usage }: ServiceOptions): Service {
  const context = serviceContext(engine, settings);
  const recorder = createUsageRecorder(context, usage);
  const verifier = createVerifier(context, { usage: usage === undefined ? undefined : recorder });
  let closing: Promise<void> | undefined;

  const readingAs = (reader: ServiceContext): ReadingService => ({
    ...readOperations(reader),
    ...verifierFor(verifier, reader.caller),
  });
  const as = (caller: Caller): ConfinedService => {
    const own = { ...context, caller };
    return { ...readingAs(own), ...changeOperations(own) };
  };
  return {
    ...readingAs(context),
    as,
    recordUsage: (keyId, increment) => recorder.record(keyId, increment),
    usageState: () => recorder.state(),
    flush: () => recorder.flush(),
    schemaStatus: () => schemaStatus(engine),
    location: engine.location,
    kind: engine.kind,
    tls: engine.tls,
    sizeBytes: engine.sizeBytes,
    cautions: () =>
      read(engine, async (session) => ({
        encoding: (await readServer(session)).encoding,
        guardedTables: await findGuardedTables(session),
      })),
    isStandby: async () => (await read(engine, readServer)).standby,
    close() {
      closing ??= recorder.close().finally(() => engine.close());
      return closing;
    },
  };
}

/** A key of another tenant than the caller's is not found, whatever the options say. */
function verifierFor(verifier: Verifier, { tenant }: Caller): Verifier {
  if (tenant === undefined) return verifier;
  return {
    verify: (rawKey, options) => verifier.verify(rawKey, { ...options, tenant }),
    explain: (rawKey, options) => verifier.explain(rawKey, { ...options, tenant }),
  };
}
