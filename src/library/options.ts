import { ApiKeysError } from '../errors.js';
import { checkWhole, type Setting } from '../service/setting.js';
import { RULES, type RuleOptions, SETTINGS, type Settings, settingsFrom } from '../service/settings.js';
import type { UsageRecorderOptions } from '../service/usage/recorder.js';
import { checkRealm } from '../service/verify/challenge.js';
import { anObject, faultOf, fn, number, optional, type Shape, text, yesOrNo } from './shape.js';

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

interface AnyDatabase {
  readonly connectionString?: string | undefined;
  readonly poolSize?: number | undefined;
  readonly pool?: object | undefined;
  readonly embedded?: string | undefined;
}

const OPTIONS: Shape<
  AnyDatabase & RuleOptions & Pick<ApiKeysOptions, 'timeout' | 'realm'> & { usage?: object }
> = {
  connectionString: optional(text),
  poolSize: optional(number),
  pool: optional(anObject),
  embedded: optional(text),
  prefix: optional(text),
  secretBytes: optional(number),
  defaultExpiry: optional(text),
  maxKeysPerOwner: optional(number),
  rotationGrace: optional(text),
  retention: optional(text),
  keyManagement: optional(yesOrNo),
  timeout: optional(number),
  realm: optional(text),
  usage: optional(anObject),
};

const USAGE: Shape<UsageOptions> = {
  flushInterval: optional(number),
  batchSize: optional(number),
  maxPending: optional(number),
  onError: optional(fn<NonNullable<UsageOptions['onError']>>()),
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
  const fault = faultOf(OPTIONS, options) ?? databaseFault(options) ?? usageFault(options);
  if (fault !== null) throw new ApiKeysError('INVALID_CONFIG', `the options are not usable: ${fault}`);
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

/** A variable that is unset must not become the database of libpq's defaults. */
function databaseFault(options: AnyDatabase): string | null {
  const { connectionString, pool, embedded, poolSize } = options;
  const given = Object.entries({ connectionString, pool, embedded }).filter(
    ([, value]) => value !== undefined,
  );
  const [first, second] = given;
  if (first === undefined) {
    const [named = 'connectionString, pool or embedded'] = DATABASES.filter((name) => name in options);
    return `${named} is missing`;
  }
  if (second !== undefined) return `${first[0]} and ${second[0]} exclude each other`;
  if (typeof first[1] === 'string' && first[1].trim() === '') return `${first[0]} is empty`;
  return poolSize !== undefined && connectionString === undefined
    ? 'poolSize goes with connectionString'
    : null;
}

const DATABASES = ['connectionString', 'pool', 'embedded'] as const;

function usageFault({ usage }: ApiKeysOptions): string | null {
  const fault = usage === undefined ? null : faultOf(USAGE, usage);
  return fault === null ? null : `usage: ${fault}`;
}

function configured<Value, Option>(setting: Setting<Value, Option>, option: Option | undefined): Value {
  if (option === undefined) return setting.fallback;
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
