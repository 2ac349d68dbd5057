import { statSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { quote, quotePath } from '../domain/quote.js';
import { ApiKeysError } from '../errors.js';
import { MOST_BYTES, readWhole, UnreadableFile } from '../read-file.js';
import { SETTINGS, YAML_DATABASE_URL } from './config-values.js';
import { fileError, type TextFile } from './read-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFile {
  readonly path: string;
  /** By the names of the documentation, with `_`; every value as text. */
  readonly values: ReadonlyMap<string, string>;
}

const NAMES = new Set([...Object.values(SETTINGS).map(({ yaml }) => yaml), YAML_DATABASE_URL]);

/**
 * Reads the YAML file that the flag or `APIKEYS_CONFIG` names, otherwise the first that exists of the user's and
 * the system's. Nothing is read from the current folder by itself. Throws `INVALID_CONFIG`.
 */
export async function readConfigFile(
  flag: string | undefined,
  env: Environment,
  reading: Pick<TextFile, 'within' | 'signal'>,
): Promise<ConfigFile | undefined> {
  const named = flag ?? (env.APIKEYS_CONFIG || undefined);
  for (const path of named === undefined ? usualPlaces(env) : [named]) {
    const text = await readText(path, named !== undefined, reading);
    if (text !== undefined) return { path, values: await parseYaml(path, text) };
  }
  return undefined;
}

/** A file that holds a password and that others may read; where permissions mean nothing, never. */
export function isOpenToOthers(path: string): boolean {
  return platform() !== 'win32' && (statSync(path).mode & 0o077) !== 0;
}

function usualPlaces(env: Environment): string[] {
  const home = env.XDG_CONFIG_HOME?.startsWith('/')
    ? env.XDG_CONFIG_HOME
    : env.HOME && join(env.HOME, '.config');
  return [...(home ? [join(home, 'apikeys', 'config.yaml')] : []), '/etc/apikeys/config.yaml'];
}

async function readText(
  path: string,
  required: boolean,
  reading: Pick<TextFile, 'within' | 'signal'>,
): Promise<string | undefined> {
  try {
    return (await readWhole(path, { ...reading, mostBytes: MOST_BYTES })).toString('utf8');
  } catch (error) {
    if (error instanceof UnreadableFile && error.missing && !required) return undefined;
    throw fileError(error, `the configuration file ${quotePath(path)}`, 'INVALID_CONFIG');
  }
}

async function parseYaml(path: string, text: string): Promise<Map<string, string>> {
  const { parse } = await import('./yaml.js');
  const document = parseOrThrow(() => parse(text), path);
  const section = isMapping(document) ? (document.apikeys ?? {}) : (document ?? {});
  if (!isMapping(section)) throw invalid(`${quotePath(path)} has no mapping under "apikeys:"`);
  return new Map(
    Object.entries(section).map(([key, value]) => {
      const name = key.replaceAll('-', '_');
      if (!NAMES.has(name)) {
        throw invalid(`${quotePath(path)} names ${quote(key)} under "apikeys:", which is no setting`);
      }
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw invalid(`${quotePath(path)} has no single value for ${quote(key)}`);
      }
      return [name, String(value)];
    }),
  );
}

/** The parser's own message repeats the text, which may hold a password. */
function parseOrThrow(parse: () => unknown, path: string): unknown {
  try {
    return parse();
  } catch {
    throw invalid(`${quotePath(path)} is not valid YAML`);
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function invalid(message: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', message, {
    hint: 'The README lists every setting; each stands under "apikeys:".',
  });
}
