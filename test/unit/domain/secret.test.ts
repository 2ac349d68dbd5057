import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  containsSecret,
  hashSecret,
  hasValidChecksum,
  isMalformed,
  isSecretPrefix,
  keyPrefixOf,
  looksLikeSecret,
  makeSecret,
} from '../../../src/domain/secret.js';
import { refused, timeOf } from './refused.js';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const prefixes = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,18}[_-]$/);
const sizes = fc.integer({ min: 24, max: 64 });
/** Chosen freely, unlike those of `makeSecret`, so that a failure can be repeated. */
const secrets = fc
  .tuple(
    prefixes,
    sizes.chain((bytes) => hex(2 * bytes - 8)),
  )
  .map(([prefix, digits]) => seal(prefix + digits));

function seal(text: string): string {
  return text + crc32(text).toString(16).padStart(8, '0');
}

function mistype(secret: string): string {
  const at = secret.length - 20;
  return secret.slice(0, at) + (secret[at] === '0' ? '1' : '0') + secret.slice(at + 1);
}

/** The definition, tried at every place: slow, and plainly right. */
function containsSecretSlowly(text: string): boolean {
  for (let start = 0; start < text.length; start++) {
    for (let end = start + 50; end <= text.length; end++)
      if (hasValidChecksum(text.slice(start, end))) return true;
  }
  return false;
}

/** Neither these nor what they end with, with the checksum of the whole, is a secret. */
const NO_PREFIXES = [
  '_',
  '1_',
  '-_',
  '1a_',
  '[_',
  '{_',
  '@_',
  '`_',
  'a.b_',
  'a:b_',
  'a/b_',
  'a@b_',
  'a[b_',
  'aéb-',
];

describe('makeSecret', () => {
  test('prefix, two lower-case digits a byte, and the checksum of all before it', () => {
    fc.assert(
      fc.property(prefixes, sizes, (prefix, bytes) => {
        const secret = makeSecret(prefix, bytes);
        expect(secret.slice(0, prefix.length)).toBe(prefix);
        expect(secret.slice(prefix.length)).toMatch(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
        expect(seal(secret.slice(0, -8))).toBe(secret);
        expect(hasValidChecksum(secret)).toBe(true);
      }),
    );
  });

  test('never the same twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => makeSecret('rv_', 24))).size).toBe(1000);
  });

  test.each([23, 65, 32.5, Number.NaN, 0])('refuses %d bytes', (bytes) => {
    const { message } = refused(() => makeSecret('rv_', bytes));
    expect(message).toBe('a secret needs a valid prefix and has 24 to 64 bytes');
  });

  test.each(['', 'rv', '_', '1a_', 'r v_', `${'a'.repeat(20)}_`, 'rv_\n'])(
    'refuses the prefix %j',
    (prefix) => {
      expect(isSecretPrefix(prefix)).toBe(false);
      refused(() => makeSecret(prefix, 32));
    },
  );

  test.each(['rv_', 'a-', 'Acme_live-', `${'a'.repeat(19)}_`])('takes the prefix %j', (prefix) => {
    expect(isSecretPrefix(prefix)).toBe(true);
  });
});

test('hashSecret is the SHA-256 of the UTF-8 text', () => {
  expect(hashSecret('abc').toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(hashSecret('schlüssel')).toEqual(createHash('sha256').update(Buffer.from('schlüssel')).digest());
});

test('keyPrefixOf shows 8 digits', () => {
  expect(keyPrefixOf(`rv_1a2b3c4d${'0'.repeat(56)}`, 'rv_')).toBe('rv_1a2b3c4d');
});

describe('isMalformed', () => {
  test.each(['', '\0', 'a\n', 'a\u001f', 'a\u007f', 'a\u009f', 'x'.repeat(513), 'é'.repeat(257)])(
    '%j',
    (raw) => {
      expect(isMalformed(raw)).toBe(true);
    },
  );

  test.each([' ', 'a', 'x'.repeat(512), 'é'.repeat(256), '\u00a0', '~'])('%j is looked up', (raw) => {
    expect(isMalformed(raw)).toBe(false);
  });
});

describe('hasValidChecksum', () => {
  test('known values', () => {
    expect(
      hasValidChecksum(
        `rv_${'0'.repeat(40)}${crc32(`rv_${'0'.repeat(40)}`)
          .toString(16)
          .padStart(8, '0')}`,
      ),
    ).toBe(true);
    expect(hasValidChecksum('')).toBe(false);
  });

  test('one wrong digit, a changed prefix, or anything around it', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(hasValidChecksum(secret)).toBe(true);
        expect(hasValidChecksum(mistype(secret))).toBe(false);
        expect(hasValidChecksum(`x${secret}`)).toBe(false);
        expect(hasValidChecksum(` ${secret}`)).toBe(false);
        expect(hasValidChecksum(`${secret}\n`)).toBe(false);
        expect(hasValidChecksum(secret.toUpperCase())).toBe(false);
      }),
    );
  });

  test.each([46, 47, 49, 130])('%d digits are no secret', (length) => {
    expect(hasValidChecksum(seal(`rv_${'a'.repeat(length - 8)}`))).toBe(false);
  });

  test.each(NO_PREFIXES)('after %j it is none', (prefix) => {
    expect(hasValidChecksum(seal(prefix + 'b'.repeat(40)))).toBe(false);
  });
});

