import { parse } from 'pg-connection-string';
import type { ErrorReason } from '../../error-details.js';
import { ApiKeysError } from '../../errors.js';
import { hasNoEffect, isHeeded, isKnown, type ParameterName, whyRefused } from './connection-parameters.js';
import type { ConnectionSource } from './connection-source.js';

/**
 * Reads a database URL; blanks around it are none of it. Several hosts are in `host` and `port` as libpq's parameters
 * have them, separated by commas. Throws `INVALID_CONFIG` for a URL that cannot be read in one way alone, and names each
 * parameter that is not heeded; the message repeats no part of the URL that may be a password.
 */
export function parseDatabaseUrl(untrimmed: string): ConnectionSource {
  const text = untrimmed.trim();
  if (!/^postgres(ql)?:\/\//.test(text)) throw invalidUrl('it does not start with postgres://');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text))
    throw invalidUrl('it has a line end, or another control character, in it');
  // What was not encoded ends the password early: its rest would become a database's name, and be shown.
  if (text.includes('#')) throw invalidUrl('it cannot be read: it holds a #, to be written %23');
  const mark = text.indexOf('?');
  const base = mark === -1 ? text : text.slice(0, mark);
  const query = mark === -1 ? '' : text.slice(mark + 1);
  if (query.includes('@'))
    throw invalidUrl('an @ comes after a ?; write a ? in the password as %3F, an @ in a value as %40');
  const [, authority = '', path = ''] = /^[a-z]+:\/\/([^/]*)(.*)$/s.exec(base) ?? [];
  if (/[@:]/.test(path)) throw invalidUrl('an @ or a : comes after a /; write a / in the password as %2F');
  const values = new Map([...loginAndHosts(authority, path), ...parametersOf(query, authority)]);
  for (const [name, value] of values) if (value === '') values.delete(name);
  return {
    values,
    invalid: (parameter, why) => invalidUrl(`its ${SHOWN[parameter] ?? parameter} ${why}`, 'url_parameter'),
  };
}

/** Where a part of the URL has a name of its own. */
const SHOWN: Partial<Record<ParameterName, string>> = { dbname: 'database' };

function loginAndHosts(authority: string, path: string): Map<ParameterName, string> {
  const at = authority.lastIndexOf('@') + 1;
  const login = authority.slice(0, at);
  try {
    const hosts = authority
      .slice(at)
      .split(',')
      .map((host) => parse(`postgres://${login}${host}/`));
    const [{ user, password } = {}] = hosts;
    const each = (part: 'host' | 'port'): string => {
      const parts = hosts.map((host) => host[part] ?? '');
      return parts.every((one) => one === '') ? '' : parts.join(',');
    };
    return new Map([
      ['user', user ?? ''],
      ['password', password ?? ''],
      ['host', each('host')],
      ['port', each('port')],
      ['dbname', decodeURIComponent(path.slice(1))],
    ]);
  } catch {
    throw invalidUrl('it cannot be read');
  }
}

function parametersOf(query: string, authority: string): Map<ParameterName, string> {
  // Of a login without its host, a ? in the password begins the parameters.
  const mayBeShown = authority.includes('@') || !authority.includes(':');
  const shown = (name: string): string =>
    isKnown(name) || (mayBeShown && /^[A-Za-z][A-Za-z_]{1,39}$/.test(name)) ? name : '(not shown)';
  const seen = new Set<string>();
  const parameters = new Map<ParameterName, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (seen.has(name)) throw invalidUrl(`it has the parameter ${shown(name)} twice`, 'url_parameter');
    seen.add(name);
    if (isHeeded(name)) {
      if (value !== '') parameters.set(name, value);
    } else if (!hasNoEffect(name, value)) {
      throw invalidUrl(`its parameter ${shown(name)} ${whyRefused(name)}`, 'url_parameter');
    }
  }
  return parameters;
}

export function invalidUrl(why: string, reason: ErrorReason = 'database_url'): ApiKeysError {
  return new ApiKeysError('INVALID_CONFIG', `the database URL is not usable: ${why}`, {
    details: { reason },
  });
}
