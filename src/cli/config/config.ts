import { hostname, userInfo } from 'node:os';
import { quotePath } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';
import type { Setting } from '../../service/setting.js';
import { RULES, SETTINGS, type Settings, settingsFrom } from '../../service/settings.js';
import { CliError } from '../cli-error.js';
import { hintOf } from '../hints.js';
import { type ConfigFile, configPlaces, readConfigFile } from './config-file.js';
import { chooseDatabase, type DatabaseChoice } from './database-choice.js';
import { variableOf } from './variable.js';
import { refuseUnknownVariables } from './variables.js';

export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly tenant?: string | undefined;
  readonly actor?: string | undefined;
  readonly embedded?: boolean | undefined;
  readonly databaseUrlFile?: string | undefined;
}

export interface SettingInForce {
  readonly variable: string;
  readonly value: string;
  /** Where it came from: `default`, `--tenant`, `APIKEYS_TENANT`, or the path of the file. */
  readonly source: string;
}

export interface Config {
  readonly settings: Settings;
  /** The tenant that everything is confined to, if any. */
  readonly tenant: string | undefined;
  readonly actor: string;
  /** How long to wait for the database, in milliseconds. */
  readonly timeout: number;
  readonly database: DatabaseChoice;
  /** The configuration files that were looked at, in their order. */
  readonly files: readonly { readonly path: string; readonly found: boolean }[];
  /** Every setting as it is in force, in the order of the documentation. */
  readonly inForce: readonly SettingInForce[];
  /** What a person should know about how this is configured. */
  readonly notes: readonly string[];
}

export interface ConfigEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person is at a terminal: only then is the embedded database used without being asked for. */
  readonly interactive: boolean;
  /** Ends the wait for a file that is a pipe. */
  readonly signal?: AbortSignal | undefined;
}

/** Reads flags, then environment, then the YAML file, then defaults. Throws `INVALID_CONFIG`, `INVALID_USAGE`, `NO_DATABASE`. */
export async function loadConfig(
  flags: ConfigFlags,
  { env, interactive, signal }: ConfigEnvironment,
): Promise<Config> {
  refuseUnknownVariables(env);
  // What the file itself says about it comes too late for the file.
  const within = lookUp(SETTINGS.timeout, env, undefined, undefined).value;
  const file = await readConfigFile(flags.config, env, { within, signal });
  const inForce: SettingInForce[] = [];
  const value = <T>(setting: Setting<T, never>, flag?: Flag): T => {
    const found = lookUp(setting, env, file, flag);
    inForce.push({ variable: variableOf(setting), value: setting.show(found.value), source: found.source });
    return found.value;
  };
  const settings = settingsFrom((name) => value(RULES[name]));
  const tenant = value(SETTINGS.tenant, { name: '--tenant', text: flags.tenant });
  const actor = value({ ...SETTINGS.actor, fallback: osActor() }, { name: '--actor', text: flags.actor });
  const timeout = value(SETTINGS.timeout);
  const { database, notes } = await chooseDatabase(flags, {
    env,
    file,
    interactive,
    reading: { within: timeout, signal },
  });
  const places = configPlaces(flags.config, env);
  const last = file === undefined ? places.length : places.indexOf(file.path) + 1;
  const files = places.slice(0, last).map((path) => ({ path, found: path === file?.path }));
  return { settings, tenant, actor, timeout, database, files, inForce, notes };
}

interface Flag {
  readonly name: string;
  readonly text: string | undefined;
}

function lookUp<T>(
  setting: Setting<T, never>,
  env: ConfigEnvironment['env'],
  file: ConfigFile | undefined,
  flag: Flag | undefined,
): { value: T; source: string } {
  const { name, fallback, parse } = setting;
  const variable = variableOf(setting);
  const inFile = file?.values.get(name);
  const candidates: [source: string, text: string | undefined][] = [
    [flag?.name ?? '', flag?.text],
    // A variable that is set and empty is as good as none: CI systems set them so.
    [variable, env[variable] || undefined],
    [file?.path ?? '', inFile],
  ];
  for (const [source, text] of candidates) {
    if (text === undefined) continue;
    try {
      return { value: parse(text), source };
    } catch (error) {
      if (!(error instanceof ApiKeysError)) throw error;
      const isFlag = source === flag?.name;
      const where = source === file?.path ? `${name} in ${quotePath(source)}` : source;
      throw new CliError(isFlag ? 'INVALID_INPUT' : 'INVALID_CONFIG', `${where}: ${error.message}`, {
        hint: hintOf(error),
        details: error.details,
      });
    }
  }
  return { value: fallback, source: 'default' };
}

/** `alice@build-7`: who the audit trail names when nobody else is named. */
function osActor(): string {
  return `${osUser()}@${hostname()}`.replaceAll(/[\p{Cc}\s]/gu, '_').slice(0, 200);
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    return 'unknown';
  }
}