describe('containsSecret', () => {
  test('found between any other text, glued to it or not', () => {
    const around = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9a-f_-]*$/), hex(100));
    fc.assert(
      fc.property(around, secrets, around, (before, secret, after) => {
        expect(containsSecret(before + secret + after)).toBe(true);
      }),
    );
  });

  test('a mistyped one is not found', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(containsSecret(`key: ${mistype(secret)}.`)).toBe(false);
      }),
    );
  });

  test('agrees with the definition', () => {
    const piece = fc.oneof(secrets, secrets.map(mistype), hex(60), fc.stringMatching(/^[a-f_-]{0,8}$/));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 2 }), (pieces) => {
        const text = pieces.join('');
        expect(containsSecret(text)).toBe(containsSecretSlowly(text));
      }),
      { numRuns: 60 },
    );
  });

  test('the longest prefix counts whole, a longer one does not exist', () => {
    const longest = `${'a'.repeat(19)}_`;
    expect(containsSecret(seal(`${longest}${'b'.repeat(40)}`))).toBe(true);
    expect(containsSecret(seal(`z${longest}${'b'.repeat(40)}`))).toBe(false);
  });

  test.each(NO_PREFIXES)('after %j there is none', (prefix) => {
    expect(containsSecret(seal(prefix + 'b'.repeat(40)))).toBe(false);
  });

  test.each([44, 46, 47, 49, 51])('%d digits with their checksum are none, whatever follows', (length) => {
    expect(containsSecret(`${seal(`rv_${'b'.repeat(length - 8)}`)}00000`)).toBe(false);
  });

  test.each([
    '',
    'a plain description',
    '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
    `sha256-${'0123456789abcdef'.repeat(4)}`,
    'a'.repeat(200),
  ])('%j holds none', (text) => {
    expect(containsSecret(text)).toBe(false);
  });

  test.each([
    ['short runs', `${'a'.repeat(48)}_`],
    ['long runs', `${'a'.repeat(128)}_`],
    ['one run', 'a'],
    ['separators', '_'],
    ['runs just too short', `_${'a'.repeat(47)}`],
    ['words', `${'a'.repeat(19)}_${'a'.repeat(48)} `],
  ])('1 MB of %s takes less than 100 ms', (_, piece) => {
    const text = `_${piece.repeat(1_048_576 / piece.length)}`;
    expect(timeOf(() => containsSecret(text))).toBeLessThan(100);
    expect(timeOf(() => looksLikeSecret(text, 'rv_'))).toBeLessThan(100);
  });
});

describe('looksLikeSecret', () => {
  test.each([
    `rv_${'a'.repeat(24)}`,
    `RV_${'A'.repeat(64)}`,
    `rv_${'a'.repeat(11)}O${'a'.repeat(13)}`,
    `  rv_${'a'.repeat(64)}\n`,
    `rv_${'a'.repeat(64)}.`,
    `xx_${'a'.repeat(48)}`,
    `acme-live-${'0'.repeat(128)}`,
  ])('%j is shaped like one', (text) => {
    expect(looksLikeSecret(text, 'rv_')).toBe(true);
  });

  test.each([
    '',
    '-',
    'rv_',
    'rv_1a2b3c4d',
    `rv_${'a'.repeat(23)}`,
    `rv_${'a'.repeat(23)}-a`,
    `xx_${'a'.repeat(47)}`,
    '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
    '0190a1b2c3d47e5f8a9b0c1d2e3f4a5b',
    'rv_productionbackendserviceworker',
    'ci-deploy',
    `build-${'a'.repeat(40)}`,
    `the xx_${'a'.repeat(48)}`,
    `xx_${'a'.repeat(129)}`,
  ])('%j is not', (text) => {
    expect(looksLikeSecret(text, 'rv_')).toBe(false);
  });

  test('a real one is, also inside an argument and of another prefix', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(looksLikeSecret(secret, 'rv_')).toBe(true);
        expect(looksLikeSecret(`key=${secret}`, 'rv_')).toBe(true);
        expect(looksLikeSecret(mistype(secret), 'rv_')).toBe(true);
      }),
    );
  });
});
