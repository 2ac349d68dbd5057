import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { parseMetadata } from '../../../src/cli/input/metadata.js';
import { counted } from '../../../src/domain/counted.js';
import { makeSecret } from '../../../src/domain/secret.js';
import {
  checkActor,
  checkDescription,
  checkIdempotencyKey,
  checkMetadata,
  checkName,
  checkOwner,
  checkPrefix,
  checkReason,
  checkReference,
  checkTenant,
} from '../../../src/domain/text.js';
import { accepts, refused, timeOf } from './refused.js';

const lines: [string, (text: string) => unknown, number][] = [
  ['name', (text) => checkName(text), 200],
  ['owner', checkOwner, 200],
  ['tenant', checkTenant, 100],
  ['actor', checkActor, 200],
  ['idempotency key', checkIdempotencyKey, 200],
];
const free: [string, (text: string) => unknown, number][] = [
  ...lines,
  ['reason', checkReason, 500],
  ['description', checkDescription, 2000],
];
const all: [string, (text: string) => unknown, number][] = [...free, ['reference', checkReference, 200]];
const secret = makeSecret('acme_', 24);
const TAKE_IT_OUT =
  'Take the key out. If it is in use, rotate it: it may be in a shell history or a log by now.';

describe.each(lines)('one line: %s', (_, check, max) => {
  test.each([
    'a',
    'ci deploy',
    'user@example.com',
    '日本',
    '🔑',
    'ÄÖ',
    "'; DROP TABLE x",
    '=cmd',
    '../x',
    '__proto__',
  ])('takes %j', (text) => {
    expect(check(text)).toBe(text);
  });

  test.each(['', ' ', ' a', 'a ', '\u00a0a', 'a\n', 'a\tb', 'a\nb', '\ta'])('refuses %j', (text) => {
    refused(() => check(text));
  });

  test('counts code points', () => {
    expect(check('x'.repeat(max))).toBe('x'.repeat(max));
    expect(check('🔑'.repeat(max))).toBe('🔑'.repeat(max));
    expect(refused(() => check('x'.repeat(max + 1))).message).toContain(`longer than ${max}`);
    refused(() => check('🔑'.repeat(max + 1)));
  });
});

describe.each(free)('free text: %s', (_, check, max) => {
  test.each([
    0x00, 0x01, 0x0b, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x9f, 0x061c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029,
    0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xd800, 0xdfff,
  ])('refuses U+%i, and shows it escaped', (code) => {
    const { message } = refused(() => check(`a${String.fromCharCode(code)}b`));
    expect(message).toContain(`\\u{${code.toString(16)}}`);
  });

  test('refuses a secret and repeats nothing of it', () => {
    for (const text of [secret, `see ${secret}!`, `x${secret}ff`]) {
      const error = refused(() => check(text));
      const { message } = error;
      const hint = hintOf(error);
      expect(message + hint).toContain('API key');
      expect(message + hint).not.toContain('acme_');
    }
  });

  test('arbitrary text is accepted or refused, and what comes out is accepted as it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        if (!accepts(() => check(text))) return;
        const checked = check(text);
        if (typeof checked === 'string') expect(check(checked)).toBe(checked);
        expect(checked ?? '').toMatch(/^[^\0\p{Cs}]*$/u);
      }),
    );
  });

  test.each(['x', ' ', '🔑', 'e\u0301', `_${'a'.repeat(48)}`, '\ud800'])(
    '1 MB of %j takes less than 100 ms',
    (piece) => {
      const text = piece.repeat(1_048_576 / piece.length);
      if (text.trim() !== '') refused(() => check(text));
      expect(timeOf(() => check(text))).toBeLessThan(100);
      expect(max).toBeLessThan(text.length);
    },
  );
});

describe('checkName', () => {
  test('is composed, so that one name has one spelling', () => {
    expect(checkName('Ame\u0301lie')).toBe('Am\u00e9lie');
    expect(checkName('e\u0301'.repeat(200))).toBe('\u00e9'.repeat(200));
  });

  test('may look like a key prefix or an id, not like stdin or a secret', () => {
    expect(checkName('rv_1a2b3c4d')).toBe('rv_1a2b3c4d');
    expect(checkName('0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b')).toMatch(/^0190/);
    expect(checkName('--')).toBe('--');
    expect(refused(() => checkName('-')).message).toMatch(/stdin/);
    refused(() => checkName(`rv_${'a'.repeat(24)}`));
    refused(() => checkName(`zz_${'a'.repeat(24)}`, 'zz_'));
    expect(checkName(`zz_${'a'.repeat(24)}`)).toMatch(/^zz_/);
  });
});

