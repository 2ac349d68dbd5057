import { platform } from 'node:os';
import { join } from 'node:path';
import { quote, quotePath } from '../../domain/quote.js';
import { ApiKeysError } from '../../errors.js';
import { readRegularFile, textOf, UnreadableFile } from '../../read-file.js';
import { hasNoEffect, isHeeded, isKnown, type ParameterName, whyRefused } from './connection-parameters.js';
import type { ConnectionSource } from './connection-source.js';
import type { Environment } from './libpq-variables.js';

/** Where distributions have the service file of the whole system. */
const SYSTEM_FOLDERS = ['/etc/postgresql-common', '/etc'];

/**
 * What libpq's service files say of a service: the user's (`PGSERVICEFILE`, or `~/.pg_service.conf`), then the system's
 * (in `PGSYSCONFDIR`, if that is set). Throws `INVALID_CONFIG` if none has it.
 */
export function readService(name: string, env: Environment): ConnectionSource {
  for (const { path, isNamed } of servicePaths(env)) {
    const text = readFile(path, isNamed);
    const values = text === undefined ? undefined : parseService(text, name, path);
    if (values !== undefined) {
      return {
        values,
        invalid: (parameter, why) =>
          invalidService(name, `its ${parameter} in ${quotePath(path)} ${why}`, path),
      };
    }
  }
  throw invalidService(name, 'no service file has it');
}

function servicePaths(env: Environment): { path: string; isNamed: boolean }[] {
  const { APPDATA, HOME } = env;
  const named = env.PGSERVICEFILE?.trim();
  const home = platform() === 'win32' ? APPDATA && join(APPDATA, 'postgresql') : HOME;
  const users = named || (home && join(home, '.pg_service.conf'));
  const folder = env.PGSYSCONFDIR?.trim();
  const system = (folder ? [folder] : SYSTEM_FOLDERS).map((each) => join(each, 'pg_service.conf'));
  return [
    ...(users ? [{ path: users, isNamed: users === named }] : []),
    ...system.map((path) => ({ path, isNamed: false })),
  ];
}

function readFile(path: string, isNamed: boolean): string | undefined {
  try {
    return textOf(readRegularFile(path));
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    if (error.missing && !isNamed) return undefined;
    throw new ApiKeysError(
      'INVALID_CONFIG',
      `the service file ${quotePath(path)} cannot be read: ${error.message}`,
      { details: { reason: 'file_unreadable' } },
    );
  }
}

/** `[name]`, and below it lines of `parameter=value`; undefined if there is no such section. The first one counts. */
function parseService(text: string, name: string, path: string): Map<ParameterName, string> | undefined {
  const values = new Map<ParameterName, string>();
  const lines = text.split('\n').map((line) => line.trim());
  const start = lines.indexOf(`[${name}]`);
  if (start === -1) return undefined;
  for (const [index, line] of lines.entries()) {
    if (index <= start || line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) break;
    const equals = line.indexOf('=');
    const parameter = line.slice(0, Math.max(equals, 0)).trim();
    const value = line.slice(equals + 1).trim();
    const refuse = (why: string) =>
      invalidService(name, `line ${index + 1} of ${quotePath(path)} ${why}`, path);
    if (equals === -1) throw refuse('is no parameter=value');
    if (parameter === 'service') throw refuse('names another service');
    if (isHeeded(parameter)) {
      // As with libpq, the first of several counts.
      if (value !== '' && !values.has(parameter)) values.set(parameter, value);
    } else if (!hasNoEffect(parameter, value)) {
      const shown = isKnown(parameter) || /^[A-Za-z_]{2,40}$/.test(parameter) ? parameter : '(not shown)';
      throw refuse(`names the parameter ${shown}, which ${whyRefused(parameter)}`);
    }
  }
  return values;
}

function invalidService(name: string, why: string, path?: string): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the service ${quote(name)} is not usable: ${why}`, {
    details: { reason: 'service', ...(path !== undefined && { path }) },
  });
}
