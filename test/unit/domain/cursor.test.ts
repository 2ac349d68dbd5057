import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hintOf } from '../../../src/cli/hints.js';
import { decodeCursor, encodeCursor } from '../../../src/domain/cursor.js';
import { accepts, refused, timeOf } from './refused.js';

const id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const spell = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a cursor', () => {
  test('is read back as it was', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(text, fc.array(fc.option(text), { maxLength: 4 }), fc.uuid(), (sort, values, uuid) => {
        const cursor = { sort, values, id: uuid };
        expect(encodeCursor(cursor)).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  test('holds the longest name', () => {
    const cursor = { sort: 'last-used', values: ['🔑'.repeat(200)], id };
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  });

  const good = spell([1, 'name', ['a'], id]);
  test.each([
    ['nothing', ''],
    ['no base64', 'ä'],
    ['no JSON', Buffer.from('{').toString('base64url')],
    ['another version', spell([2, 'name', ['a'], id])],
    ['an object', spell({ sort: 'name', values: [], id })],
    ['null', spell(null)],
    ['a field too few', spell([1, 'name', ['a']])],
    ['a field too many', spell([1, 'name', ['a'], id, 1])],
    ['a sort that is no text', spell([1, 1, ['a'], id])],
    ['a value that is no text', spell([1, 'name', [1], id])],
    ['values that are no list', spell([1, 'name', 'a', id])],
    ['too many values', spell([1, 'name', ['a', 'a', 'a', 'a', 'a'], id])],
    ['an id that is none', spell([1, 'name', ['a'], 'x'])],
    ['an id with more', spell([1, 'name', ['a'], `${id}0`])],
    ['an id in capitals', spell([1, 'name', ['a'], id.toUpperCase()])],
    ['NUL', spell([1, 'name', ['\0'], id])],
    ['half a character', Buffer.from(`[1,"name",["\\ud800"],"${id}"]`).toString('base64url')],
    ['blanks in the JSON', Buffer.from(`[1, "name", ["a"], "${id}"]`).toString('base64url')],
    ['a blank', `${good} `],
    ['padding', `${good}=`],
    ['another end', `${good}AA`],
    ['too long', spell([1, 'name', ['a'.repeat(4000)], id])],
  ])('%s is refused', (_, text) => {
    expect(hintOf(refused(() => decodeCursor(text)))).toMatch(/next_cursor/);
  });

  test('the good one is not', () => {
    expect(decodeCursor(good)).toEqual({ sort: 'name', values: ['a'], id });
  });

  test('arbitrary text and JSON are refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue().map(spell)), (text) => {
        expect(accepts(() => decodeCursor(text))).toBe(false);
      }),
    );
  });

  test.each(['A', '[', 'é'])('1 MB of %j takes less than 100 ms', (piece) => {
    const text = piece.repeat(1_048_576);
    expect(timeOf(() => decodeCursor(text))).toBeLessThan(100);
  });
});
