import { stripVTControlCharacters } from 'node:util';
import { hasValidChecksum, KEPT_DIGITS, keyPrefixOf } from './secret.js';

/** The shape of the secrets that are made here. */
export interface SecretShape {
  readonly prefix: string;
  readonly secretBytes: number;
}

export type PastedKey =
  | { readonly kind: 'key'; readonly rawKey: string }
  /** More than one, and different ones. */
  | { readonly kind: 'several' }
  | { readonly kind: 'none' };

/** With its neighbours: a letter or digit beside it would make it another text. */
const WHOLE_SECRET = /(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z0-9_-]{0,18}[_-][0-9a-f]{48,128}(?![A-Za-z0-9_-])/g;

/** What a header says before a key of any shape. */
const AFTER_HEADER = [
  /\bbearer[ \t]+["'`]?([^\s"'`,;<>]+)/gi,
  /\bauthorization["'`]?\s*[:=]\s*["'`]?(?!(?:bearer|basic|digest)\b)([^\s"'`,;<>]+)/gi,
  /\bx-api-key["'`]?\s*[:=]\s*["'`]?([^\s"'`,;<>]+)/gi,
];

/** Blanks, and what cannot be seen: a BOM, a zero-width space, a word joiner. */
const UNSEEN = '\\s\\u00ad\\u200b-\\u200f\\u2060\\ufeff\\0';
const AROUND = new RegExp(`^[${UNSEEN}"'\`<>(),;]+|[${UNSEEN}"'\`<>(),;]+$`, 'g');
const LINE_BREAK = new RegExp(`=?[\\r\\n]+[${UNSEEN}>|]*|[\\u00ad\\u200b-\\u200f\\u2060\\ufeff\\0]`, 'g');

/**
 * Finds the raw key in whatever was pasted around it: blanks, quotes, a header, a line of a log, JSON, a URL. A secret with
 * the right checksum stands out; otherwise what follows `Bearer`, or begins as secrets made here do, or a text without a
 * blank in it is taken for one, since imported keys may have any shape.
 *
 * @example
 * pastedKey('"Authorization: Bearer rv_1a2b…"\n', settings) // { kind: 'key', rawKey: 'rv_1a2b…' }
 */
export function pastedKey(text: string, shape: SecretShape): PastedKey {
  const plain = stripVTControlCharacters(text);
  const decoded = unescaped(plain);
  const sealed = [plain, decoded, plain.replace(LINE_BREAK, '')].flatMap(wholeSecrets);
  return (
    oneOf(sealed) ??
    oneOf(AFTER_HEADER.flatMap((header) => [...plain.matchAll(header)].map(([, token = '']) => token))) ??
    single(plain, shape) ??
    oneOf(beginnings(decoded, shape)) ?? { kind: 'none' }
  );
}

const wholeSecrets = (text: string): string[] =>
  [...text.matchAll(WHOLE_SECRET)].map(([secret]) => secret).filter(hasValidChecksum);

function oneOf(found: readonly string[]): PastedKey | undefined {
  const [rawKey, another] = new Set(found);
  if (rawKey === undefined) return undefined;
  return another === undefined ? { kind: 'key', rawKey } : { kind: 'several' };
}

/** A text that is one word. What is around a secret in a URL or in JSON is not part of it. */
function single(plain: string, shape: SecretShape): PastedKey | undefined {
  const word = plain.replace(AROUND, '');
  if (word === '' || /\s/.test(word)) return undefined;
  const [beginning] = beginnings(word, shape);
  if (beginning !== undefined && beginning !== word && /[^A-Za-z0-9._~+/=-]|^[a-z_]+=/i.test(word))
    return undefined;
  return { kind: 'key', rawKey: word };
}

/** Words that begin as secrets made here do, with more digits than are safe to show, whole or not. */
function beginnings(text: string, { prefix }: SecretShape): string[] {
  const word = new RegExp(`(?<![A-Za-z0-9])${prefix}[0-9a-f]{${KEPT_DIGITS + 1},}[0-9A-Za-z]*`, 'gi');
  return [...text.matchAll(word)].map(([found]) => found);
}

/** `%20`, `\n`, `\u0022`, `\x22` as the characters that they stand for. */
function unescaped(text: string): string {
  return text
    .replace(/%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})/gi, (_all, ...codes: unknown[]) =>
      String.fromCharCode(Number.parseInt(String(codes.find((code) => typeof code === 'string')), 16)),
    )
    .replace(/\\[nrtbf]/g, ' ');
}

/** What is wrong with a raw key, as far as its shape tells. */
export type KeyFlaw =
  /** Of so many characters. */
  | { readonly kind: 'cut'; readonly has: number; readonly of: number; readonly keyPrefix: string }
  /** Its checksum is wrong. */
  | { readonly kind: 'mistyped'; readonly keyPrefix: string };

/** Null for a secret with the right checksum, and for keys of other shapes, which may have been imported. */
export function flawOf(rawKey: string, { prefix, secretBytes }: SecretShape): KeyFlaw | null {
  if (hasValidChecksum(rawKey) || !rawKey.toLowerCase().startsWith(prefix.toLowerCase())) return null;
  const digits = rawKey.slice(prefix.length);
  const whole = 2 * secretBytes;
  const keyPrefix = prefix + keyPrefixOf(rawKey, prefix).slice(prefix.length).toLowerCase();
  if (digits.length < whole) {
    return /^[0-9a-f]*$/i.test(digits)
      ? { kind: 'cut', has: rawKey.length, of: prefix.length + whole, keyPrefix }
      : null;
  }
  // A mistyped digit may be no hex digit at all.
  return /^[0-9A-Za-z]+$/.test(digits) && digits.replace(/[^0-9a-f]/gi, '').length >= whole - 4
    ? { kind: 'mistyped', keyPrefix }
    : null;
}

/** `it is not a whole key: 30 of 67 characters`. */
export const flawWords = (flaw: KeyFlaw): string =>
  flaw.kind === 'cut'
    ? `it is not a whole key: ${flaw.has} of ${flaw.of} characters`
    : 'its checksum is wrong: it is mistyped, or characters were added';
