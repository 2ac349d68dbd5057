import { expect, test } from 'vitest';
import { DECODERS } from '../../../src/db/pipeline/binary-decoders.js';
import { timeFromText } from '../../../src/db/time-text.js';

const FIRST = '0001-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';

test.each([
  ['2026-01-02 03:04:05.678+00', '2026-01-02T03:04:05.678Z'],
  ['2026-01-02 03:04:05.678901+05:45', '2026-01-01T21:19:05.678Z'],
  ['infinity', LAST],
  ['-infinity', FIRST],
  // The last moment that a key may have, in a session east of Greenwich; and west of it.
  ['10000-01-01 05:44:59.999+05:45', LAST],
  ['9999-12-31 18:59:59.999-05', LAST],
  ['9999-12-31 23:59:59.999-05', LAST],
  ['294276-12-31 23:59:59.999+00', LAST],
  // Before there were zones of whole hours, an offset had seconds.
  ['0001-01-01 05:41:16+05:41:16', FIRST],
  ['0001-12-31 19:03:58-04:56:02 BC', FIRST],
  ['1900-06-01 05:41:16.5+05:41:16', '1900-06-01T00:00:00.500Z'],
  ['4713-11-24 00:00:00+00 BC', FIRST],
])('%s is read as %s', (text, time) => {
  expect(timeFromText(text).toISOString()).toBe(time);
});

test.each(['01/02/2026 03:04:05 UTC', 'Fri Jan 02 03:04:05 2026 UTC', '2026-01-02 03:04:05', ''])(
  '%j is not in DateStyle ISO',
  (text) => {
    expect(() => timeFromText(text)).toThrow(RangeError);
  },
);

test.each([
  ['infinity', 0x7fff_ffff_ffff_ffffn, LAST],
  ['-infinity', -0x8000_0000_0000_0000n, FIRST],
  ['a year of five digits', 252_455_616_000_000_000n * 2n, LAST],
  ['the year 2000', 0n, '2000-01-01T00:00:00.000Z'],
  ['a time before it, cut', -1n, '1999-12-31T23:59:59.999Z'],
])('the binary form of %s is read', (_what, microseconds, time) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(microseconds);
  expect(DECODERS.timestamptz(bytes, 0, 8).toISOString()).toBe(time);
});
