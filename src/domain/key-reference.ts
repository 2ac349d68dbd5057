import { KEPT_DIGITS } from './secret.js';

/** A raw key, or a text that one stands in: it names its key, and never reaches the database. */
export interface RawKey {
  readonly rawKey: string;
}

/** What names a key: its id, the beginning of its key prefix, or its name; or a raw key. */
export type KeyReference = string | RawKey;

/** The key prefixes that a text may mean: this one, or all that begin so. */
export interface PrefixMatch {
  readonly prefix: string;
  readonly isWhole: boolean;
}

const PIECE_OF_SECRET = /^([A-Za-z][A-Za-z0-9_-]{0,18}[_-])([0-9a-f]{4,})$/i;

/**
 * Which key prefixes are meant by a piece of a secret: at least four of its digits. Those beyond the digits that are kept are
 * cut. Undefined for a text that is no such piece.
 *
 * @example
 * prefixMatch('rv_1a2b') // { prefix: 'rv_1a2b', isWhole: false }
 * prefixMatch('rv_1a2b3c4d5e') // { prefix: 'rv_1a2b3c4d', isWhole: true }
 */
export function prefixMatch(reference: string): PrefixMatch | undefined {
  const [, own, digits] = PIECE_OF_SECRET.exec(reference) ?? [];
  if (own === undefined || digits === undefined) return undefined;
  const kept = digits.slice(0, KEPT_DIGITS).toLowerCase();
  return { prefix: own + kept, isWhole: kept.length === KEPT_DIGITS };
}
