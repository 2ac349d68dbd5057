import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** The random bytes of one id. */
const BYTES = 16;
const pool = new Uint8Array(256 * BYTES);
let used = pool.length;

/**
 * A UUID of version 7 (RFC 9562, section 5.7): ids that were made later sort later, by whole milliseconds. Its random bits
 * are drawn for many ids at a time, for asking the system costs more than all the rest.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += BYTES;
  return v7({ random: pool.subarray(used - BYTES, used) });
}
