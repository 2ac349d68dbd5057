import type { ErrorReason } from '../error-details.js';
import { ApiKeysError } from '../errors.js';
import { quote } from './quote.js';
import { containsSecret, DEFAULT_PREFIX, isSecretPrefix, looksLikeSecret } from './secret.js';

const MAX_METADATA_BYTES = 8192;

/** Would reorder, hide or break what stands around it; half a surrogate pair is no character at all. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u;
const LINE_BREAKS = /[\t\n]|\r\n/g;

/**
 * The name of a key, in Unicode's composed form (NFC): 1 to 200 characters on one line, no white space at either end,
 * neither `-` (which means stdin) nor anything shaped like a secret. `prefix` is the configured one.
 */
export function checkName(text: string, prefix: string = DEFAULT_PREFIX): string {
  const name = checkLine('the name', composed(text), 200);
  if (name === '-') throw invalid('the name "-" is taken: it stands for stdin', 'name_taken');
  if (looksLikeSecret(name, prefix)) throw secretIn('the name');
  return name;
}

/** An owner's id in the operator's own system, kept as it is: 1 to 200 characters on one line. */
export function checkOwner(text: string): string {
  return checkLine('the owner', text, 200);
}

/** A tenant's id, kept as it is: 1 to 100 characters on one line. */
export function checkTenant(text: string): string {
  return checkLine('the tenant', text, 100);
}

/** Whom the audit trail names: 1 to 200 characters on one line. */
export function checkActor(text: string): string {
  return checkLine('the actor', text, 200);
}

/**
 * What names a key to look up, in NFC as names are: 1 to 200 characters that a database can take. It may hold characters
 * that no new name may, so that a key which has them all the same can be found.
 */
export function checkReference(text: string): string {
  checkLength('the name of a key', text, 200);
  if (text === '') throw invalid('the name of a key is empty', 'reference_empty');
  if (/[\0\p{Cs}]/u.test(text)) throw invalid('no key has a name like that', 'reference_character');
  return text.normalize('NFC');
}

/** What makes a repeated `create` the same one: 1 to 200 characters on one line, kept as it is. */
export function checkIdempotencyKey(text: string): string {
  return checkLine('the idempotency key', text, 200);
}

/**
 * Why something is done: at most 500 characters on one line, without white space at its ends; null for an empty one,
 * so that a script with nothing to say can still revoke.
 */
export function checkReason(text: string): string | null {
  const reason = text.trim();
  return reason === '' ? null : checkLine('the reason', reason, 500);
}

/** What a key is for: at most 2000 characters, line breaks and tabs allowed; null for an empty one. */
export function checkDescription(text: string): string | null {
  return text === '' ? null : checkText('the description', text, 2000);
}

/** The prefix of new secrets: 2 to 20 of `A-Z a-z 0-9 _ -`, a letter first, `_` or `-` last. */
export function checkPrefix(text: string): string {
  if (isSecretPrefix(text)) return text;
  throw invalid(`${quote(text)} cannot be the prefix of secrets`, 'prefix');
}

/**
 * A copy of a key's metadata: keys of 1 to 100 characters on one line, values of text, at most 8192 bytes as
 * PostgreSQL writes it. `__proto__` is refused as a key, so that no consumer of the JSON can be made to trip over it.
 */
export function checkMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(metadata).map(([key, value]): [string, string] => {
    const name = checkLine('a metadata key', key, 100);
    if (name === '__proto__') throw invalid('"__proto__" cannot be a metadata key', 'metadata_key');
    // Without types, or out of a JSON file, a number comes easily.
    if (typeof value !== 'string') throw invalid('a metadata value is not text', 'metadata_value');
    return [name, checkText('a metadata value', value, MAX_METADATA_BYTES)];
  });
  const copy = Object.fromEntries(entries);
  // jsonb's text has a space after every colon and comma, which JSON.stringify leaves out.
  const spaces = Math.max(0, 2 * entries.length - 1);
  if (Buffer.byteLength(JSON.stringify(copy)) + spaces > MAX_METADATA_BYTES) {
    throw invalid(`the metadata is longer than ${MAX_METADATA_BYTES} bytes`, 'metadata_size');
  }
  return copy;
}

/** NFC. It costs time, and nothing this long gets short enough by it. */
function composed(text: string): string {
  return text.length > 2000 ? text : text.normalize('NFC');
}

/** One line, not empty, no white space at its ends, at most `max` characters. `what` names it in the refusal. */
export function checkLine(what: string, text: string, max: number): string {
  checkLength(what, text, max);
  if (text === '') throw invalid(`${what} is empty`, 'empty');
  if (text !== text.trim()) throw invalid(`${what} begins or ends with white space`, 'white_space');
  checkCharacters(what, text, text);
  return text;
}

function checkText(what: string, text: string, max: number): string {
  checkLength(what, text, max);
  checkCharacters(what, text, text.replace(LINE_BREAKS, ' '));
  return text;
}

/** In code points, as PostgreSQL counts. */
function checkLength(what: string, text: string, max: number): void {
  if (text.length > 2 * max || (text.length > max && Array.from(text).length > max)) {
    throw invalid(`${what} is longer than ${max} characters`, 'too_long');
  }
}

function checkCharacters(what: string, text: string, withoutLineBreaks: string): void {
  const [character] = UNSAFE.exec(withoutLineBreaks) ?? [];
  if (character !== undefined) {
    throw invalid(`${what} contains the character ${quote(character)}`, 'unsafe_character');
  }
  if (containsSecret(text)) throw secretIn(what);
}

/** Repeats nothing of the text: it is, or may be, a secret. */
function secretIn(what: string): ApiKeysError {
  return invalid(`${what} contains an API key`, 'contains_secret');
}

function invalid(message: string, reason: ErrorReason): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', message, { details: { reason } });
}
