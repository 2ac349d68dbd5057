import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ApiKeysError } from '../errors.js';

export const DEFAULT_PREFIX = 'rv_';
export const MIN_SECRET_BYTES = 24;
export const MAX_SECRET_BYTES = 64;

/** Longer than any secret of ours, so that keys imported by hash may have another shape. */
const MAX_RAW_BYTES = 512;
const MAX_PREFIX = 20;
const CHECKSUM_DIGITS = 8;
/** How many digits of a secret are kept, and safe to show. */
export const KEPT_DIGITS = 8;
const MIN_DIGITS = 2 * MIN_SECRET_BYTES;
const MAX_DIGITS = 2 * MAX_SECRET_BYTES;

/** Its last character is no hex digit, so where the digits of a secret begin is never in doubt. */
const PREFIX = /^[A-Za-z][A-Za-z0-9_-]{0,18}[_-]$/;
const SECRET = /^[A-Za-z][A-Za-z0-9_-]{0,18}[_-](?:[0-9a-f]{2}){24,64}$/;
const START_OF_SECRET = /([A-Za-z][A-Za-z0-9_-]{0,18}[_-])([0-9a-f]{8})[0-9a-f]{16}/i;
const SECRET_SHAPE = /^[A-Za-z][A-Za-z0-9_-]{0,18}[_-][0-9a-f]{48,128}$/i;

/** True for a prefix that secrets may be made with: 2 to 20 of `A-Z a-z 0-9 _ -`, a letter first, `_` or `-` last. */
export function isSecretPrefix(prefix: string): boolean {
  return PREFIX.test(prefix);
}

/**
 * Makes a secret of `bytes` bytes (24 to 64): `prefix`, then two lower-case hex digits a byte. The last 8 digits are
 * the CRC-32 of the text before them, the prefix included; all others are random.
 */
export function makeSecret(prefix: string, bytes: number): string {
  const whole = Number.isInteger(bytes) && bytes >= MIN_SECRET_BYTES && bytes <= MAX_SECRET_BYTES;
  if (!whole || !isSecretPrefix(prefix)) {
    throw new ApiKeysError('INVALID_INPUT', 'a secret needs a valid prefix and has 24 to 64 bytes');
  }
  const text = prefix + randomBytes(bytes - CHECKSUM_DIGITS / 2).toString('hex');
  return text + checksum(text);
}

/** The SHA-256 (32 bytes) of the raw key's UTF-8 text: the only form in which a secret is stored or looked up. */
export function hashSecret(raw: string): Buffer {
  return hash('sha256', raw, 'buffer');
}

/** The part of a secret that is safe to show: `prefix` and the first 8 hex digits. */
export function keyPrefixOf(raw: string, prefix: string): string {
  return raw.slice(0, prefix.length + KEPT_DIGITS);
}

/** True for what no key can be: empty, over 512 bytes of UTF-8, or with control characters. */
export function isMalformed(raw: string): boolean {
  return raw === '' || Buffer.byteLength(raw) > MAX_RAW_BYTES || /[\u0000-\u001f\u007f-\u009f]/.test(raw);
}

/** True if the whole text is a secret, of any prefix and length, with the right checksum. */
export function hasValidChecksum(raw: string): boolean {
  return SECRET.test(raw) && checksum(raw.slice(0, -CHECKSUM_DIGITS)) === raw.slice(-CHECKSUM_DIGITS);
}

/**
 * True if a secret with the right checksum, of any prefix and length, stands anywhere in the text, also glued to other
 * characters on either side.
 *
 * The work is bounded: digits begin right after a `_` or `-`, so a run of hex digits is looked at once, with its first
 * 128 digits and the at most 19 places before it where a prefix can begin. 1 MB of the worst text takes some
 * 30 ms.
 */
export function containsSecret(text: string): boolean {
  for (const match of text.matchAll(/[_-][0-9a-f]{48,}/g)) {
    const digits = match.index + 1;
    const end = Math.min(match.index + match[0].length, digits + MAX_DIGITS);
    if (runHoldsSecret(text, digits, end)) return true;
  }
  return false;
}

/**
 * True if a command's argument is shaped like a raw secret, with the right checksum or not, so that it must not be
 * repeated. `prefix` is the configured one: after it, 24 hex digits are enough, and a mistyped one among them does
 * not hide the rest.
 */
