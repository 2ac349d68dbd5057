import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { quote } from '../../domain/quote.js';
import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { textOf } from '../../read-file.js';
import type { Environment } from './libpq-variables.js';

/** What a line of the file is found by. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

const MAX_SIZE = 1_048_576;

/** Where libpq's password file is, unless one is named; undefined if there is no home. */
export function passwordFileOf({ APPDATA, HOME }: Environment): string | undefined {
  if (platform() === 'win32') return APPDATA && join(APPDATA, 'postgresql', 'pgpass.conf');
  return HOME && join(HOME, '.pgpass');
}

/**
 * The password of this login in libpq's password file; undefined if there is no file, or none in it. Like libpq, only
 * from a plain file that nobody else may read, and it is said why not. Throws `LOGIN_REFUSED`.
 */
export async function passwordIn(path: string, login: Login): Promise<string | undefined> {
  const text = await readPrivate(path);
  return text === undefined ? undefined : findPassword(text, login);
}

async function readPrivate(path: string): Promise<string | undefined> {
  // What is no plain file is not waited for.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw notUsed(path, 'it is no plain file', 'password_file_kind');
    if (platform() !== 'win32' && (facts.mode & 0o077) !== 0) {
      throw notUsed(path, 'others may read it', 'password_file_mode');
    }
    if (facts.size > MAX_SIZE) throw notUsed(path, 'it is larger than 1 MiB', 'password_file_size');
    return textOf(await file.readFile());
  } finally {
    await file.close();
  }
}

function notUsed(path: string, why: string, reason: ErrorReason): ApiKeysError {
  return new ApiKeysError(
    'LOGIN_REFUSED',
    `the server asks for a password, and the password file ${quote(path)} is not used: ${why}`,
    { details: { reason, path } },
  );
}

/** The first line that fits counts, as with libpq. */
export function findPassword(text: string, { host, port, database, user }: Login): string | undefined {
  const hosts = DEFAULT_SOCKETS.has(host) ? [host, 'localhost'] : [host];
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line.replace(/\r$/, ''));
    if (fields === undefined) continue;
    const fits =
      hosts.some((each) => matches(fields.host, each)) &&
      matches(fields.port, String(port)) &&
      matches(fields.database, database) &&
      matches(fields.user, user);
    if (fits) return fields.password || undefined;
  }
  return undefined;
}

/** Where PostgreSQL was built to have its sockets: libpq finds these under `localhost`. */
const DEFAULT_SOCKETS = new Set(['/tmp', '/var/run/postgresql']);

const matches = (pattern: string, value: string): boolean => pattern === '*' || unescaped(pattern) === value;

/** `host:port:database:user:password`; a `\` takes the character behind it as it is. */
function fieldsOf(
  line: string,
): Record<'host' | 'port' | 'database' | 'user' | 'password', string> | undefined {
  const [, host, port, database, user, password] =
    /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/.exec(line) ?? [];
  if (host === undefined || port === undefined || database === undefined) return undefined;
  if (user === undefined || password === undefined) return undefined;
  return { host, port, database, user, password: unescaped(password) };
}

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, '$1');
