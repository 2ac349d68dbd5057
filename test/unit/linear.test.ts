import { describe, expect, test } from 'vitest';
import { chooseDatabase } from '../../src/cli/config/database-choice.js';
import { usageLines } from '../../src/cli/input/usage-lines.js';
import { findPassword } from '../../src/db/server/password-file.js';
import { serverSettings } from '../../src/db/server/server-settings.js';
import { parseScopes } from '../../src/domain/scopes.js';
import { containsSecret } from '../../src/domain/secret.js';
import { credentialsOf } from '../../src/service/verify/credentials.js';

const settled = (work: () => unknown): void => {
  try {
    work();
  } catch {
    // What is refused is refused in time, too.
  }
};

async function* one(line: string) {
  yield 'key,requests';
  yield line;
}

const LOGIN = { host: 'h', port: 5432, database: 'd', user: 'u' };

/** Inputs of `n` characters that a careless regular expression, or a loop in a loop, takes n² steps for. */
const HOSTILE: readonly [what: string, (n: number) => unknown][] = [
  ['a URL of colons', (n) => serverSettings(`postgres://${':'.repeat(n)}`, {})],
  ['a URL of slashes', (n) => serverSettings(`postgres://${'/'.repeat(n)}`, {})],
  ['a URL of parameters', (n) => serverSettings(`postgres://h/?${'a=1&'.repeat(n / 4)}`, {})],
  [
    'a URL of colons in the YAML file',
    (n) => {
      const values = new Map([['database_url', `p://${':'.repeat(n)}`]]);
      return chooseDatabase(
        {},
        { env: {}, file: { path: '/x', values }, interactive: false, reading: { within: 1_000 } },
      );
    },
  ],
  ['a password file of escapes', (n) => findPassword('\\:'.repeat(n / 2), LOGIN)],
  ['a password file of colons', (n) => findPassword(':'.repeat(n), LOGIN)],
  ['a password file of short lines', (n) => findPassword('h:1\n'.repeat(n / 4), LOGIN)],
  ['scopes without an end', (n) => parseScopes([`${'a:'.repeat(n / 2)}!`])],
  ['many scopes', (n) => parseScopes(Array.from({ length: n / 10 }, (_, index) => `s${index}`))],
  ['the beginnings of secrets', (n) => containsSecret('_0123456789'.repeat(n / 11))],
  ['one long run of digits', (n) => containsSecret(`_${'0'.repeat(n)}g`)],
  ['a header of commas', (n) => credentialsOf({ headers: { 'x-api-key': ','.repeat(n) } })],
  ['a header of blanks', (n) => credentialsOf({ headers: { authorization: `Bearer${' '.repeat(n)}x y` } })],
];

/** The least of some runs: what else the machine does only ever adds. */
function timeOf(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    settled(work);
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

describe('time grows no faster than the input', () => {
  test.each(HOSTILE)('%s', (_what, parse) => {
    const small = timeOf(() => parse(20_000));
    const large = timeOf(() => parse(160_000));
    // Eight times the input: 8 where it is linear, 64 where it is not. What takes next to no time says nothing.
    expect(large).toBeLessThan(Math.max(24 * small, 500));
  });

  test.each([
    ['quotes', '"'],
    ['quoted cells', '"a",'],
    ['quotes that never end', ',"a""'],
    ['commas', ','],
  ])('a line of CSV of %s', async (_what, part) => {
    const time = async (n: number): Promise<number> => {
      const began = performance.now();
      for await (const line of usageLines(one(part.repeat(n / part.length)), 'rv_'))
        expect(line.line).toBe(2);
      return performance.now() - began;
    };
    const small = await time(8_000);
    expect(await time(64_000)).toBeLessThan(Math.max(24 * small, 1_000));
  });
});
