import { ApiKeysError } from '../errors.js';
import { quote } from './quote.js';
import { containsSecret } from './secret.js';

const MAX_SCOPE_LENGTH = 100;
const MAX_SCOPES = 100;
/** The longest comma-separated list that can be right; a longer text is not worth splitting. */
const MAX_LIST_LENGTH = MAX_SCOPES * (MAX_SCOPE_LENGTH + 2);

const SEGMENT = '[A-Za-z0-9][A-Za-z0-9_.-]*';
const SCOPE = new RegExp(`^(?:\\*|${SEGMENT}(?::${SEGMENT})*(?::\\*)?)$`);

/**
 * Checks scopes and puts them into their one order, without repetitions. Each element is a scope or several separated
 * by commas. A scope is `*`, or segments of letters, digits and `_ . -` joined by `:`, the last of which may be `*`;
 * case matters. At most 100 scopes of 100 characters. Throws `INVALID_INPUT`.
 *
 * @example
 * parseScopes(['read', 'orders:write,read']) // ['orders:write', 'read']
 */
export function parseScopes(list: readonly string[]): string[] {
  // Without types, a text comes easily, and each of its letters would be a scope.
  if (!Array.isArray(list)) throw invalid('the scopes are not a list');
  const scopes = new Set<string>();
  for (const element of list) {
    if (element.length > MAX_LIST_LENGTH) throw tooMany();
    for (const part of element.split(',')) scopes.add(parseScope(part.trim()));
    if (scopes.size > MAX_SCOPES) throw tooMany();
  }
  return [...scopes].sort();
}

/**
 * True if one of the granted scopes covers the wanted one: `*` covers everything, `orders:*` everything below
 * `orders:` (itself included, `orders` not), any other scope only itself.
 */
export function grants(granted: readonly string[], wanted: string): boolean {
  return granted.some(
    (scope) =>
      scope === wanted ||
      scope === '*' ||
      (scope.endsWith(':*') && wanted.length >= scope.length && wanted.startsWith(scope.slice(0, -1))),
  );
}

/**
 * Every scope that grants the wanted one, for a look-up among stored scopes.
 *
 * @example
 * scopesGranting('orders:eu:write') // ['orders:eu:write', 'orders:eu:*', 'orders:*', '*']
 */
export function scopesGranting(wanted: string): string[] {
  const segments = wanted.split(':');
  const wildcards = segments
    .slice(1)
    .map((_, index) => `${segments.slice(0, segments.length - 1 - index).join(':')}:*`);
  return [...new Set([wanted, ...wildcards, '*'])];
}

/** Whether all of `wanted` are granted, and which are not, in the order asked. */
export function checkScope(
  granted: readonly string[],
  wanted: readonly string[],
): { ok: boolean; missing: string[] } {
  const missing = wanted.filter((scope) => !grants(granted, scope));
  return { ok: missing.length === 0, missing };
}

function parseScope(text: string): string {
  if (text.length > MAX_SCOPE_LENGTH) {
    throw invalid(`the scope ${quote(text)} is longer than ${MAX_SCOPE_LENGTH} characters`);
  }
  if (!SCOPE.test(text)) throw invalid(`${quote(text)} is not a scope`);
  if (containsSecret(text)) throw invalid('a scope contains an API key');
  return text;
}

function tooMany(): ApiKeysError {
  return invalid(`a key has at most ${MAX_SCOPES} scopes`);
}

function invalid(message: string): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message, { details: { reason: 'scope' } });
}
