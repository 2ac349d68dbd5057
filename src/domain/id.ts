import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** The random bytes of one id. */
const BYTES = 16;
const pool = Buffer.alloc(256 * BYTES);
let used = pool.length;

let msecs = 0;
let seq = 0;

/**
 * A UUID of version 7: each id that this process makes sorts after those before it, by a counter within a millisecond that
 * begins anywhere in 31 bits and runs over into the next millisecond (RFC 9562, section 6.2, method 1). The random bits
 * are drawn for many ids at a time, for asking the system costs more than all the rest.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + BYTES);
  used += BYTES;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    seq = random.readUInt32BE() >>> 1;
  } else {
    seq = (seq + 1) >>> 0;
    if (seq === 0) msecs++;
  }
  return v7({ random, msecs, seq });
}
