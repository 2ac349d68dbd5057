import { describe, expect, test } from 'vitest';
import { usageLines } from '../../../src/cli/input/usage-lines.js';

async function* each(lines: readonly string[]) {
  yield* lines;
}

async function read(...lines: string[]) {
  const seen = [];
  for await (const line of usageLines(each(lines), 'rv_')) seen.push(line);
  return seen;
}

const counted = (line: number, key: string, requests: number, spendCents = 0) => ({
  line,
  key,
  requests,
  spendCents,
  at: undefined,
});

describe('usage from CSV', () => {
  test('reads quoted and plain fields, in the order of the header', async () => {
    expect(await read(' requests , key', '5,ci', '"6","nightly, ""big"""', '', '7,a', ',b')).toEqual([
      counted(2, 'ci', 5),
      counted(3, 'nightly, "big"', 6),
      counted(5, 'a', 7),
      counted(6, 'b', 1),
    ]);
  });

  test.each([
    ['characters after a closing quote', '"ci"x,1', 'characters follow a closing quote'],
    ['a blank after a closing quote', '"ci" ,1', 'characters follow a closing quote'],
    ['an open quote', '"ci,1', 'a quote is not closed'],
    ['an open quote in the last field', 'ci,"1', 'a quote is not closed'],
    ['a quote within a plain field', 'c"i,1', 'a quote stands within a field that does not begin with one'],
    ['too few fields', '"ci"', 'it cannot be read'],
    ['too many fields', 'ci,1,2', 'it cannot be read'],
    ['an empty key', '"",1', 'it has no key'],
  ])('names the line of %s, and goes on with the next', async (_what, line, reason) => {
    expect(await read('key,requests', 'a,1', line, 'b,2')).toEqual([
      counted(2, 'a', 1),
      { line: 3, reason },
      counted(4, 'b', 2),
    ]);
  });

  test.each([['"key,requests'], ['"key"s,requests'], ['key,colour'], ['requests'], ['key"']])(
    'refuses the header %s',
    async (header) => {
      await expect(read('', header, 'a,1')).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: 'line 2: neither JSON nor a CSV header with a column "key"',
      });
    },
  );
});

describe('usage from NDJSON', () => {
  test('reads objects, and names the line of anything else', async () => {
    expect(await read('{"key":"ci","requests":2,"spend_cents":3}', '["ci"]', '{', '"ci",1')).toEqual([
      counted(1, 'ci', 2, 3),
      { line: 2, reason: 'it cannot be read' },
      { line: 3, reason: 'it cannot be read' },
      { line: 4, reason: 'it cannot be read' },
    ]);
  });
});