export function looksLikeSecret(argument: string, prefix: string): boolean {
  const text = argument.trim();
  if (SECRET_SHAPE.test(text) || containsSecret(text)) return true;
  if (!text.toLowerCase().startsWith(prefix.toLowerCase())) return false;
  const [word = ''] = /^[0-9A-Za-z]*/.exec(text.slice(prefix.length)) ?? [];
  return word.replace(/[^0-9a-f]/gi, '').length >= 24;
}

/**
 * The key prefix of the secret that a text holds, by which its key can be named without repeating it; undefined where none
 * stands out. `prefix` is the configured one.
 */
export function shownPrefixIn(text: string, prefix: string): string | undefined {
  const [, own = '', digits] = START_OF_SECRET.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const isConfigured = own.toLowerCase().endsWith(prefix.toLowerCase());
  return (isConfigured ? prefix : own) + digits.toLowerCase();
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_DIGITS, '0');
}

/** zlib's `crc32` costs more to call than it computes when the text grows by two digits at a time. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const step = (state: number, code: number): number => (state >>> 8) ^ (CRC_TABLE[(state ^ code) & 0xff] ?? 0);

/**
 * Whether a secret of any prefix has its digits at the start of `text[digits..end)`.
 *
 * CRC-32 is linear: after n digits, the state is that of the digits alone xor the prefix's state moved on by n zero
 * bytes. So each checksum claimed is moved back by n zero bytes once, and says what the state after the prefix has to
 * be, in place of reading all digits again for each of the places where the prefix can begin.
 */
function runHoldsSecret(text: string, digits: number, end: number): boolean {
  const prefixes = prefixStates(text, digits);
  if (prefixes.length === 0) return false;
  let state = 0;
  let claim = 0;
  let at = digits;
  // An int32 keeps the last 8 digits that went into it.
  let claimed = digits;
  for (const back of movesBack()) {
    const to = digits + back.bytes;
    if (to > end - CHECKSUM_DIGITS) break;
    for (; at < to; at++) state = step(state, text.charCodeAt(at));
    for (; claimed < to + CHECKSUM_DIGITS; claimed++)
      claim = (claim << 4) | digitOf(text.charCodeAt(claimed));
    // Complemented, as zlib does last.
    if (prefixes.includes(moveBack(back, ~claim ^ state))) return true;
  }
  return false;
}

const digitOf = (code: number): number => (code <= 0x39 ? code - 0x30 : code - 0x57);

/** The CRC state after each prefix that can end just before `digits`. */
function prefixStates(text: string, digits: number): number[] {
  const states: number[] = [];
  for (let at = prefixWindow(text, digits); at < digits; at++) {
    const code = text.charCodeAt(at);
    if (isLetterCode(code)) states.push(-1);
    for (let i = 0; i < states.length; i++) states[i] = step(states[i] ?? 0, code);
  }
  return states;
}

/** The first place at which a prefix that ends just before `digits` can begin. */
function prefixWindow(text: string, digits: number): number {
  let start = digits;
  while (start > 0 && start > digits - MAX_PREFIX && isPrefixCode(text.charCodeAt(start - 1))) start--;
  return start;
}

function isLetterCode(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isPrefixCode(code: number): boolean {
  return isLetterCode(code) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d;
}

/** Undoes what `bytes` zero bytes do to a CRC state, as one table for each of the state's four bytes. */
interface MoveBack {
  readonly bytes: number;
  readonly tables: Int32Array;
}

let moves: readonly MoveBack[] | undefined;

/** One for each number of random digits that a secret can have; made when first needed, which is hardly ever. */
function movesBack(): readonly MoveBack[] {
  if (moves !== undefined) return moves;
  const undoByte = new Int32Array(256);
  for (const [byte, state] of CRC_TABLE.entries()) undoByte[state >>> 24] = (state << 8) | byte;
  const back = (state: number): number => (state << 8) ^ (undoByte[state >>> 24] ?? 0);
  let tables = Int32Array.from({ length: 1024 }, (_, i) => (i & 0xff) << (8 * (i >>> 8)));
  const made: MoveBack[] = [];
  for (let bytes = 1; bytes <= MAX_DIGITS - CHECKSUM_DIGITS; bytes++) {
    tables = tables.map(back);
    if (bytes >= MIN_DIGITS - CHECKSUM_DIGITS && bytes % 2 === 0) made.push({ bytes, tables });
  }
  moves = made;
  return made;
}

function moveBack({ tables }: MoveBack, state: number): number {
  const byte = (n: number): number => tables[(n << 8) | ((state >>> (8 * n)) & 0xff)] ?? 0;
  return byte(0) ^ byte(1) ^ byte(2) ^ byte(3);
}