test('owner, tenant and idempotency key are kept as they are', () => {
  for (const check of [checkOwner, checkTenant, checkIdempotencyKey])
    expect(check('e\u0301')).toBe('e\u0301');
});

describe('checkReason', () => {
  test('trims, and nothing to say is null', () => {
    expect(checkReason('')).toBeNull();
    expect(checkReason(' \n')).toBeNull();
    expect(checkReason(' leaked, INC-7\n')).toBe('leaked, INC-7');
    expect(checkReason('x'.repeat(500))).toHaveLength(500);
  });

  test('one line of 500 characters', () => {
    refused(() => checkReason('a\nb'));
    refused(() => checkReason('x'.repeat(501)));
  });
});

describe('checkDescription', () => {
  test('lines and tabs are kept, nothing is null', () => {
    expect(checkDescription('')).toBeNull();
    expect(checkDescription('a\n\tb\r\nc ')).toBe('a\n\tb\r\nc ');
    expect(checkDescription('x'.repeat(2000))).toHaveLength(2000);
    refused(() => checkDescription('x'.repeat(2001)));
    refused(() => checkDescription('a\rb'));
  });
});

describe('checkPrefix', () => {
  test.each(['rv_', 'a_', 'sk-live-', `${'a'.repeat(19)}_`])('takes %j', (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });

  test.each(['', 'rv', '_', '1_', 'r.v_', 'rv_ ', 'rv_\n', 'é_', `${'a'.repeat(20)}_`, 'rv\0_'])(
    'refuses %j',
    (prefix) => {
      expect(hintOf(refused(() => checkPrefix(prefix)))).toMatch(/rv_/);
    },
  );
});

describe('metadata', () => {
  test('pairs', () => {
    expect(parseMetadata([])).toEqual({});
    expect(parseMetadata(['team=core', 'note=a=b', 'empty=', 'lines=a\nb'])).toEqual({
      team: 'core',
      note: 'a=b',
      empty: '',
      lines: 'a\nb',
    });
  });

  test.each([
    ['team'],
    ['=x'],
    [''],
    [' a=b'],
    ['a =b'],
    ['a\nb=c'],
    ['a=\0'],
    ['a=\ud800'],
    [`${'k'.repeat(101)}=v`],
    ['__proto__=x'],
  ])('refuses %j', (pair) => {
    refused(() => parseMetadata([pair]));
  });

  test('a key given twice is refused', () => {
    expect(refused(() => parseMetadata(['a=1', 'b=2', 'a=1'])).message).toMatch(/twice/);
  });

  test('names of Object are plain data, and nothing is polluted', () => {
    const metadata = parseMetadata(['constructor=a', 'toString=b', 'hasOwnProperty=c']);
    expect(JSON.stringify(metadata)).toBe('{"constructor":"a","toString":"b","hasOwnProperty":"c"}');
    refused(() => checkMetadata(JSON.parse('{"__proto__": "x"}')));
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('a value that is not text is refused', () => {
    expect(refused(() => checkMetadata(JSON.parse('{"a": 1}'))).message).toMatch(/not text/);
    refused(() => checkMetadata(JSON.parse('{"a": null}')));
  });

  test('a copy is returned', () => {
    const metadata = { a: 'b' };
    expect(checkMetadata(metadata)).not.toBe(metadata);
    expect(checkMetadata(metadata)).toEqual(metadata);
  });

  test('8192 bytes as PostgreSQL writes it', () => {
    // {"a": "", "b": ""} is 18 bytes.
    expect(checkMetadata({ a: 'x'.repeat(8174), b: '' })).toHaveProperty('b', '');
    expect(refused(() => checkMetadata({ a: 'x'.repeat(8175), b: '' })).message).toMatch(/8192/);
    expect(checkMetadata({ a: 'é'.repeat(4087), b: '' })).toHaveProperty('b', '');
    refused(() => checkMetadata({ a: 'é'.repeat(4088), b: '' }));
    expect(checkMetadata({ a: '"'.repeat(4087), b: '' })).toHaveProperty('b', '');
    refused(() => checkMetadata({ a: '"'.repeat(4088), b: '' }));
    // {"a": ""} is 9 bytes.
    expect(checkMetadata({ a: 'x'.repeat(8183) })).toHaveProperty('a');
    refused(() => checkMetadata({ a: 'x'.repeat(8184) }));
    expect(checkMetadata({})).toEqual({});
  });

  test('refuses a secret in a key or a value and repeats nothing of it', () => {
    for (const pair of [`k=${secret}`, `${secret}=v`, `k=x\n${secret}\n`]) {
      expect(refused(() => parseMetadata([pair])).message).not.toContain('acme_');
    }
  });

  test('arbitrary pairs are accepted as they are, or refused', () => {
    const word = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(word, word), (record) => {
        const pairs = Object.entries(record).map(([key, value]) => `${key}=${value}`);
        accepts(() => parseMetadata(pairs));
        if (accepts(() => checkMetadata(record))) expect({ ...checkMetadata(record) }).toEqual({ ...record });
      }),
    );
  });

  test.each(['a', '=', 'a=', '\n'])('1 MB of %j takes less than 100 ms', (piece) => {
    const text = `k=${piece.repeat(1_048_576 / piece.length)}`;
    expect(timeOf(() => parseMetadata([text]))).toBeLessThan(100);
  });
});

