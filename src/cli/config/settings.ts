import { formatDuration, parseDuration, parseLifetime } from '../../domain/duration.js';
import { quote } from '../../domain/quote.js';
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '../../domain/secret.js';
import { checkActor, checkPrefix, checkTenant } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { DEFAULT_SETTINGS } from '../../service/settings.js';

/** One thing that can be configured: its names, its default, and how its text is read. */
export interface Setting<T> {
  /** The environment variable. */
  readonly variable: string;
  /** The name under `apikeys:` in the YAML file; `-` and `_` are the same there. */
  readonly yaml: string;
  readonly fallback: T;
  /** Throws `INVALID_INPUT`, which the caller completes with where the text came from. */
  parse(text: string): T;
  /** The value as its text would be. */
  show(value: T): string;
}

const setting = <T>(
  variable: string,
  yaml: string,
  fallback: T,
  parse: (text: string) => T,
  show: (value: T) => string = String,
): Setting<T> => ({ variable, yaml, fallback, parse, show });

/** Every setting that is not the database, in the order of the documentation. */
export const SETTINGS = {
  prefix: setting('APIKEYS_PREFIX', 'prefix', DEFAULT_SETTINGS.prefix, checkPrefix),
  secretBytes: setting(
    'APIKEYS_LENGTH',
    'length',
    DEFAULT_SETTINGS.secretBytes,
    wholeNumber(MIN_SECRET_BYTES, MAX_SECRET_BYTES),
  ),
  defaultExpiry: setting(
    'APIKEYS_DEFAULT_EXPIRY',
    'default_expiry',
    DEFAULT_SETTINGS.defaultExpiry,
    parseLifetime,
    (expiry) => (expiry.kind === 'never' ? 'never' : formatDuration(expiry.ms)),
  ),
  maxKeysPerOwner: setting(
    'APIKEYS_MAX_PER_USER',
    'max_per_user',
    DEFAULT_SETTINGS.maxKeysPerOwner,
    wholeNumber(0, 1_000_000),
  ),
  rotationGrace: setting(
    'APIKEYS_ROTATION_GRACE',
    'rotation_grace',
    DEFAULT_SETTINGS.rotationGrace,
    parseDuration,
    formatDuration,
  ),
  retention: setting(
    'APIKEYS_RETENTION',
    'retention',
    DEFAULT_SETTINGS.retention,
    parseDuration,
    formatDuration,
  ),
  keyManagement: setting(
    'APIKEYS_ENABLE_API_KEY_MANAGEMENT',
    'enable_api_key_management',
    DEFAULT_SETTINGS.keyManagement,
    yesOrNo,
  ),
  tenant: setting<string | undefined>('APIKEYS_TENANT', 'tenant', undefined, checkTenant, orNone),
  actor: setting('APIKEYS_ACTOR', 'actor', '', checkActor),
  timeout: setting('APIKEYS_TIMEOUT', 'timeout', 10_000, seconds, (ms) => `${ms / 1_000}s`),
} as const;

/** What the YAML file may also hold, beside the settings. */
export const YAML_DATABASE_URL = 'database_url';

function orNone(value: string | undefined): string {
  return value ?? 'none';
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw invalid(`${quote(text)} is not a whole number from ${least} to ${most}`);
  };
}

function yesOrNo(text: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw invalid(`${quote(text)} is neither true nor false`);
}

/** Seconds are not among the durations of keys, yet they are what one waits for a database. */
function seconds(text: string): number {
  const [, digits, unit] = /^(\d{1,4})(s|m)$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (unit === 'm' ? 60_000 : 1_000);
  if (milliseconds >= 1_000 && milliseconds <= 3_600_000) return milliseconds;
  throw invalid(`${quote(text)} is not a time such as 10s or 1m, from one second to one hour`);
}

function invalid(message: string): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message);
}
