import { ApiKeysError } from '../errors.js';
import { checkWhole, type Setting } from '../service/setting.js';
import { RULES, type RuleOptions, SETTINGS, type Settings, settingsFrom } from '../service/settings.js';
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
       * certificate verified; `?sslmode=disable` alone goes without. Several hosts are tried in turn:
       * `postgres://app@a:5432,b:5432/app?target_session_attrs=read-write`. A parameter that is not heeded is
       * refused. Of the environment only `PGPASSWORD` is heeded, `PGPASSFILE` (or `~/.pgpass`) after it, and for
       * `?service=` the places of its file: `PGSERVICEFILE`, `PGSYSCONFDIR`.
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

export type { RuleOptions } from '../service/settings.js';

/** What may be told about usage; see `recordUsage`. */
export type UsageOptions = UsageRecorderOptions;

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
  const rules: RuleOptions = options;
  const { usage = {} } = options;
  const { flushInterval = 1_000, batchSize = 1_000, maxPending = 100_000, onError } = usage;
  const poolSize = 'connectionString' in options ? (options.poolSize ?? 8) : 1;
  return {
    settings: settingsFrom((name) => configured(RULES[name], rules[name])),
    timeout: configured(SETTINGS.timeout, options.timeout),
    poolSize: whole('poolSize', poolSize, 1_000),
    usage: {
      flushInterval: whole('usage.flushInterval', flushInterval, 3_600_000),
      batchSize: whole('usage.batchSize', batchSize, 10_000),
      maxPending: whole('usage.maxPending', maxPending, 10_000_000),
      ...(onError !== undefined && { onError }),
    },
    realm: named('realm', () => checkRealm(options.realm ?? 'api')),
  };
}

function configured<Value, Option>(setting: Setting<Value, Option>, option: Option | undefined): Value {
  // Without types, a null may come.
  if (option === undefined || option === null) return setting.fallback;
  return named(setting.option ?? setting.name, () => setting.check(option));
}

const whole = (option: string, value: number, most: number): number =>
  named(option, () => checkWhole(value, { least: 1, most }));

function named<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    throw new ApiKeysError('INVALID_CONFIG', `the option ${option} is not usable: ${error.message}`);
  }
}