describe('checkReference', () => {
  test('takes what a name may be and more, composed', () => {
    expect(checkReference('Ame\u0301lie')).toBe('Am\u00e9lie');
    expect(checkReference('x'.repeat(200))).toHaveLength(200);
    expect(checkReference('🔑'.repeat(200))).toHaveLength(400);
    expect(checkReference(' a\u200b\tb ')).toBe(' a\u200b\tb ');
  });

  test.each(['', 'a\0b', '\ud800', 'x'.repeat(201)])('refuses %j', (text) => {
    refused(() => checkReference(text));
  });
});

test.each<[() => unknown, string]>([
  [() => checkName(''), 'the name is empty; Give at least one character.'],
  [() => checkName(' a'), 'the name begins or ends with white space; Remove it.'],
  [() => checkName('-'), 'the name "-" is taken: it stands for stdin; Choose another name.'],
  [() => checkName(`rv_${'a'.repeat(24)}`), `the name contains an API key; ${TAKE_IT_OUT}`],
  [() => checkName('x'.repeat(201)), 'the name is longer than 200 characters; Make it shorter.'],
  [
    () => checkName('a\u200bb'),
    'the name contains the character "\\u{200b}"; Remove control and invisible characters.',
  ],
  [() => checkOwner(''), 'the owner is empty; Give at least one character.'],
  [() => checkTenant(''), 'the tenant is empty; Give at least one character.'],
  [() => checkActor(''), 'the actor is empty; Give at least one character.'],
  [() => checkIdempotencyKey(''), 'the idempotency key is empty; Give at least one character.'],
  [() => checkReason('x'.repeat(501)), 'the reason is longer than 500 characters; Make it shorter.'],
  [
    () => checkDescription('x'.repeat(2001)),
    'the description is longer than 2000 characters; Make it shorter.',
  ],
  [() => checkDescription(`a\n${secret}`), `the description contains an API key; ${TAKE_IT_OUT}`],
  [() => checkReference(''), 'the name of a key is empty; Give its id, its key prefix or its name.'],
  [() => checkReference('a\0'), 'no key has a name like that; Remove the NUL or broken character.'],
  [
    () => checkReference('x'.repeat(201)),
    'the name of a key is longer than 200 characters; Make it shorter.',
  ],
  [
    () => checkPrefix('rv'),
    '"rv" cannot be the prefix of secrets; Write at most 20 letters, digits, _ and -, beginning with a letter and ending with _ or -, such as rv_.',
  ],
  [() => parseMetadata(['team']), 'the metadata "team" is not key=value; Write --metadata team=core.'],
  [() => parseMetadata(['a=1', 'a=2']), 'the metadata key "a" is given twice; Give each key once.'],
  [() => parseMetadata([' =1']), 'a metadata key begins or ends with white space; Remove it.'],
  [() => parseMetadata(['__proto__=1']), '"__proto__" cannot be a metadata key; Choose another key.'],
  [() => checkMetadata(JSON.parse('{"a": 1}')), 'a metadata value is not text; Write it in quotes.'],
  [
    () => parseMetadata([`a=${'x'.repeat(8193)}`]),
    'a metadata value is longer than 8192 characters; Make it shorter.',
  ],
  [
    () => checkMetadata({ a: 'x'.repeat(8192) }),
    'the metadata is longer than 8192 bytes; Keep it short: it is read with every key.',
  ],
])('a refusal says what is wrong and what to do: case %#', (work, words) => {
  const error = refused(work);
  expect(`${error.message}; ${hintOf(error)}`).toBe(words);
});

test('counted', () => {
  expect([0, 1, 2].map((count) => counted(count, 'key'))).toEqual(['0 keys', '1 key', '2 keys']);
  expect(counted(12_000, 'key', '12,000')).toBe('12,000 keys');
});

test('refusals repeat at most the start of the input, without its control characters', () => {
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.string({ unit: 'binary', size: 'large' }), ([, check], text) => {
      if (accepts(() => check(text))) return;
      const { message } = refused(() => check(text));
      expect(message.length).toBeLessThan(450);
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    }),
  );
});
