import { expect, test } from 'vitest';
import { makeSecret } from '../../../src/domain/secret.js';
import { eachEngine } from '../../helpers/engines.js';
import type { CreateRequest } from '../../helpers/named-caller.js';
import { withHint } from '../../helpers/with-hint.js';
import { fingerprint, request } from './stored.js';

const SECRET = makeSecret('rv_', 32);
const FOREIGN = makeSecret('acme_live_', 24);
const LINE: Readonly<Record<string, string>> = {
  empty: '',
  'white space': '   ',
  'white space at its end': 'a ',
  'a line break': 'a\nb',
  'a NUL': 'a\0b',
  'an escape': 'a\u001b[31mb',
  'a bidi override': 'a\u202eb',
  'half a surrogate pair': 'a\ud800b',
  '10,000 characters': 'a'.repeat(10_000),
  'a secret': SECRET,
  'a secret of another prefix inside': `see ${FOREIGN}!`,
};

const INVALID: readonly (readonly [what: string, more: Partial<CreateRequest>])[] = [
  ...(['name', 'owner', 'tenant', 'actor'] as const).flatMap((field) =>
    Object.entries(LINE).map(([what, text]) => [`the ${field}: ${what}`, { [field]: text }] as const),
  ),
  ['the name: -', { name: '-' }],
  ['the name: shaped like a mistyped secret', { name: `rv_${'0123456789abcdef'.repeat(2)}` }],
  ['the name: 201 characters', { name: 'é'.repeat(201) }],
  ['the tenant: 101 characters', { tenant: 'a'.repeat(101) }],
  ['a scope: empty', { scopes: [''] }],
  ['a scope: with a space', { scopes: ['read all'] }],
  ['a scope: a star in the middle', { scopes: ['a:*:b'] }],
  ['a scope: a secret', { scopes: [SECRET] }],
  ['101 scopes', { scopes: Array.from({ length: 101 }, (_, i) => `s${i}`) }],
  ['the expiry: a bare number', { expires: '30' }],
  ['the expiry: months', { expires: '3M' }],
  ['the expiry: a time without a zone', { expires: '2099-01-01T00:00:00' }],
  ['the expiry: 30 February', { expires: '2099-02-30T00:00:00Z' }],
  ['the expiry: the past', { expires: '1999-01-01T00:00:00Z' }],
  ['the expiry: empty', { expires: '' }],
  ['the description: a NUL', { description: 'a\0b' }],
  ['the description: 2,001 characters', { description: 'a'.repeat(2_001) }],
  ['the description: a secret', { description: `key\n${SECRET}` }],
  ['metadata: __proto__', { metadata: JSON.parse('{"__proto__": "x"}') }],
  ['metadata: an empty key', { metadata: { '': 'x' } }],
  ['metadata: a secret as a value', { metadata: { note: SECRET } }],
  ['metadata: a secret as a key', { metadata: { [SECRET]: 'x' } }],
  ['metadata: half a surrogate pair', { metadata: { a: '\udc00' } }],
  ['metadata: 9,000 bytes', { metadata: { a: 'é'.repeat(4_500) } }],
];

eachEngine((db) => {
  test.each(INVALID)('%s is refused in one sentence, and nothing is stored', async (_what, more) => {
    const before = await fingerprint(db.rows);
    const error: unknown = await withHint(db.service.create(request(more))).then(
      () => 'it was accepted',
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'ApiKeysError', code: 'INVALID_INPUT' });
    const { message, hint } = error as { message: string; hint: string };
    expect(message.length).toBeLessThan(300);
    // Nothing that acts on a terminal, and nothing of a secret.
    expect(`${message}${hint}`).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
    expect(`${message}${hint}`).not.toContain(SECRET.slice(11, 30));
    expect(await fingerprint(db.rows)).toEqual(before);
  });
});
