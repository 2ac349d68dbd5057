import { ApiKeysError } from '../errors.js';

/** Where a page of a list ended. */
export interface Cursor {
  /** The order that the list has; a cursor of another order is meaningless. */
  readonly sort: string;
  /** The sort columns of the last row, before its id. */
  readonly values: readonly (string | null)[];
  /** The last row's UUID, which decides between equal values. */
  readonly id: string;
}

const VERSION = 1;
/** Three names of 200 four-byte characters, in base64, with room to spare. */
const MAX_LENGTH = 4000;
const MAX_VALUES = 4;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** Characters that PostgreSQL cannot take. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/** An opaque text for `next_cursor`, safe in a URL and a shell. {@link decodeCursor} reads it back. */
export function encodeCursor({ sort, values, id }: Cursor): string {
  return Buffer.from(JSON.stringify([VERSION, sort, values, id])).toString('base64url');
}

/** Reads what {@link encodeCursor} wrote; throws `INVALID_INPUT` for anything else. Whether the sort fits is the list's to check. */
export function decodeCursor(text: string): Cursor {
  const cursor = text.length <= MAX_LENGTH ? read(text) : null;
  // Only the one spelling of a cursor is one: no other base64 variant, no blanks, nothing after it.
  if (cursor !== null && encodeCursor(cursor) === text) return cursor;
  throw new ApiKeysError('INVALID_INPUT', 'the cursor is not one that a list gave', {
    details: { reason: 'cursor' },
  });
}

function read(text: string): Cursor | null {
  const fields = parse(Buffer.from(text, 'base64url').toString());
  if (!Array.isArray(fields) || fields.length !== 4) return null;
  const [version, sort, values, id]: unknown[] = fields;
  if (version !== VERSION || !isText(sort) || !isText(id) || !UUID.test(id)) return null;
  if (!Array.isArray(values) || values.length > MAX_VALUES || !values.every(isValue)) return null;
  return { sort, values, id };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !UNSTORABLE.test(value);
}

function isValue(value: unknown): value is string | null {
  return value === null || isText(value);
}
