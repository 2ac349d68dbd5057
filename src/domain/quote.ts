/** Characters shown of an input that a message names. */
const LIMIT = 40;

/** Of a path; no system opens a longer one. */
const LONGEST_PATH = 4_096;

/** Nothing of a terminal's own language, and nothing that cannot be seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|["\\]/gu;

/** Long enough to be part of a secret, whatever was meant by it: a message is no place to repeat it. */
const LONG_HEX = /([0-9a-f]{8})[0-9a-f]{16,}/gi;

/**
 * Makes text from outside fit for a message: in double quotes, at most 40 characters, control, bidi and invisible
 * characters as `\u{…}`, and of 24 or more hex digits in a row only the first 8.
 *
 * @example
 * quote('7 days') // '"7 days"'
 * quote('\u001b[31m') // '"\\u{1b}[31m"'
 */
export function quote(text: string): string {
  return quoted(text, LIMIT);
}

/** As {@link quote}, for the path of a file, which helps nobody when it is cut short. */
export function quotePath(path: string): string {
  return quoted(path, LONGEST_PATH);
}

/** A name as SQL has it. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A URL in place of a path, say: everything up to its last @ may be a password. */
const LOGIN = /:\/\/.*@/s;

/** A text from outside as it is, for a program, but for what may be part of a secret. */
export const masked = (text: string): string => text.replace(LONG_HEX, '$1…').replace(LOGIN, '://…@');

function quoted(text: string, limit: number): string {
  // Masked before it is cut, or the start of a secret at the cut would be too short to be recognised.
  const start = masked(text.slice(0, limit * 4));
  const characters = Array.from(start);
  const more = characters.length > limit || text.length > limit * 4 ? '…' : '';
  return `"${characters.slice(0, limit).join('').replace(UNSEEN, visible)}${more}"`;
}

function visible(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
