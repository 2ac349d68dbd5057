import { statSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { didYouMean } from '../../domain/near-name.js';
import { quote, quotePath } from '../../domain/quote.js';
import type { ApiKeysError } from '../../errors.js';
import { MOST_BYTES, readWhole, textOf, UnreadableFile } from '../../read-file.js';
import { SETTINGS } from '../../service/settings.js';
import { CliError } from '../cli-error.js';
import { fileError, type TextFile } from '../input/read-file.js';
import type { ReadYaml } from './yaml.js';

/** What the YAML file may also hold, beside the settings. */
export const YAML_DATABASE_URL = 'database_url';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFile {
  readonly path: string;
  /** By the names of the documentation, with `_`; every value as text. */
  readonly values: ReadonlyMap<string, string>;
}

const NAMES = new Set([...Object.values(SETTINGS).map(({ name }) => name), YAML_DATABASE_URL]);

/**
 * Reads the YAML file that the flag or `APIKEYS_CONFIG` names, otherwise the first that exists of the user's and
 * the system's. Nothing is read from the current folder by itself. Throws `INVALID_CONFIG`.
 */
export async function readConfigFile(
  flag: string | undefined,
  env: Environment,
  reading: Pick<TextFile, 'within' | 'signal'>,
): Promise<ConfigFile | undefined> {
  for (const path of configPlaces(flag, env)) {
    const text = await readText(path, namedPlace(flag, env) !== undefined, reading);
    if (text !== undefined) return { path, values: await parseYaml(path, text) };
  }
  return undefined;
}

/** A file that holds a password and that others may read; where permissions mean nothing, never. */
export function isOpenToOthers(path: string): boolean {
  return platform() !== 'win32' && (statSync(path).mode & 0o077) !== 0;
}

/** Where the file is looked for: one that is named has to be there. */
export function configPlaces(flag: string | undefined, env: Environment): string[] {
  const named = namedPlace(flag, env);
  return named === undefined ? usualPlaces(env) : [named];
}

const namedPlace = (flag: string | undefined, env: Environment): string | undefined =>
  flag?.trim() ?? (env.APIKEYS_CONFIG?.trim() || undefined);

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
    return textOf(await readWhole(path, { ...reading, mostBytes: MOST_BYTES }));
  } catch (error) {
    if (error instanceof UnreadableFile && error.missing && !required) return undefined;
    throw fileError(error, `the configuration file ${quotePath(path)}`, 'INVALID_CONFIG');
  }
}

async function parseYaml(path: string, text: string): Promise<Map<string, string>> {
  const { readTexts } = await import('./yaml.js');
  const document = documentOf(() => readTexts(text), path);
  // A file that is empty, or holds nothing but comments.
  if (document === null || document === '') return new Map();
  if (!isMapping(document)) throw invalid(`${quotePath(path)} has no mapping under "apikeys:"`);
  const [stray] = Object.keys(document).filter((key) => key !== SECTION);
  if (stray !== undefined) throw strayName(path, stray);
  const section = document[SECTION] ?? '';
  if (section === '') return new Map();
  if (!isMapping(section)) throw invalid(`${quotePath(path)} has no mapping under "apikeys:"`);
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(section)) {
    const name = key.replaceAll('-', '_');
    if (!NAMES.has(name)) {
      throw invalid(
        `${quotePath(path)} names ${quote(key)} under "apikeys:", which is no setting${didYouMean(name, NAMES)}`,
      );
    }
    if (typeof value !== 'string') throw invalid(`${quotePath(path)} has no single value for ${quote(key)}`);
    // As a variable that is set and empty, it would be as good as none, and a confinement would be gone.
    if (value === '') throw invalid(`${quotePath(path)} has no value for ${quote(key)}`);
    if (values.has(name))
      throw invalid(`${quotePath(path)} names ${quote(name)} twice, once with - and once with _`);
    values.set(name, value);
  }
  return values;
}

/** What everything of ours stands under. */
const SECTION = 'apikeys';

function strayName(path: string, key: string): ApiKeysError {
  const name = key.replaceAll('-', '_');
  const why = NAMES.has(name)
    ? 'a setting, which belongs under it'
    : `which is not read${didYouMean(name, [SECTION])}`;
  return invalid(`${quotePath(path)} names ${quote(key)} beside "apikeys:", ${why}`);
}

/** The parser's own message repeats the text, which may hold a password. */
function documentOf(parse: () => ReadYaml, path: string): unknown {
  let read: ReadYaml;
  try {
    read = parse();
  } catch {
    // An alias of nothing, say, is found out only as values are made.
    throw invalid(`${quotePath(path)} is not valid YAML`);
  }
  if ('fault' in read) throw invalid(`${quotePath(path)} ${read.fault}`);
  return read.value;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function invalid(message: string): ApiKeysError {
  return new CliError('INVALID_CONFIG', message, {
    hint: '`apikeys help environment` lists every setting; each stands under "apikeys:".',
  });
}
