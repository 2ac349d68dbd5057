import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonText } from '../../../src/cli/output/json.js';

it('indents by two spaces, or keeps to one line', () => {
  expect(jsonText({ a: [1] }, 'indented')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(jsonText({ a: [1], at: new Date(0) }, 'line')).toBe('{"a":[1],"at":"1970-01-01T00:00:00.000Z"}');
  expect(jsonText(undefined, 'line')).toBe('null');
});

it('escapes what a terminal would act on', () => {
  expect(jsonText('\u001b\u007f\u009b\u202e\u2028\ud800👩‍💻', 'line')).toBe(
    '"\\u001b\\u007f\\u009b\\u202e\\u2028\\ud800👩‍💻"',
  );
});

it('is the same data to a parser', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = jsonText(value, 'line');
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/u);
    }),
  );
});

it('keeps a member called __proto__', () => {
  expect(jsonText(JSON.parse('{"__proto__":"x"}'), 'line')).toBe('{"__proto__":"x"}');
});
