import { parseDuration, parseLifetime } from '../domain/duration.js';
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../domain/secret.js';
import { checkPrefix } from '../domain/text.js';
import { ApiKeysError } from '../errors.js';
import { DEFAULT_SETTINGS, type Settings } from '../service/settings.js';
import type { UsageRecorderOptions } from '../service/usage/recorder.js';
import { checkRealm } from '../service/verify/challenge.js';

/** A `Pool` of `pg` 8, the application's own copy or ours; not of its native bindings. */
export interface ApplicationPool {
  connect(): Promise<{ query: (...args: never[]) => unknown; release: (destroy?: boolean) => void }>;
}

/** Where the keys are: a server by its URL, the application's own connections to it, or the built-in PostgreSQL. */
export type DatabaseOptions =
  | {
      /**
       * `postgres://user:password@host:5432/database`. A server that is not local is reached over TLS with its
       * certificate verified; `?sslmode=disable` alone goes without. A parameter that is not heeded is
       * refused. Of the environment only `PGPASSWORD` is heeded, and `PGPASSFILE` (or `~/.pgpass`) after it.
       */
      readonly connectionString: string;
      /** Connections at most, opened when they are needed: 1 to 1,000; 8 unless told otherwise. */
      readonly poolSize?: number | undefined;
    }
  | {
      /** Never ended by us; no listener, type parser or setting of ours stays on it. */
      readonly pool: ApplicationPool;
    }
  | {
      /** A folder for the built-in PostgreSQL, made if it does not exist, and in use by one process at a time. */
      readonly embedded: string;
    };

/** What may be told about usage; see `recordUsage`. */
export type UsageOptions = UsageRecorderOptions;

export interface RuleOptions {
  /** Begins every new secret: `rv_` unless told otherwise. */
  readonly prefix?: string | undefined;
  /** Bytes in a new secret, its checksum included: 24 to 64; 32 unless told otherwise. */
  readonly secretBytes?: number | undefined;
  /** The lifetime of keys that name none, such as `30d`, or `never`; `90d` unless told otherwise. */
  readonly defaultExpiry?: string | undefined;
  /** Live keys an owner may have; 0: no limit; 10 unless told otherwise. */
  readonly maxKeysPerOwner?: number | undefined;
  /** How long older secrets stay valid after a rotation; `1d` unless told otherwise. */
  readonly rotationGrace?: string | undefined;
  /** How long `cleanup` keeps the dead; `30d` unless told otherwise. */
  readonly retention?: string | undefined;
  /** False refuses with `FEATURE_DISABLED` everything that makes or widens access; true unless told otherwise. */
  readonly keyManagement?: boolean | undefined;
}

export type ApiKeysOptions = DatabaseOptions &
  RuleOptions & {
    /** How long one call may wait for the database, in milliseconds: 100 to 3,600,000; 10,000 unless told otherwise. */
    readonly timeout?: number | undefined;
    readonly usage?: UsageOptions | undefined;
    /** The protection space that `authenticate` names in `WWW-Authenticate`: printable ASCII; `api` unless told otherwise. */
    readonly realm?: string | undefined;
  };

/** Options with every default filled in. */
export interface CheckedOptions {
  readonly settings: Settings;
  readonly timeout: number;
  readonly poolSize: number;
  readonly usage: UsageOptions;
  readonly realm: string;
}

/** Throws `INVALID_CONFIG`, naming the option. */
export function checkOptions(options: ApiKeysOptions): CheckedOptions {
  const { defaultExpiry, maxKeysPerOwner, rotationGrace, retention, usage = {} } = options;
  const { flushInterval = 1_000, batchSize = 1_000, maxPending = 100_000, onError } = usage;
  const poolSize = 'connectionString' in options ? (options.poolSize ?? 8) : 1;
  return {
    settings: {
      prefix: named('prefix', () => checkPrefix(options.prefix ?? DEFAULT_SETTINGS.prefix)),
      secretBytes: whole('secretBytes', options.secretBytes ?? DEFAULT_SETTINGS.secretBytes, [
        MIN_SECRET_BYTES,
        MAX_SECRET_BYTES,
      ]),
      defaultExpiry: named('defaultExpiry', () =>
        defaultExpiry === undefined ? DEFAULT_SETTINGS.defaultExpiry : parseLifetime(defaultExpiry),
      ),
      maxKeysPerOwner: whole(
        'maxKeysPerOwner',
        maxKeysPerOwner ?? DEFAULT_SETTINGS.maxKeysPerOwner,
        [0, 1_000_000],
      ),
      rotationGrace: named('rotationGrace', () =>
        rotationGrace === undefined ? DEFAULT_SETTINGS.rotationGrace : parseDuration(rotationGrace),
      ),
      retention: named('retention', () =>
        retention === undefined ? DEFAULT_SETTINGS.retention : parseDuration(retention),
      ),
      keyManagement: options.keyManagement ?? DEFAULT_SETTINGS.keyManagement,
    },
    timeout: whole('timeout', options.timeout ?? 10_000, [100, 3_600_000]),
    poolSize: whole('poolSize', poolSize, [1, 1_000]),
    usage: {
      flushInterval: whole('usage.flushInterval', flushInterval, [1, 3_600_000]),
      batchSize: whole('usage.batchSize', batchSize, [1, 10_000]),
      maxPending: whole('usage.maxPending', maxPending, [1, 10_000_000]),
      ...(onError !== undefined && { onError }),
    },
    realm: named('realm', () => checkRealm(options.realm ?? 'api')),
  };
}

function named<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ApiKeysError) throw invalid(option, error.message);
    throw error;
  }
}

function whole(option: string, value: number, [least, most]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(option, `it is not a whole number from ${least} to ${most}`);
}

const invalid = (option: string, why: string): ApiKeysError =>
  new ApiKeysError('INVALID_CONFIG', `the option ${option} is not usable: ${why}`);
