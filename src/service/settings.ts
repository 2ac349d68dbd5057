import { type Expiry, formatDuration, parseDuration, parseLifetime } from '../domain/duration.js';
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../domain/secret.js';
import { checkActor, checkPrefix, checkTenant } from '../domain/text.js';
import { type Setting, textOf, waitingTime, wholeNumber, YES_OR_NO } from './setting.js';

/** What an operator may configure of the rules. */
export interface Settings {
  /** Begins every new secret. */
  readonly prefix: string;
  /** Bytes in a new secret, its checksum included. */
  readonly secretBytes: number;
  /** The lifetime of a key that names none. */
  readonly defaultExpiry: Exclude<Expiry, { kind: 'at' }>;
  /** Live keys that an owner may have; 0: no limit. The owner's own limit comes first. */
  readonly maxKeysPerOwner: number;
  /** How long older secrets stay valid after a rotation, in milliseconds. */
  readonly rotationGrace: number;
  /** How long cleanup keeps the dead, in milliseconds. */
  readonly retention: number;
  /** The roll-out flag: false refuses everything that makes or widens access. */
  readonly keyManagement: boolean;
}

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

/** How long a key lives that names no lifetime, unless something else is configured. In milliseconds. */
export const USUAL_LIFETIME = parseDuration('90d');

type Option<Name extends keyof Settings> = NonNullable<RuleOptions[Name]>;

/** The rules that can be configured. A name here is also that of the library's option. */
export const RULES: { readonly [Name in keyof Settings]: Setting<Settings[Name], Option<Name>> } = {
  prefix: {
    name: 'prefix',
    option: 'prefix',
    fallback: 'rv_',
    meaning: 'prefix of every new secret',
    ...textOf(checkPrefix),
  },
  secretBytes: {
    name: 'length',
    option: 'secretBytes',
    fallback: 32,
    meaning: `bytes in a secret, ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`,
    ...wholeNumber({ least: MIN_SECRET_BYTES, most: MAX_SECRET_BYTES }),
  },
  defaultExpiry: {
    name: 'default_expiry',
    option: 'defaultExpiry',
    fallback: { kind: 'in', ms: USUAL_LIFETIME },
    meaning: 'lifetime of a key; 0: for ever',
    ...textOf(parseLifetime, (expiry) => (expiry.kind === 'never' ? 'never' : formatDuration(expiry.ms))),
  },
  maxKeysPerOwner: {
    name: 'max_per_user',
    option: 'maxKeysPerOwner',
    fallback: 10,
    meaning: 'live keys per owner; 0: no limit',
    ...wholeNumber({ least: 0, most: 1_000_000 }),
  },
  rotationGrace: {
    name: 'rotation_grace',
    option: 'rotationGrace',
    fallback: parseDuration('1d'),
    meaning: 'how long old secrets stay valid',
    ...textOf(parseDuration, formatDuration),
  },
  retention: {
    name: 'retention',
    option: 'retention',
    fallback: parseDuration('30d'),
    meaning: 'how long cleanup keeps the dead',
    ...textOf(parseDuration, formatDuration),
  },
  keyManagement: {
    name: 'enable_api_key_management',
    option: 'keyManagement',
    fallback: true,
    meaning: 'false refuses to make keys',
    ...YES_OR_NO,
  },
};

/** Every setting that is not the database, in the order of the documentation. */
export const SETTINGS = {
  ...RULES,
  tenant: {
    name: 'tenant',
    option: null,
    fallback: undefined,
    meaning: 'confines everything to it',
    ...textOf<string | undefined>(checkTenant, (tenant) => tenant ?? 'none'),
  },
  actor: {
    name: 'actor',
    option: null,
    fallback: '',
    fallbackWords: 'user@host',
    meaning: 'whom the audit trail names',
    ...textOf(checkActor),
  },
  timeout: {
    name: 'timeout',
    option: 'timeout',
    fallback: 10_000,
    meaning: 'longest wait for the database',
    ...waitingTime({ least: 100, most: 3_600_000 }),
  },
} as const;

/** The default as documentation shows it. */
export const shownFallback = <Value>({ fallback, fallbackWords, show }: Setting<Value, never>): string =>
  fallbackWords ?? show(fallback);

/** All rules, each with the value that `value` gives it. */
export const settingsFrom = (
  value: <Name extends keyof Settings>(name: Name) => Settings[Name],
): Settings => ({
  prefix: value('prefix'),
  secretBytes: value('secretBytes'),
  defaultExpiry: value('defaultExpiry'),
  maxKeysPerOwner: value('maxKeysPerOwner'),
  rotationGrace: value('rotationGrace'),
  retention: value('retention'),
  keyManagement: value('keyManagement'),
});

export const DEFAULT_SETTINGS: Settings = settingsFrom((name) => RULES[name].fallback);
