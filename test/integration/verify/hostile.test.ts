import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { makeKey, verifierOn } from './verifiers.js';

const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['nothing', '', 'MALFORMED'],
  ['a NUL', 'rv_\0', 'MALFORMED'],
  ['a NUL alone', '\0', 'MALFORMED'],
  ['10 kB', 'x'.repeat(10_000), 'MALFORMED'],
  ['1 MB', 'é'.repeat(500_000), 'MALFORMED'],
  ['513 bytes', 'x'.repeat(513), 'MALFORMED'],
  ['512 bytes', 'x'.repeat(512), 'NOT_FOUND'],
  ['256 characters of 2 bytes', 'é'.repeat(256), 'NOT_FOUND'],
  ['an escape sequence', '\u001b[31mrv_', 'MALFORMED'],
  ['a line end', 'rv_abc\n', 'MALFORMED'],
  ['a C1 control', 'rv_\u0085', 'MALFORMED'],
  ['half a surrogate pair', 'rv_\ud800', 'NOT_FOUND'],
  ['the other half', '\udfff', 'NOT_FOUND'],
  ['SQL', "'; DROP TABLE apikeys.keys; --", 'NOT_FOUND'],
  ['bidi', '\u202erv_', 'NOT_FOUND'],
  ['a property of objects', '__proto__', 'NOT_FOUND'],
  ['another one', 'constructor', 'NOT_FOUND'],
];

eachEngine((db) => {
  test.each(HOSTILE)('%s has an answer', async (_what, raw, code) => {
    expect(await verifierOn(db.engine).verify(raw)).toEqual({
      valid: false,
      code,
      key: null,
      missingScopes: [],
      oldSecret: false,
      retryAfterMs: null,
      limits: [],
    });
  });

  test('what is no text at all is malformed', async () => {
    const verify: (raw: never) => Promise<unknown> = verifierOn(db.engine).verify;
    for (const raw of [undefined, null, 7, {}, ['rv_']])
      expect(await verify(raw as never)).toMatchObject({ code: 'MALFORMED' });
  });

  test('among good keys in one batch it spoils no answer', async () => {
    const made = [];
    for (let n = 0; n < 10; n++) made.push(await makeKey(db));
    const verifier = verifierOn(db.engine);
    for (let round = 0; round < 5; round++) {
      const asked = made.flatMap(({ id, raw }, n) => [
        ...HOSTILE.slice(n % 3, HOSTILE.length - (n % 4)).map(([, hostile, code]) => ({
          raw: hostile,
          code,
          id: undefined,
        })),
        { raw, code: 'VALID', id },
      ]);
      const answers = await Promise.all(asked.map(({ raw }) => verifier.verify(raw)));
      expect(answers.map(({ code, key }) => [code, key?.id])).toEqual(
        asked.map(({ code, id }) => [code, id]),
      );
    }
  });
});
