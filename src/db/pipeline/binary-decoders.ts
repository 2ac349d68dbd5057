import { timeWithin } from '../../domain/time.js';

/** What a column of a fixed {@link Statement} holds, by its type in SQL; `jsonb` and the rest as their values here. */
export interface ColumnValues {
  readonly uuid: string;
  readonly text: string;
  readonly 'text[]': string[];
  readonly jsonb: unknown;
  /** Cut to whole milliseconds, and to what RFC 3339 can say. */
  readonly timestamptz: Date;
  readonly boolean: boolean;
  readonly integer: number;
  /** A safe integer, as every count of ours is. */
  readonly bigint: number;
}

export type ColumnType = keyof ColumnValues;

/** A row as its columns came, in their order. */
export type RowOf<Columns extends readonly ColumnType[]> = {
  readonly [Place in keyof Columns]: ColumnValues[Columns[Place]] | null;
};

type Decoder<Value> = (bytes: Buffer, start: number, end: number) => Value;

/**
 * From PostgreSQL's binary format, which no setting of the session changes (how a time is written as text is the role's
 * choice), and which costs neither side the making and reading of text. See `recv` and `send` of each type in
 * PostgreSQL's source, src/backend/utils/adt.
 */
export const DECODERS: { readonly [Type in ColumnType]: Decoder<ColumnValues[Type]> } = {
  uuid(bytes, start) {
    const hex = bytes.toString('hex', start, start + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
  text: (bytes, start, end) => bytes.toString('utf8', start, end),
  'text[]': decodeTexts,
  // A version, 1, and the text.
  jsonb: (bytes, start, end) => JSON.parse(bytes.toString('utf8', start + 1, end)),
  timestamptz: decodeTime,
  boolean: (bytes, start) => bytes[start] === 1,
  integer: (bytes, start) => bytes.readInt32BE(start),
  bigint: (bytes, start) => Number(bytes.readBigInt64BE(start)),
};

/**
 * Microseconds since 2000 in 8 bytes; the last and the first number stand for `infinity` and `-infinity`. All that is kept as
 * a time lies within what a float holds exactly.
 */
function decodeTime(bytes: Buffer, start: number): Date {
  const microseconds = bytes.readInt32BE(start) * 2 ** 32 + bytes.readUInt32BE(start + 4);
  return timeWithin(Math.floor(microseconds / 1_000) + YEAR_2000);
}

const YEAR_2000 = Date.UTC(2000);

/** Dimensions, whether there are nulls, and the type of the elements; each dimension's length and first index; then each element. */
function decodeTexts(bytes: Buffer, start: number, stop: number): string[] {
  if (bytes.readInt32BE(start) === 0) return [];
  const texts = new Array<string>(bytes.readInt32BE(start + 12));
  let at = start + 20;
  for (let n = 0; n < texts.length; n++) {
    const end = at + 4 + bytes.readInt32BE(at);
    if (end < at + 4 || end > stop) throw new RangeError('an array came back that is no array');
    texts[n] = bytes.toString('utf8', at + 4, end);
    at = end;
  }
  return texts;
}
